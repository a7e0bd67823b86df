"""What a copy says twice and differently: never the first or the last of them, in any reader."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from merdata.corpora.registry import get_corpus
from merdata.errors import LayoutError
from tests.merdata.corpora.bare import Trees


def replaced(root: Path, file: str, old: str, new: str) -> None:
    """A text file below the folder, changed."""
    (path,) = root.rglob(file)
    encoding = "gb18030" if path.name == "0001.txt" else "utf-8"
    data = path.read_bytes().decode(encoding)
    assert re.search(old, data)
    path.write_bytes(re.sub(old, new, data, count=1).encode(encoding))


NOTED = {  # corpus: file, what becomes what in it, row, field that is missing, note
    "esd": ("0001.txt", r"\A", "0001_000002\t你好。\t中立\r\n", "0001_000002", "text",
            "text: 0001.txt has two lines for it that differ"),
    "iemocap": ("transcriptions/Ses01F_impro01.txt", r"\A", "Ses01F_impro01_F000 [006.0000-008.5000]: No.\n",
                "Ses01F_impro01_F000", "text", "text: two lines of the transcript differ"),
    "cremad": ("VideoDemographics.csv", r"\Z", '1006,49,"Male","Asian","Not Hispanic"\n', "1006_IEO_NEU_XX",
               "gender", "gender: VideoDemographics.csv says 'two different things'"),
    "mspimprov": ("Evaluation.txt", r"\A", "UTD-IMPROV-S01A-F01-R-FM01.avi; S; A:3.0; V:2.5; D:3.5;\n",
                  "MSP-IMPROV-S01A-F01-R-FM01", "raw_label", "label: Evaluation.txt has two for it"),
}  # fmt: skip


@pytest.mark.parametrize("name", NOTED)
def test_the_row_has_neither_and_says_so(name: str, trees: Trees) -> None:
    file, old, new, id, field, note = NOTED[name]
    copy = trees.copy(name)
    replaced(copy, file, old, new)
    (row,) = (row for row in get_corpus(name).utterances(copy) if row.id == f"{name}/{id}")
    assert getattr(row, field) is None
    assert note in row.notes


REFUSED = {  # corpus: file, what becomes what in it, message
    "emovdb": ("cmuarctic.data", r"\A", '( arctic_a0002 "No." )\n', "two lines for arctic_a0002 that differ"),
    "m3ed": ("movie_list_test.txt", r"\A", "anjia\n", "two lists of splits have anjia"),
    "m3ed, a key": ("annotation.json", '"anjia_1_1"', '"anjia_1_2": {}, "anjia_1_1"', "anjia_1_2 is listed"),
    "shemo": ("modified_shemo.json", '"F01A01"', '"F01A02": {}, "F01A01"', "key F01A02 is listed twice"),
    "pavoque": ("pavoque-angry.yaml", '"start"', '"prompt": "2", "start"', "the key 'prompt' is given twice"),
    "pavoque, an alias": ("pavoque-angry.yaml", '"text": "[^"]*"', '"text": &a x, "b": *a', "aliases .* are"),
    "emozionalmente": ("users.csv", r"\Z", "speaker1,male\n", "column username: two rows have 'speaker1'"),
    "meld": ("train_sent_emo.csv", "(\r\n1,)(.*?),fear,(.*\r\n)", r"\g<1>\g<2>,fear,\g<3>9,\g<2>,joy,\g<3>",
             "train/dia0_utt0 occurs twice in the metadata"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_the_copy_is_refused_by_name(case: str, trees: Trees) -> None:
    file, old, new, message = REFUSED[case]
    name = case.partition(",")[0]
    copy = trees.copy(name)
    replaced(copy, file, old, new)
    with pytest.raises(LayoutError, match=message):
        get_corpus(name).survey(copy)


def test_two_files_of_a_text_that_differ_are_refused(trees: Trees) -> None:
    copy = trees.copy("eesc")
    (copy / "later").mkdir()
    (copy / "later/119701.TextGrid").write_bytes((copy / "119702.TextGrid").read_bytes() + b"\n\nmore")
    with pytest.raises(LayoutError, match=r"119701.TextGrid and later/119701.TextGrid differ: .*prefer"):
        get_corpus("eesc").survey(copy)


@pytest.mark.parametrize(
    ("folder", "what"),
    [
        ("Sad/train", "raw_label is Neutral by one and Sad"),
        ("Neutral/train", "official_split is test by one and train"),
    ],
)
def test_folders_that_say_different_things_of_a_clip_are_refused(
    folder: str, what: str, trees: Trees
) -> None:
    """The same bytes in two folders: the order of paths must tell neither the label nor the split."""
    copy = trees.copy("esd")
    (clip,) = copy.rglob("0001_000027.wav")
    other = clip.parents[2] / folder / clip.name
    other.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(clip, other)
    with pytest.raises(LayoutError, match=rf"{what}.*--option esd\.prefer=FOLDER"):
        get_corpus("esd").survey(copy)
    path = other.relative_to(copy)
    rows = get_corpus("esd").utterances(copy, {"prefer": str(path.parent)})
    assert [row.excluded for row in rows if row.source == str(path)] == [None]


@pytest.mark.parametrize("name", ["asvpesd", "mesd"])
def test_a_copy_whose_name_an_open_pattern_takes_is_no_row(name: str, trees: Trees) -> None:
    copy = trees.copy(name)
    clip = next(path for path in sorted(copy.rglob("*.wav")))
    shutil.copy(clip, clip.with_name(f"{clip.stem}_copy.wav"))
    rows, clean = get_corpus(name).utterances(copy), get_corpus(name).utterances(trees.clean(name))
    assert {row.id for row in rows if not row.excluded} == {row.id for row in clean}
    (stray,) = (row for row in rows if row.excluded)
    assert f"named like a copy of {clip.name}" in stray.notes[0]


@pytest.mark.parametrize("invisible", ["\u200b", " \u00a0\ufeff", "\u200e\u200f"])
def test_what_cannot_be_seen_is_missing(invisible: str, trees: Trees) -> None:
    copy = trees.copy("emovdb")
    replaced(copy, "cmuarctic.data", '"The lamp[^"]*"', f'"{invisible}"')
    (row,) = (row for row in get_corpus("emovdb").utterances(copy) if row.id.endswith("_0001"))
    assert row.text is None
    assert any(note.startswith("text: ") for note in row.notes)
