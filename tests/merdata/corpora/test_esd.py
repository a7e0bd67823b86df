"""ESD: its trees, its split, and transcripts in every encoding that is about."""

from __future__ import annotations

import codecs
from collections import Counter
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from merdata.corpora.encodings import decode
from merdata.corpora.esd import MEN, clean
from merdata.corpora.esd.tables import parse
from merdata.corpora.miniature import write_corpus
from merdata.corpora.registry import get_corpus
from merdata.corpora.tree import Tree
from merdata.errors import LayoutError
from merdata.utterance import Utterance


def lay(root: Path, *names: str) -> Path:
    """Empty files of these names; what they hold is nobody's business here."""
    for folder in {(root / name).parent for name in names}:
        folder.mkdir(parents=True, exist_ok=True)
    for name in names:
        (root / name).touch()
    return root


def by_id(root: Path) -> dict[str, Utterance]:
    return {row.id.removeprefix("esd/"): row for row in get_corpus("esd").utterances(root)}


def one(root: Path, table: bytes, name: str = "0011_000351", emotion: str = "Angry") -> Utterance:
    """The row of one file in a flat tree with a table."""
    speaker = name[:4]
    lay(root, f"{speaker}/{emotion}/{name}.wav")
    (root / speaker / f"{speaker}.txt").write_bytes(table)
    return by_id(root)[name]


# Trees


def real_names(real_data: Path) -> list[str]:
    return [line.split("\t")[0] for line in (real_data / "filelists/esd.tsv").read_text().splitlines()]


def test_the_full_flat_tree_gives_35_000_rows(real_data: Path, tmp_path: Path) -> None:
    corpus = get_corpus("esd")
    rows = corpus.utterances(lay(tmp_path, *real_names(real_data)))
    assert len(rows) == corpus.expected_rows == 35_000
    assert Counter(row.language for row in rows) == {"zh": 17_500, "en": 17_500}
    assert Counter(row.official_split for row in rows) == {
        "train": 30_000,
        "test": 3_000,
        "validation": 2_000,
    }
    assert set(Counter((row.prompt, row.speaker) for row in rows).values()) == {5}
    assert Counter(row.raw_label for row in rows) == dict.fromkeys(corpus.targets, 7_000)
    assert {row.speaker for row in rows if row.gender == "male"} == MEN
    assert {row.excluded for row in rows} == {None}
    assert not any(note.startswith("label") for row in rows for note in row.notes)
    assert corpus.missing({row.id for row in rows}) == []


def test_what_lacks_is_named(tmp_path: Path) -> None:
    lay(tmp_path, "0001/Neutral/0001_000001.wav")
    missing = get_corpus("esd").missing({"esd/0001_000001"})
    assert len(missing) == 34_999
    assert missing[0] == "esd/0001_000002"


@pytest.mark.parametrize(
    "root", ["", "Emotion Speech Dataset/", "Emotional Speech Dataset (ESD)/", "ESD/", "a/b/c/"]
)
@pytest.mark.parametrize(
    ("folder", "split"), [("train", "train"), ("evaluation", "validation"), ("test", "test")]
)
def test_the_official_tree_tells_the_split(root: str, folder: str, split: str, tmp_path: Path) -> None:
    lay(tmp_path, f"{root}0012/Happy/{folder}/0012_000702.wav", f"{root}ReadMe.txt")
    row = by_id(tmp_path)["0012_000702"]
    assert (row.speaker, row.raw_label, row.language, row.prompt) == ("0012", "Happy", "en", "en-002")
    assert row.official_split == split
    assert not any(note.startswith("official_split") for note in row.notes)


@pytest.mark.parametrize(
    ("number", "emotion", "split", "prompt"),
    [
        (1, "Neutral", "validation", "zh-001"),
        (350, "Neutral", "train", "zh-350"),
        (351, "Angry", "validation", "zh-001"),
        (370, "Angry", "validation", "zh-020"),
        (371, "Angry", "test", "zh-021"),
        (400, "Angry", "test", "zh-050"),
        (401, "Angry", "train", "zh-051"),
        (1750, "Surprise", "train", "zh-350"),
    ],
)
def test_a_flat_tree_is_split_by_number(
    number: int, emotion: str, split: str, prompt: str, tmp_path: Path
) -> None:
    lay(tmp_path, f"0004/{emotion}/0004_{number:06d}.wav")
    row = by_id(tmp_path)[f"0004_{number:06d}"]
    assert (row.official_split, row.prompt, row.gender) == (split, prompt, "male")
    assert row.notes[0] == "official_split: derived from the file's number; no folder tells it"


def test_without_a_folder_the_number_tells_the_emotion(tmp_path: Path) -> None:
    lay(tmp_path, "all/0020_001051.WAV")
    row = by_id(tmp_path)["0020_001051"]
    assert row.raw_label == "Sad"
    assert "label: derived from the file's number; no folder tells it" in row.notes


def test_the_folder_holds_against_the_number(tmp_path: Path) -> None:
    lay(tmp_path, "0001/Sad/0001_000001.wav")
    row = by_id(tmp_path)["0001_000001"]
    assert row.raw_label == "Sad"
    assert "label: the file's number is one of Neutral, its folder says Sad" in row.notes


def test_twice_on_disk_is_kept_once(tmp_path: Path) -> None:
    lay(tmp_path, "0001/Sad/0001_001100.wav", "ESD/0001/Sad/test/0001_001100.wav")
    assert [row.excluded for row in by_id(tmp_path).values()] == [None, "duplicate"]


@pytest.mark.parametrize("name", ["0021_000001", "0000_000001", "0001_000000", "0001_001751", "0001_1"])
def test_other_names_are_passed_over(name: str, tmp_path: Path) -> None:
    lay(tmp_path, f"0001/Neutral/{name}.wav")
    with pytest.raises(LayoutError, match=r"is not ESD: expected 0001/0001\.txt"):
        by_id(tmp_path)


def test_defects_are_of_rows_that_there_are() -> None:
    corpus = get_corpus("esd")
    ids = {f"esd/{id}" for entry in corpus.defects for id in entry["ids"]}
    assert len(ids) == 15
    assert ids <= set(corpus.missing(set()))


# Transcripts

ENCODINGS = ["gb2312", "gb18030", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("gap", ["\t", " ", "    ", " \t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_a_table_is_read_in_every_encoding(encoding: str, gap: str, end: str, tmp_path: Path) -> None:
    lines = [("0001_000351", "打远一看，它们的确很美。", "生气"), ("0001_000352", "好。", "生气")]
    table = "".join(gap.join(line) + end for line in lines)
    row = one(tmp_path, table.encode(encoding), "0001_000351")
    assert row.text == "打远一看，它们的确很美。"
    assert row.raw_text is None
    split, *encoded = row.notes
    assert split == "official_split: derived from the file's number; no folder tells it"
    assert [note.partition(":")[0] for note in encoded] == (
        [] if encoding.startswith("utf-8") else ["encoding"]
    )


@pytest.mark.parametrize(
    ("table", "raw"),
    [
        ("0011_000351\tThe nine，the eggs.\tAngry\n".encode("gb18030"), "The nine，the eggs."),
        ("0011_000351\tThe nine£¬the eggs.\tAngry\n".encode(), "The nine£¬the eggs."),
        ("0011_000351 The nine ， the eggs. Angry\n".encode(), "The nine ， the eggs."),
    ],
)
def test_commas_of_english_text_are_repaired(table: bytes, raw: str, tmp_path: Path) -> None:
    row = one(tmp_path, table)
    assert (row.text, row.raw_text) == ("The nine, the eggs.", raw)


@pytest.mark.parametrize("label", ["Angry", "angry", "生气", ""])
def test_a_label_that_agrees_is_silent(label: str, tmp_path: Path) -> None:
    row = one(tmp_path, f"0011_000351\tSo it goes.\t{label}\n".encode())
    assert row.text == "So it goes."
    assert not any(note.startswith("label") for note in row.notes)


@pytest.mark.parametrize("label", ["Happy", "快乐", "Furious"])
def test_a_label_that_disagrees_is_noted(label: str, tmp_path: Path) -> None:
    row = one(tmp_path, f"0011_000351\tSo it goes.\t{label}\n".encode())
    assert (row.raw_label, row.text) == ("Angry", "So it goes.")
    assert f"label: 0011.txt says {label}, the folder Angry" in row.notes


@pytest.mark.parametrize("table", [b"", b"0011_000352\tOther.\tAngry\n", b"0011_000351\t\tAngry\n"])
def test_a_missing_line_is_noted(table: bytes, tmp_path: Path) -> None:
    row = one(tmp_path, table)
    assert row.text is None
    assert "text: 0011.txt has none for it" in row.notes


def test_a_missing_table_is_noted_and_a_distant_one_found(tmp_path: Path) -> None:
    lay(tmp_path, "0011/Angry/0011_000351.wav", "0012/Angry/0012_000351.wav", "texts/x")
    (tmp_path / "texts/0012.txt").write_text("0012_000351\tFound.\tAngry\n")
    rows = by_id(tmp_path)
    assert "text: no 0011.txt was found" in rows["0011_000351"].notes
    assert rows["0012_000351"].text == "Found."


def test_two_tables_that_differ_are_refused_and_an_option_chooses(tmp_path: Path) -> None:
    """Neither the order of paths nor their depth says which is right; the same text twice is no question."""
    lay(tmp_path, "a/old/x")
    (tmp_path / "a/old/0011.txt").write_bytes("0011_000351\tNew.\tAngry\r\n".encode("utf-16"))
    assert one(tmp_path, b"0011_000351\tNew.\tAngry\n").text == "New."
    (tmp_path / "a/old/0011.txt").write_text("0011_000351\tOld.\tAngry\n")
    with pytest.raises(LayoutError, match=r"0011/0011\.txt and a/old/0011\.txt differ"):
        by_id(tmp_path)
    (row,) = get_corpus("esd").utterances(tmp_path, {"prefer": "a/old"})
    assert row.text == "Old."


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (b"\xff\xfe0", "it is not utf-16-le"),
        (b"a\0\0b", "it holds NUL characters: it is not a text file"),
        (b"a\x80b", "it is not UTF-8"),
        (b"\xef\xbb\xbf\xff", "it is not utf-8"),
    ],
)
def test_a_table_in_no_encoding_is_one_sentence(table: bytes, says: str, tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=rf"0011\.txt: {says}"):
        one(tmp_path, table)


def test_prompts_that_differ_between_emotions_are_noted(tmp_path: Path) -> None:
    table = "0011_000001\tSame, here.\tNeutral\n0011_000351\tsame here\tAngry\n"
    table += "0011_000002\tThis.\tNeutral\n0011_000352\tThat.\tAngry\n"
    one(tmp_path, table.encode())
    rows = by_id(lay(tmp_path, "0011/Neutral/0011_000002.wav"))
    noted = {id for id, row in rows.items() if any(note.startswith("transcript:") for note in row.notes)}
    assert noted == {"0011_000002"}


def test_the_miniature_shows_all_this(tmp_path: Path) -> None:
    write_corpus("esd", tmp_path)
    rows = by_id(tmp_path)
    assert Counter(row.language for row in rows.values()) == {"zh": 90, "en": 90}
    assert Counter(row.official_split for row in rows.values()) == {"train": 90, "test": 30, "validation": 60}
    assert [id for id, row in rows.items() if not row.text] == ["0004_000027"]
    assert sum(row.raw_text is not None for row in rows.values()) == 15
    assert not any(note.startswith("label") for row in rows.values() for note in row.notes)
    assert any("known defect, transcript" in note for note in rows["0012_001355"].notes)
    unsteady = {id for id, row in rows.items() if any(note.startswith("transcript:") for note in row.notes)}
    assert unsteady == {
        f"{speaker}_{350 * block + prompt:06d}"
        for speaker, prompt in (("0001", 120), ("0012", 305))
        for block in range(5)
    }
    assert rows["0003_000002"].text == "明天我们去看海，好不好。"


# Encodings

# What a line of a table may hold; few enough letters that the ASCII of the id tells the byte order.
letters = st.characters(codec="utf-8", exclude_categories=["C", "Z"], exclude_characters="\ufeff")
texts = st.text(letters, min_size=1, max_size=8)


@given(texts, st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"]))
def test_what_is_encoded_is_read_back(text: str, encoding: str) -> None:
    assume(text.lower() not in ("neutral", "angry", "happy", "sad", "surprise"))
    line = f"0001_000351\t{text}\t生气\r\n"
    content = decode(line.encode(encoding), ("zh", "en")).content
    assert content == line
    assert parse(content) == ({"0001_000351": (text, "生气")}, set())


@given(st.text("打远一看它们的确很美好我你他天地人大小多少来去", min_size=6, max_size=40))
def test_common_chinese_in_gb18030_is_read_back(text: str) -> None:
    line = f"0001_000351\t{text}\t生气\r\n"
    assert decode(line.encode("gb18030"), ("zh", "en")).content == line


@given(st.binary())
@example(codecs.BOM_UTF16_LE + b"\x00\xd8")
@example(b"0\0\0\0")
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    try:
        text = decode(data, ("zh", "en")).content
    except UnicodeError as error:
        assert str(error)
    else:
        assert all(set(text_and_label) for text_and_label in parse(text)[0].values())


@given(st.text())
def test_any_text_is_a_table(text: str) -> None:
    for id, (words, label) in parse(text)[0].items():
        assert id in text
        assert words in text
        assert label in text


@given(st.text())
def test_repairing_text_twice_changes_nothing_more(text: str) -> None:
    assert clean(clean(text)) == clean(text)


def test_a_table_that_is_a_folder_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(LayoutError, match=r"cannot read .*: Is a directory"):
        Tree(tmp_path, ()).read_text(PurePosixPath())
