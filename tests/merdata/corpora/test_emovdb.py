"""EmoV-DB: its trees, names that only differ in their middle, and the prompts."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

import merdata
from merdata.corpora.emovdb import PROMPT
from merdata.corpora.miniature import write_corpus
from merdata.corpora.registry import get_corpus
from merdata.errors import LayoutError, OptionError
from merdata.utterance import Utterance

EMOTIONS = {"Amused": 1_317, "Angry": 1_268, "Disgusted": 1_019, "Neutral": 1_568, "Sleepy": 1_721}
NUMBERS = {"bea": "1", "jenie": "2", "josh": "3", "sam": "4"}
PROMPTS = '( arctic_a0001 "Good day, sir." )\r\n( arctic_a0002 "Say "when"." )\n( arctic_b0001 "No." )\n'


def lay(root: Path, *names: str) -> Path:
    """Empty files of these names."""
    for folder in {(root / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).touch()
    return root


def by_id(root: Path, options: dict[str, str] | None = None) -> dict[str, Utterance]:
    rows = get_corpus("emovdb").utterances(root, options)
    return {row.id.removeprefix("emovdb/"): row for row in rows}


def real_names(real_data: Path) -> list[str]:
    lines = (real_data / "filelists/emovdb_6893.tsv").read_text().splitlines()
    return [line.split("\t")[0] for line in lines]


def layouts(name: str) -> dict[str, str]:
    """A file of the sorted list, as each layout has it."""
    speaker, emotion, file = name.split("/")
    return {
        "archives": f"{speaker}_{emotion}/{file}",
        "sorted": f"EmoV-DB_sorted/{name}",
        "alignment": f"EMOV-DB/{NUMBERS[speaker]}/{file}",
    }


# Trees


@pytest.mark.parametrize("layout", ["archives", "sorted", "alignment"])
def test_the_full_tree_gives_6_893_rows(layout: str, real_data: Path, tmp_path: Path) -> None:
    lay(tmp_path, *(layouts(name)[layout] for name in real_names(real_data)))
    rows = by_id(tmp_path, {"prompts": str(real_data / "prompts/cmuarctic.data")})
    assert len(rows) == get_corpus("emovdb").expected_rows == 6_893
    assert Counter(row.raw_label for row in rows.values()) == EMOTIONS
    assert Counter(row.gender for row in rows.values()) == {"female": 3_577, "male": 3_316}
    assert all(row.text and row.excluded is None for row in rows.values())
    assert not any(note.startswith("text:") for row in rows.values() for note in row.notes)


def test_every_layout_gives_the_same_ids(real_data: Path, tmp_path: Path) -> None:
    ids = []
    for layout in ("archives", "sorted", "alignment"):
        lay(tmp_path / layout, *(layouts(name)[layout] for name in real_names(real_data)))
        ids.append(set(by_id(tmp_path / layout)))
    assert ids[0] == ids[1] == ids[2]
    named = {id for entry in get_corpus("emovdb").defects for id in entry["ids"]}
    assert named <= ids[0]


def test_the_list_of_6_887_lacks_six_whose_number_is_there_already(real_data: Path, tmp_path: Path) -> None:
    lines = (real_data / "filelists/emovdb.tsv").read_text().splitlines()
    rows = by_id(lay(tmp_path, *(line.split("\t")[0] for line in lines)))
    keys = {(row.speaker, row.raw_label, row.prompt) for row in rows.values()}
    assert len(rows) == len(keys) == 6_887
    assert "6,887" in get_corpus("emovdb").difference


@pytest.mark.parametrize(
    "folder",
    ["bea_Amused", "BEA_amused", "bea-Amused", "x/bea/Amused", "bea/Amused", "Bea", "1", "EMOV-DB/1"],
)
def test_the_folder_tells_the_speaker(folder: str, tmp_path: Path) -> None:
    lay(tmp_path, f"{folder}/amused_1-15_0001.wav")
    row = by_id(tmp_path)["bea_Amused/amused_1-15_0001"]
    assert (row.speaker, row.shard, row.gender, row.raw_label) == ("bea", "bea", "female", "Amused")
    assert (row.prompt, row.scripted) == ("arctic_a0001", True)


def test_a_named_folder_comes_before_a_numbered_one(tmp_path: Path) -> None:
    lay(tmp_path, "sam/1/amused_1-15_0001.wav")
    assert list(by_id(tmp_path)) == ["sam_Amused/amused_1-15_0001"]


@pytest.mark.parametrize(
    ("name", "emotion"),
    [
        ("Disgust_1-28_0001.wav", "Disgusted"),
        ("NEUTRAL_1-28_0014.WAV", "Neutral"),
        ("amused_225_252_0026.wav", "Amused"),
        ("anger_197-224_0024.wav", "Angry"),
        ("sleepiness_281-308_0387.wav", "Sleepy"),
    ],
)
def test_names_in_any_case_and_with_either_separator(name: str, emotion: str, tmp_path: Path) -> None:
    lay(tmp_path, f"2/{name}")
    assert list(by_id(tmp_path)) == [f"jenie_{emotion}/{name[:-4].lower()}"]


def test_same_folder_and_number_are_two_rows(tmp_path: Path) -> None:
    lay(tmp_path, "bea_Angry/anger_1-28_0024.wav", "bea_Angry/anger_197-224_0024.wav")
    rows = by_id(tmp_path)
    assert {row.prompt for row in rows.values()} == {"arctic_a0024"}
    suspect = {
        id for id, row in rows.items() if any("known defect, suspect-number" in note for note in row.notes)
    }
    assert (len(rows), suspect) == (2, {"bea_Angry/anger_197-224_0024"})


def test_twice_on_disk_is_kept_once(tmp_path: Path) -> None:
    lay(tmp_path, "1/anger_1-28_0024.wav", "EmoV-DB_sorted/bea/Angry/anger_1-28_0024.wav")
    assert sorted(str(row.excluded) for row in by_id(tmp_path).values()) == ["None", "duplicate"]


@pytest.mark.parametrize("folder", ["", "Samples/", "5/", "josher/"])
def test_without_a_speaker_files_only_enter_the_ledger(folder: str, tmp_path: Path) -> None:
    lay(tmp_path, f"{folder}anger_1-28_0024.wav")
    with pytest.raises(LayoutError, match=r"is not EmoV-DB: expected bea_Amused/.* found"):
        by_id(tmp_path)
    lay(tmp_path, "3/neutral_1-28_0001.wav")
    strays = [row for row in by_id(tmp_path).values() if row.excluded == "stray"]
    assert [row.source for row in strays] == [f"{folder}anger_1-28_0024.wav"]
    assert strays[0].notes[0].startswith("no folder above it is named after a speaker")


# Prompts


def test_prompts_are_found_in_the_folder(tmp_path: Path) -> None:
    lay(tmp_path, "1/anger_1-28_0001.wav", "1/anger_1-28_0002.wav", "1/anger_1-28_0003.wav", "etc/x")
    (tmp_path / "etc/CMUArctic.data").write_bytes(PROMPTS.encode())
    rows = by_id(tmp_path)
    assert [row.text for row in rows.values()] == ["Good day, sir.", 'Say "when".', None]
    assert rows["bea_Angry/anger_1-28_0003"].notes == ("text: cmuarctic.data has no arctic_a0003",)


def test_a_given_file_comes_before_that_in_the_folder(tmp_path: Path) -> None:
    lay(tmp_path / "emovdb", "1/anger_1-28_0001.wav")
    (tmp_path / "emovdb/cmuarctic.data").write_text(PROMPTS)
    (tmp_path / "mine").write_text('( arctic_a0001 "Mine." )')
    assert [row.text for row in by_id(tmp_path / "emovdb").values()] == ["Good day, sir."]
    given = {"prompts": str(tmp_path / "mine")}
    assert [row.text for row in by_id(tmp_path / "emovdb", given).values()] == ["Mine."]


def test_a_given_file_is_relative_to_where_one_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lay(tmp_path / "emovdb", "1/anger_1-28_0001.wav")
    (tmp_path / "mine").write_text('( arctic_a0001 "Mine." )')
    monkeypatch.chdir(tmp_path)
    assert [row.text for row in by_id(Path("emovdb"), {"prompts": "mine"}).values()] == ["Mine."]


def test_without_prompts_a_note_says_where_they_are(tmp_path: Path) -> None:
    row = by_id(lay(tmp_path, "1/anger_1-28_0001.wav"))["bea_Angry/anger_1-28_0001"]
    assert row.text is None
    assert row.notes == (
        "text: cmuarctic.data was not found: get it from festvox.org (CMU ARCTIC), "
        "or pass --option emovdb.prompts=FILE",
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("nowhere", "cannot read .*nowhere: No such file"),
        (".", "Is a directory"),
        ("page", "holds no line like"),
    ],
)
def test_prompts_that_cannot_be_read_are_one_sentence(given: str, says: str, tmp_path: Path) -> None:
    lay(tmp_path, "1/anger_1-28_0001.wav")
    (tmp_path / "page").write_text("<html>Not found</html>")
    with pytest.raises(OptionError, match=rf"^emovdb\.prompts: .*{says}") as caught:
        by_id(tmp_path, {"prompts": str(tmp_path / given)})
    assert "\n" not in str(caught.value)


def test_a_prompt_file_in_the_folder_that_holds_none_is_refused(tmp_path: Path) -> None:
    lay(tmp_path, "1/anger_1-28_0001.wav", "cmuarctic.data")
    with pytest.raises(LayoutError, match=re.escape('cmuarctic.data holds no line like ( arctic_a0001 "')):
        by_id(tmp_path)


@given(st.text(st.characters(exclude_categories=["C", "Z"])), st.integers(0, 9999))
def test_any_prompt_is_read_back(text: str, number: int) -> None:
    match = PROMPT.fullmatch(f'( arctic_a{number:04d} "{text}" )')
    assert match
    assert (match["number"], match["text"]) == (f"{number:04d}", text)


# The miniature


def test_the_miniature_shows_all_this(tmp_path: Path) -> None:
    write_corpus("emovdb", tmp_path)
    rows = by_id(tmp_path)
    assert len(rows) == 18 * 7 + 7
    assert all(row.text for row in rows.values())
    pairs = Counter((row.speaker, row.raw_label, row.prompt) for row in rows.values())
    assert [key[:2] for key, count in pairs.items() if count == 2] == [
        ("bea", "Angry"),
        ("bea", "Neutral"),
        ("josh", "Amused"),
        ("josh", "Amused"),
        ("sam", "Sleepy"),
    ]
    short = rows["bea_Sleepy/sleepiness_393-420_0407"]
    assert any("too-short" in note for note in short.notes)
    info = soundfile.info(tmp_path / str(short.source))
    assert (info.samplerate, round(info.duration, 2)) == (44_100, 0.59)
    assert {row.speaker for row in rows.values() if row.raw_label == "Disgusted"} == {"bea", "jenie", "sam"}


def test_the_build_says_where_to_get_the_sentences(corpora: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(corpora / "emovdb", tmp_path / "emovdb", ignore=shutil.ignore_patterns("*.data"))
    (counts,) = merdata.build(["emovdb"], folder, tmp_path / "store").counts
    ((why, rows),) = counts.textless.items()
    assert rows == counts.discovered
    assert "get it from festvox.org" in why
