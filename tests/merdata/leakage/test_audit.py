"""The audit finds what is on both sides, and tells a broken promise from a known overlap."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import merdata
from merdata.leakage.audit import audits
from merdata.leakage.conflicts import conflicts
from merdata.leakage.probes import probe_text
from merdata.leakage.rows import TEST, TRAIN, Rows, Split, coded, read_rows
from merdata.store.keep import keep_protocol
from merdata.store.store import open_store
from tests.merdata.cli.command import cli
from tests.merdata.protocols import make_protocol


@pytest.fixture
def copy(store: merdata.Store, tmp_path: Path) -> merdata.Store:
    return open_store(shutil.copytree(store.path, tmp_path / "store"))


def moved(store: merdata.Store, ids: list[str], split: str) -> merdata.Protocol:
    """The default protocol with some rows moved."""
    protocol = merdata.load_protocol(store, "mer")
    return make_protocol("moved", protocol.splits() | dict.fromkeys(ids, split), protocol.properties)


def test_the_default_protocol_holds(store: merdata.Store) -> None:
    findings = merdata.audit(store, near_audio=False).findings
    assert not any(finding.broken for finding in findings)
    claimed = {(one.corpus, one.evaluation) for one in findings if one.claimed and one.shared == "speaker"}
    acted = {corpus for corpus, facts in store.corpora.items() if facts["domain"] == "acted"} - {"tess"}
    assert claimed == {(corpus, split) for corpus in acted for split in ("validation", "test")}


def test_a_shared_speaker_breaks_the_promise(copy: merdata.Store) -> None:
    split_of = merdata.load_protocol(copy, "mer").splits()
    of_test = sorted(id for id, split in split_of.items() if split == "test" and id.startswith("ravdess/"))
    keep_protocol(copy, moved(copy, of_test[:1], "train"))
    broken = [
        finding for finding in merdata.audit(copy, "moved", near_audio=False).findings if finding.broken
    ]
    (finding,) = broken
    assert (finding.shared, finding.corpus, finding.evaluation) == ("speaker", "ravdess", "test")
    assert finding.values == 1
    assert finding.rows == sum(id.endswith(of_test[0][-2:]) for id in of_test[1:])
    assert finding.examples == [f"ravdess/{of_test[0][-2:]}"]


def test_a_cut_dialogue_is_found(copy: merdata.Store) -> None:
    keep_protocol(copy, moved(copy, ["meld/test/dia0_utt0"], "train"))
    findings = {
        (one.shared, one.corpus, one.evaluation): one
        for one in merdata.audit(copy, "moved", near_audio=False).findings
    }
    assert findings["dialogue", "meld", "test"].examples == ["meld/test/dia0"]
    assert findings["dialogue", "meld", "test"].broken


def test_identical_audio_on_both_sides_is_found(copy: merdata.Store) -> None:
    rows = {row["id"]: row for row in copy.ledger("cremad").to_pylist()}
    twin = next(row for row in rows.values() if row["same_audio_as"])
    keep_protocol(copy, moved(copy, [twin["id"]], "train"))
    keep_protocol(copy, moved(copy, [twin["same_audio_as"]], "test"))
    both = merdata.load_protocol(copy, "mer").splits() | {twin["id"]: "train", twin["same_audio_as"]: "test"}
    facts = merdata.load_protocol(copy, "mer").properties | {"claims": {}}
    keep_protocol(copy, make_protocol("moved", both, facts))
    findings = {
        (one.shared, one.corpus, one.evaluation): one
        for one in merdata.audit(copy, "moved", near_audio=False).findings
    }
    assert findings["audio", "cremad", "test"].rows == 1
    assert findings["audio", "cremad", "test"].examples == [f"{twin['same_audio_as']} = {twin['id']}"]


def test_every_fold_of_every_protocol(copy: merdata.Store) -> None:
    merdata.split(copy, "kfold", corpora=["ravdess"], folds=3)
    merdata.split(copy, "loco")
    merdata.split(copy, "random")
    found = {one.protocol: one for one in audits(copy, near_audio=False)}
    assert set(found) == {"mer", "ravdess_speaker3", "loco", "random"}
    assert not any(one.broken for one in found.values())
    assert {one.fold for one in found["ravdess_speaker3"].findings} == {1, 2, 3}
    corpora = [one for one in found["loco"].findings if one.shared == "corpus"]
    assert len(corpora) == len(copy.corpora)
    assert all(one.claimed and one.disjoint for one in corpora if one.evaluation == "test")
    speakers = {
        one.corpus: one
        for one in found["random"].findings
        if (one.shared, one.evaluation) == ("speaker", "test")
    }
    assert all(not one.disjoint and not one.claimed for one in speakers.values())


def test_texts_by_length(store: merdata.Store) -> None:
    rows = store.rows(["id", "corpus", "text", "label"]).to_pandas()
    rows["split"] = rows["id"].map(merdata.load_protocol(store, "mer").splits())
    found = {(one.corpus, one.length): one for one in merdata.audit(store, near_audio=False).same_texts}
    said = rows["text"].fillna("").str.lower().str.replace(r"[^a-z' ]", "", regex=True)
    old = set(said[rows["split"] == "train"])
    test = rows[(rows["split"] == "test") & (rows["corpus"] == "cremad")]
    one = found["cremad", "all"]
    assert (one.rows, one.of_rows) == (said[test.index].isin(old).sum(), len(test))
    for corpus in ("cremad", "ravdess"):
        parts = [part for (name, length), part in found.items() if name == corpus and length != "all"]
        assert sum(part.of_rows for part in parts) == found[corpus, "all"].of_rows
        assert sum(part.right for part in parts) == found[corpus, "all"].right


def crossed_rows(said: Callable[[int, str], str]) -> Rows:
    """Two speakers who say 60 sentences in each of four emotions, as `said(sentence, emotion)`."""
    emotions = ["anger", "fear", "joy", "neutral"]
    rows = [(number, emotion) for _ in range(2) for number in range(60) for emotion in emotions]
    corpus, label = coded(["c"] * len(rows)), coded([emotion for _, emotion in rows])
    words = coded([said(number, emotion) for number, emotion in rows])
    ids = pa.array([f"c/{number}" for number in range(len(rows))])
    return Rows(ids, corpus, label, coded([None] * len(rows)), words, words, {}, frozenset({"c"}))


def by_speaker(rows: Rows) -> Split:
    return np.repeat([TRAIN, TEST], len(rows.ids) // 2).astype(np.int8)


def test_a_random_split_of_a_crossed_corpus_alarms() -> None:
    """Every sentence has each emotion once a speaker: what train shows often, test has seldom."""
    rows = crossed_rows(lambda number, _: f"word{number}")
    at_random = np.random.default_rng(0).random(len(rows.ids)) < 0.75
    (probe,) = probe_text(rows, {0: np.where(at_random, TRAIN, TEST).astype(np.int8)})
    assert "below chance" in probe.alarm
    (probe,) = probe_text(rows, {0: by_speaker(rows)})
    assert not probe.alarm
    assert probe.lookup_uar == probe.chance == 0.25


def test_a_text_that_tells_the_emotion_alarms() -> None:
    rows = crossed_rows(lambda number, emotion: f"word{number} so {emotion}")
    (probe,) = probe_text(rows, {0: by_speaker(rows)})
    assert "above chance" in probe.alarm
    assert (probe.lookup_uar, probe.linear_uar) == (1, 1)


def test_text_tells_the_corpus(store: merdata.Store) -> None:
    probe = merdata.audit(store, near_audio=False).corpus_probe
    assert probe is not None
    assert probe.lookup_uar > 2 * probe.chance


def test_one_recording_with_two_labels_is_named(store: merdata.Store) -> None:
    ledger = store.ledger("cremad").to_pandas()
    twin = ledger[ledger["same_audio_as"].notna()].iloc[0]
    found = merdata.audit(store, near_audio=False).conflicts
    assert found.differing >= 1
    assert any(twin["id"] in example and twin["same_audio_as"] in example for example in found.examples)


def test_a_recording_that_thousands_of_rows_share_is_one_short_line() -> None:
    size = 20_000
    ids = pa.array([f"c/{number:05d}" for number in range(size)])
    label, audio = coded(["joy", "anger"] * (size // 2)), coded(["same"] * size)
    said = coded([None] * size)
    rows = Rows(ids, coded(["c"] * size), label, said, said, said, {"audio": audio}, frozenset())
    found = conflicts(rows)
    assert (found.groups, found.differing) == (1, 1)
    assert found.examples == [
        "c/00000 (joy) = c/00001 (anger) = c/00002 (joy) = c/00003 (anger) = 19,996 more"
    ]


def test_rows_that_a_store_does_not_have_are_in_no_split(store: merdata.Store) -> None:
    rows = read_rows(store)
    splits = {"nobody/1": "train", str(rows.ids[0]): "test", str(rows.ids[1]): "elsewhere"}
    (split,) = rows.splits_of(make_protocol("stranger", splits, {})).values()
    assert split.tolist() == [TEST, -1, *[-1] * (len(rows.ids) - 2)]


def test_balance_is_the_distance_from_the_corpus(store: merdata.Store) -> None:
    rows = store.rows(["id", "corpus", "label"], ["meld"]).to_pandas()
    rows["split"] = rows["id"].map(merdata.load_protocol(store, "mer").splits())
    found = {one.split: one for one in merdata.audit(store, near_audio=False).balance if one.corpus == "meld"}
    whole = rows["label"].value_counts(normalize=True)
    for split, part in rows.groupby("split"):
        shares = part["label"].value_counts(normalize=True).reindex(whole.index, fill_value=0)
        assert found[split].label == pytest.approx((shares - whole).abs().sum() / 2, abs=1e-4)
        assert found[split].lacking == sorted(whole.index[shares == 0])


def test_on_the_command_line(copy: merdata.Store) -> None:
    done = cli("audit", copy.path, "--no-near-audio")
    assert done.returncode == 0
    assert "promises hold" in done.stdout and "near-identical audio: not looked for" in done.stdout
    split_of = merdata.load_protocol(copy, "mer").splits()
    of_test = sorted(id for id, split in split_of.items() if split == "test" and id.startswith("ravdess/"))
    keep_protocol(copy, moved(copy, of_test[:1], "train"))
    done = cli("audit", copy.path, "--all", "--json")
    assert done.returncode == 1
    found = {one["protocol"]: one for one in json.loads(done.stdout)}
    assert any(finding["broken"] for finding in found["moved"]["findings"])
    assert not any(finding["broken"] for finding in found["mer"]["findings"])
    assert found["mer"]["copies"] is not None
