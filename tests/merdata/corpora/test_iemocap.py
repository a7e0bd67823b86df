"""IEMOCAP: rows from label lines, speakers by the last letter, transcripts without stage tags."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import chain, cycle
from pathlib import Path

import pytest

from merdata.corpora.registry import get_corpus
from merdata.errors import LayoutError
from merdata.labels import classify, label_space, make_policy
from merdata.utterance import Utterance, Vote
from tests.merdata.corpora.trees import listed, touch

LABELS = {
    **{"xxx": 2507, "fru": 1849, "neu": 1708, "ang": 1103, "sad": 1084, "exc": 1041},
    **{"hap": 595, "sur": 107, "fea": 40, "oth": 3, "dis": 2},
}
FOUR = ("ang", "exc", "hap", "neu", "sad")  # the 5,531 rows that the file list has


def write_full_tree(real_data: Path, folder: Path) -> None:
    """The 5,531 real clips of four classes, and as many made-up ones as the release has of the others."""
    clips = [Path(name) for name in listed(real_data, "iemocap")]
    labels = dict(
        zip((clip.stem for clip in clips), chain(*([raw] * LABELS[raw] for raw in FOUR)), strict=True)
    )
    others = chain(*([raw] * rows for raw, rows in LABELS.items() if raw not in FOUR))
    folders = sorted({clip.parent for clip in clips})
    for number, (parent, raw) in enumerate(zip(cycle(folders), others, strict=False)):
        name = f"{parent.name}_{'FM'[number % 2]}{900 - number // len(folders):03d}"
        assert name not in labels
        labels[name] = raw
        clips.append(parent / f"{name}.wav")
    touch(folder, map(str, clips))
    names_in: dict[Path, list[str]] = {parent: [] for parent in folders}
    for clip in clips:
        names_in[clip.parent].append(clip.stem)
    for parent in folders:
        names = sorted(names_in[parent])
        write_dialogue(folder / parent.parts[0], parent.name, [(name, labels[name]) for name in names])


def write_dialogue(session: Path, dialogue: str, turns: list[tuple[str, str]], text: str = "Hello.") -> None:
    tables, transcripts = session / "dialog" / "EmoEvaluation", session / "dialog" / "transcriptions"
    for path in (tables, transcripts):
        path.mkdir(parents=True, exist_ok=True)
    lines = [
        f"[{at}.0000 - {at}.9000]\t{name}\t{raw}\t[2.5000, 3.0000, 3.5000]\nC-E2:\tNeutral;\t()\n"
        for at, (name, raw) in enumerate(turns)
    ]
    head = "% [START_TIME - END_TIME] TURN_NAME EMOTION [V, A, D]\n\n"
    (tables / f"{dialogue}.txt").write_text(head + "\n".join(lines))
    said = [f"{name} [{at:08.4f}-{at + 0.9:08.4f}]: {text}\n" for at, (name, _) in enumerate(turns)]
    (transcripts / f"{dialogue}.txt").write_text("".join(said))


def rows_of(root: Path) -> dict[str, Utterance]:
    return {row.id.removeprefix("iemocap/"): row for row in get_corpus("iemocap").utterances(root)}


@pytest.fixture(scope="module")
def whole(full_tree: Callable[[str], Path]) -> dict[str, Utterance]:
    return rows_of(full_tree("iemocap"))


def test_the_whole_release(whole: dict[str, Utterance]) -> None:
    assert len(whole) == 10_039
    assert Counter(row.raw_label for row in whole.values()) == LABELS
    assert all(row.source and row.text for row in whole.values())
    assert len({row.speaker for row in whole.values()}) == 10
    assert len({row.session for row in whole.values()}) == 5


@pytest.mark.parametrize(("changes", "labelled"), [([], 7_529), (["fru=drop"], 5_680)])
def test_rows_with_a_class(changes: list[str], labelled: int, whole: dict[str, Utterance]) -> None:
    policy = make_policy({"iemocap": get_corpus("iemocap").targets}, changes)
    decisions = [policy.decide("iemocap", row.raw_label, row.id) for row in whole.values()]
    assert sum(decision.target is not None for decision in decisions) == labelled


def test_iemocap4_has_5531_rows(whole: dict[str, Utterance]) -> None:
    space = label_space("iemocap4")
    classes = Counter(classify(space, "iemocap", row.raw_label, None) for row in whole.values())
    assert sum(rows for name, rows in classes.items() if name) == 5_531
    assert classes["joy"] == 1_041 + 595


@pytest.mark.parametrize(
    "dialogue", ["Ses03M_impro05a", "Ses05M_script01_1b", "Ses01F_script02_2", "Ses02F_impro08"]
)
def test_every_kind_of_dialogue(dialogue: str, tmp_path: Path) -> None:
    name = f"{dialogue}_M003"
    touch(tmp_path, [f"Session1/sentences/wav/{dialogue}/{name}.wav"])
    write_dialogue(tmp_path / "Session1", dialogue, [(name, "ang")])
    row = rows_of(tmp_path)[name]
    assert row.speaker == f"{dialogue[:5]}M"  # by the last letter, whoever wore the markers
    assert (row.gender, row.session, row.dialogue) == ("male", dialogue[:5], dialogue)
    assert row.scripted == ("script" in dialogue)
    assert (row.valence, row.arousal, row.dominance) == (2.5, 3.0, 3.5)
    assert row.votes == (Vote("C-E2", "Neutral"),)
    assert row.source == f"Session1/sentences/wav/{dialogue}/{name}.wav"


def test_turns_are_in_the_order_of_speaking(tmp_path: Path) -> None:
    names = [f"Ses01F_impro01_{turn}" for turn in ("M000", "F000", "M001")]
    write_dialogue(tmp_path / "Session1", "Ses01F_impro01", [(name, "neu") for name in names])
    assert {name: row.turn for name, row in rows_of(tmp_path).items()} == dict(
        zip(names, range(3), strict=True)
    )


def test_stage_tags_are_kept_apart(tmp_path: Path) -> None:
    names = ["Ses01F_impro01_F000"]
    session = tmp_path / "Session1"
    write_dialogue(session, "Ses01F_impro01", [(names[0], "hap")], "[LAUGHTER] Oh, well. [BREATHING]")
    row = rows_of(tmp_path)[names[0]]
    assert (row.text, row.raw_text) == ("Oh, well.", "[LAUGHTER] Oh, well. [BREATHING]")
    write_dialogue(session, "Ses01F_impro01", [(names[0], "hap")], "[LAUGHTER]")
    row = rows_of(tmp_path)[names[0]]
    assert (row.text, row.raw_text) == (None, "[LAUGHTER]")
    assert "text: nothing but stage tags" in row.notes


def test_junk_beside_the_tables_is_passed_over(tmp_path: Path) -> None:
    name = "Ses01F_impro01_F000"
    write_dialogue(tmp_path / "Session1", "Ses01F_impro01", [(name, "sad")])
    tables = tmp_path / "Session1" / "dialog" / "EmoEvaluation"
    (tables / "._Ses01F_impro01.txt").write_bytes(b"\x00\x05\x16\x07[1.0 - 2.0]\xff")
    (tables / "Categorical").mkdir()
    (tables / "Categorical" / "Ses01F_impro01.txt").write_text("[1.0 - 2.0] no label line\n")
    transcript = tmp_path / "Session1" / "dialog" / "transcriptions" / "Ses01F_impro01.txt"
    transcript.write_text(transcript.read_text() + "Ses01F_impro01_MXX0 [001.0-002.0]: Okay.\nM: Sorry.\n")
    assert list(rows_of(tmp_path)) == [name]


def test_what_the_disk_lacks_and_what_no_label_names(tmp_path: Path) -> None:
    write_dialogue(tmp_path / "Session1", "Ses01F_impro01", [("Ses01F_impro01_F000", "sad")])
    touch(tmp_path, ["Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F009.wav"])
    rows = list(rows_of(tmp_path).values())
    assert [(row.source is None, row.excluded) for row in rows] == [(True, None), (False, "stray")]


def test_a_broken_label_line_names_file_and_line(tmp_path: Path) -> None:
    write_dialogue(tmp_path / "Session1", "Ses01F_impro01", [("Ses01F_impro01_F000", "sad")])
    table = tmp_path / "Session1" / "dialog" / "EmoEvaluation" / "Ses01F_impro01.txt"
    table.write_text(table.read_text().replace("[2.5000", "[two"))
    with pytest.raises(LayoutError, match=r"Ses01F_impro01\.txt, line 3: .* is not "):
        rows_of(tmp_path)
