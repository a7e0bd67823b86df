"""Label spaces and policies: by name, as data."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merdata.corpora.registry import registry
from merdata.errors import PolicyError
from merdata.labels import KEEP, classify, label_space, label_spaces, make_policy, read_policy, vad_prototypes

TARGETS = {
    "mead": {"angry": "anger", "contempt": None, "neutral": "neutral"},
    "emovdb": {"Sleepy": None, "Angry": "anger", "neutral": "neutral"},
}


def test_the_built_in_spaces() -> None:
    assert set(label_spaces()) == {
        "mer7", "tess7", "cremad6", "ser4", "iemocap4", "iemocap4_happy", "iemocap6",
    }  # fmt: skip
    assert label_space("mer7").classes == (
        "anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral",
    )  # fmt: skip


# The turns of IEMOCAP by their majority vote, as its EmoEvaluation files have them (Busso et al. 2008).
IEMOCAP = {"ang": 1103, "hap": 595, "exc": 1041, "sad": 1084, "neu": 1708, "fru": 1849, "fea": 40}


@pytest.mark.parametrize(
    ("space", "rows"), [("iemocap4", 5531), ("iemocap4_happy", 4490), ("ser4", 4490), ("iemocap6", 7380)]
)
def test_a_space_takes_the_rows_of_iemocap_that_papers_count(space: str, rows: int) -> None:
    stored = {"ang": "anger", "fru": "anger", "hap": "joy", "exc": "joy", "sad": "sadness", "neu": "neutral"}
    taken = {raw: classify(label_space(space), "iemocap", raw, stored.get(raw)) for raw in IEMOCAP}
    assert sum(IEMOCAP[raw] for raw, label in taken.items() if label) == rows
    assert taken["hap"] == "joy"
    assert taken["exc"] == {"iemocap4": "joy", "iemocap6": "excitement"}.get(space)


def test_a_space_over_several_corpora_takes_the_others_as_they_are_stored() -> None:
    space = label_space("ser4")
    assert classify(space, "cremad", "HAP", "joy") == "joy"
    assert classify(space, "cremad", "FEA", "fear") is None
    assert classify(label_space("iemocap4"), "cremad", "HAP", "joy") is None


def test_every_class_has_a_prototype_on_the_scale() -> None:
    """Of all spaces: a missing one would be a target of (0, 0, 0)."""
    prototypes = vad_prototypes()
    assert {name for space in label_spaces().values() for name in space.classes} == set(prototypes)
    assert all(-1 <= value <= 1 for values in prototypes.values() for value in values)
    assert prototypes["neutral"] == (-0.062, -0.632, -0.286)
    assert prototypes["sadness"] == (-0.896, -0.424, -0.672)


def test_defaults_keep_what_has_a_class_and_drop_the_rest() -> None:
    policy = make_policy(TARGETS)
    assert policy.table("mead") == {"angry": "anger", "contempt": "drop", "neutral": "neutral"}
    decision = policy.decide("mead", "angry", "somewhere")
    assert (decision.keep, decision.target, decision.note) == (True, "anger", None)
    assert not policy.decide("mead", "contempt", "somewhere").keep


def test_a_change_is_applied_and_noted() -> None:
    decision = make_policy(TARGETS, ["contempt=disgust"]).decide("mead", "contempt", "somewhere")
    assert (decision.keep, decision.target) == (True, "disgust")
    assert decision.note == "label policy: contempt -> disgust"


def test_a_row_can_be_kept_without_a_label() -> None:
    decision = make_policy(TARGETS, ["sleepy=keep"]).decide("emovdb", "Sleepy", "somewhere")
    assert (decision.keep, decision.target) == (True, None)


def test_a_plain_name_means_every_corpus_a_qualified_one_only_its_own() -> None:
    everywhere = make_policy(TARGETS, ["neutral=drop"])
    assert everywhere.table("mead")["neutral"] == everywhere.table("emovdb")["neutral"] == "drop"
    only_mead = make_policy(TARGETS, ["mead.neutral=drop"])
    assert only_mead.table("mead")["neutral"] == "drop"
    assert only_mead.table("emovdb")["neutral"] == "neutral"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("contempt", "is not of the form RAW=TARGET"),
        ("=disgust", "is not of the form RAW=TARGET"),
        ("contempt=", "is not of the form RAW=TARGET"),
        ("contemp=disgust", "did you mean 'contempt'?"),
        ("contempt=disgus", "did you mean 'disgust'?"),
        ("contempt=3", "is not a class of mer7"),
        ("meld.neutral=drop", "do not have"),
    ],
)
def test_a_wrong_change_is_one_sentence(change: str, says: str) -> None:
    with pytest.raises(PolicyError) as caught:
        make_policy(TARGETS, [change])
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_unknown_raw_label_names_file_and_label() -> None:
    with pytest.raises(PolicyError, match=r"unknown raw label 'bored' in a/b\.wav"):
        make_policy(TARGETS).decide("mead", "bored", "a/b.wav")


def test_an_unknown_space_is_refused() -> None:
    with pytest.raises(PolicyError, match="no label space is called 'mer8'"):
        make_policy(TARGETS, space="mer8")


@given(st.text(max_size=30))
def test_any_text_is_a_policy_or_one_refusal(change: str) -> None:
    try:
        policy = make_policy(TARGETS, [change])
    except PolicyError as error:
        assert str(error)
    else:
        changed = {
            raw
            for corpus in TARGETS
            for raw in TARGETS[corpus]
            if policy.table(corpus)[raw] != make_policy(TARGETS).table(corpus)[raw]
            or policy.decisions[corpus][raw].note
        }
        assert changed


def test_iemocap4_is_computed_from_raw_labels() -> None:
    space = label_space("iemocap4")
    raws = ("ang", "hap", "exc", "sad", "neu", "fru", "xxx", "fea")
    classes = [classify(space, "iemocap", raw, "anger") for raw in raws]
    assert classes == ["anger", "joy", "joy", "sadness", "neutral", None, None, None]
    assert classify(space, "meld", "anger", "anger") is None


def test_a_space_without_raw_labels_takes_the_stored_class() -> None:
    assert classify(label_space("mer7"), "meld", "anger", "anger") == "anger"
    assert classify(label_space("mer7"), "iemocap", "xxx", None) is None


def test_every_corpus_targets_classes_of_mer7() -> None:
    classes = set(label_space("mer7").classes)
    for corpus in registry().values():
        assert {target for target in corpus.targets.values() if target} <= classes | {KEEP}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("contempt: disgust\ncontempt: drop\n", "line 2, column 1: the key 'contempt' is given twice"),
        ("mead: {contempt: disgust, contempt: drop}\n", "the key 'contempt' is given twice"),
        ("mead: {contempt: disgust, Contempt: drop}\n", "has mead.Contempt twice"),
        ("contempt: disgust\nCONTEMPT: disgust\n", "has CONTEMPT twice"),
        ("a: &x [1]\nb: *x\n", "aliases"),
        ("[" * 5_000, "nested deeper"),
        ("contempt: 2001-02-30\n", "a date or a number that cannot be"),
        ("contempt: !!timestamp disgust\n", "a date or a number that cannot be"),
        (f"contempt: {'9' * 5_000}\n", "a date or a number that cannot be"),
        ("#" * 1_000_001, "larger than 1,000,000 bytes"),
    ],
)
def test_a_policy_file_that_says_two_things_is_refused(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(text)
    with pytest.raises(PolicyError, match=says):
        read_policy(tmp_path / "policy.yaml")


def test_a_folder_is_no_policy_file(tmp_path: Path) -> None:
    with pytest.raises(PolicyError, match=f"cannot read the policy {tmp_path}: Is a directory$"):
        read_policy(tmp_path)
