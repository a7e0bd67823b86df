"""MEAD: holes are rows, and a transcript is given only where the order of a group is known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from merdata.corpora.mead.texts import _table, sentences
from merdata.corpora.registry import get_corpus
from merdata.utterance import Utterance
from tests.merdata.corpora.trees import touch


def rows_of(root: Path) -> dict[str, Utterance]:
    return {row.id.removeprefix("mead/"): row for row in get_corpus("mead").utterances(root)}


def group(speaker: str, emotion: str, clips: int, level: int = 1) -> list[str]:
    return [f"{speaker}/audio/{emotion}/level_{level}/{n:03d}.m4a" for n in range(1, clips + 1)]


@pytest.fixture(scope="module")
def whole(full_tree: Callable[[str], Path]) -> dict[str, Utterance]:
    return rows_of(full_tree("mead"))


def test_the_five_undecodable_clips_are_rows(whole: dict[str, Utterance]) -> None:
    assert len(whole) == 31_734
    missing = {id for id, row in whole.items() if row.source is None}
    assert missing == {
        "W014/angry/level_1/017", *(f"M041/sad/level_2/{n:03d}" for n in range(11, 15))
    }  # fmt: skip
    assert all(any("undecodable-clip" in note for note in whole[id].notes) for id in missing)


def test_labels_and_speakers(whole: dict[str, Utterance]) -> None:
    labels = Counter(row.raw_label for row in whole.values())
    assert sum(labels.values()) - labels["contempt"] == 27_519
    assert len({row.speaker for row in whole.values()}) == 48
    genders = {row.speaker: row.gender for row in whole.values()}
    assert Counter(genders.values()) == {"male": 27, "female": 21}


def test_most_clips_have_a_transcript_and_the_others_a_reason(whole: dict[str, Utterance]) -> None:
    texts = sum(row.text is not None for row in whole.values())
    assert 0.85 < texts / len(whole) < 0.95
    for row in whole.values():
        assert (row.text is None) == any(note.startswith("text: ") for note in row.notes)


def test_every_order_has_as_many_sentences_as_clips() -> None:
    for order in _table()["orders"]:
        for level, speakers in order["groups"].items():
            for speaker in speakers:
                holes = _table()["holes"].get(f"{speaker}/{order['emotion']}/level_{level}", [])
                numbers = set(range(1, order["clips"] + 1)) - set(holes)
                texts = sentences(speaker, order["emotion"], level, numbers)
                assert sorted(texts) == list(range(1, order["clips"] + 1))
                assert all((text.text is None) == (text.why is not None) for text in texts.values())


def test_no_group_has_two_orders() -> None:
    groups = [
        (order["emotion"], level, speaker)
        for order in _table()["orders"]
        for level, speakers in order["groups"].items()
        for speaker in speakers
    ]
    assert len(set(groups)) == len(groups)


# By the durations of 31,729 real clips: the order of the group, or the text of the clip, was that of another.
@pytest.mark.parametrize(
    ("id", "text"),
    [
        ("W036/angry/level_1/015", "Kindergarten children decorate their classrooms for all holidays."),
        ("W036/angry/level_1/016", "A few years later the dome fell in."),
        ("W036/angry/level_1/021", "Todd placed top priority on getting his bike fixed."),
        ("W036/angry/level_1/022", "I'll have a scoop of that exotic purple and turquoise sherbet."),
        ("W025/angry/level_1/015", None),
        ("W025/angry/level_2/015", None),
        ("W025/angry/level_3/015", None),
        ("W025/angry/level_3/016", "But in this one section we welcomed auditors."),
        ("W014/angry/level_1/014", None),
        ("W014/angry/level_1/015", None),
        ("W014/angry/level_1/013", "Withdraw all phony accusations at once."),
    ],
)
def test_the_groups_that_durations_correct(id: str, text: str | None, whole: dict[str, Utterance]) -> None:
    assert whole[id].text == text


def test_a_copy_that_lacks_a_clip_has_no_text_for_its_group(tmp_path: Path) -> None:
    """29 clips of a group of 30 must not be read by the order that groups of 29 have."""
    touch(tmp_path, [*group("M003", "angry", 29), *group("M003", "fear", 30)])
    rows = rows_of(tmp_path)
    for n in range(1, 30):
        row = rows[f"M003/angry/level_1/{n:03d}"]
        assert row.text is None
        assert row.notes[0].startswith("text: this copy has 29 of the group's 30 clips")
    assert all(rows[f"M003/fear/level_1/{n:03d}"].text for n in range(1, 31))


def test_a_hole_in_a_group_is_a_row_and_takes_the_texts(tmp_path: Path) -> None:
    names = group("M003", "angry", 30)
    touch(tmp_path, [*names[:11], *names[12:]])
    rows = rows_of(tmp_path)
    assert rows["M003/angry/level_1/012"].source is None
    assert {row.text for row in rows.values()} == {None}


@pytest.mark.parametrize(
    ("speaker", "emotion", "clips", "number", "text", "prompt"),
    [
        ("M003", "angry", 30, 1, "She had your dark suit in greasy wash water all year.", "common-01"),
        ("M003", "angry", 30, 16, "A few years later the dome fell in.", "angry-13"),
        ("M003", "angry", 30, 21, "Todd placed top priority on getting his bike fixed.", "generic-01"),
        (
            "M005",
            "angry",
            29,
            15,
            "Kindergarten children decorate their classrooms for all holidays. "
            "A few years later the dome fell in.",
            "angry-12+angry-13",
        ),
        ("M005", "angry", 29, 20, "Todd placed top priority on getting his bike fixed.", "generic-01"),
        ("M037", "contempt", 29, 20, "Todd placed top priority on getting his bike fixed.", "generic-01"),
        ("M005", "contempt", 30, 28, None, None),
        ("M005", "contempt", 30, 29, "No price is too high when true love is at stake.", "generic-09"),
        ("M003", "disgusted", 30, 28, "She had your dark suit in greasy wash water all year.", "common-01"),
        ("M003", "disgusted", 30, 13, None, None),
        ("M028", "disgusted", 30, 1, "She had your dark suit in greasy wash water all year.", "common-01"),
        ("M028", "neutral", 40, 31, "Todd placed top priority on getting his bike fixed.", "generic-01"),
        ("M012", "angry", 29, 1, None, None),
        ("M033", "disgusted", 30, 1, None, None),
        ("W036", "sad", 30, 1, None, None),
        ("M003", "happy", 27, 1, None, None),
    ],
)
def test_what_a_clip_says(
    speaker: str, emotion: str, clips: int, number: int, text: str | None, prompt: str | None, tmp_path: Path
) -> None:
    touch(tmp_path, group(speaker, emotion, clips))
    row = rows_of(tmp_path)[f"{speaker}/{emotion}/level_1/{number:03d}"]
    assert (row.text, row.prompt) == (text, prompt)


def test_the_same_sentence_has_the_same_prompt_in_every_list(tmp_path: Path) -> None:
    touch(tmp_path, [*group("M003", "angry", 30), *group("M003", "fear", 30)])
    prompts = {
        row.prompt
        for row in rows_of(tmp_path).values()
        if row.text == "Destroy every file related to my audits."
    }
    assert prompts == {"angry-02"}


@pytest.mark.parametrize("above", ["", "MEAD/", "a/b/"])
def test_video_is_passed_over_and_the_root_may_be_anywhere(above: str, tmp_path: Path) -> None:
    touch(
        tmp_path,
        [f"{above}M003/audio/happy/level_3/001.m4a", f"{above}M003/video/front/happy/level_3/001.mp4"],
    )
    (row,) = rows_of(tmp_path).values()
    assert (row.speaker, row.gender, row.raw_label, row.intensity) == ("M003", "male", "happy", "level_3")


def test_a_clip_elsewhere_is_a_stray(tmp_path: Path) -> None:
    touch(tmp_path, ["M003/audio/happy/level_3/001.m4a", "M003/audio/joyful/level_3/001.m4a"])
    assert {row.excluded for row in rows_of(tmp_path).values()} == {None, "stray"}


def test_a_copy_that_lies_twice_is_kept_once(tmp_path: Path) -> None:
    touch(tmp_path, [*group("M003", "sad", 3), *(f"again/{name}" for name in group("M003", "sad", 3))])
    assert Counter(row.excluded for row in rows_of(tmp_path).values()) == {None: 3, "duplicate": 3}
