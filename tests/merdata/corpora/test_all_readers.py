"""The faults of public copies, put before every reader: the same rows, or what is wrong by name.

The trees are those of the miniatures with one speaker; audio is a few bytes that begin like audio, for no
reader opens it.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from merdata.audio.clip import AudioError, normalise
from merdata.builder.contested import refuse_contested
from merdata.corpora.miniature import miniatures
from merdata.corpora.registry import get_corpus, registry
from merdata.errors import LayoutError
from tests.merdata.corpora import disfigure
from tests.merdata.corpora.bare import Trees
from tests.merdata.corpora.test_disfigured import adds_up, what_rows_say

# Those with a `sample.py` have tests of their own in test_disfigured.py.
NAMES = [name for name, corpus in registry().items() if corpus.sample and name not in miniatures()]
each = pytest.mark.parametrize("name", NAMES)


TOGETHER = {  # faults that a copy may have at once
    "capitals, deeper, a loop, an archive, UTF-16": (
        disfigure.endings_in_capitals,
        disfigure.archives,
        disfigure.a_loop,
        disfigure.re_encoded("utf-16"),
        disfigure.one_folder_deeper,
    ),
    "copies, hidden twins, all of it twice": (
        disfigure.browser_copies,
        disfigure.hidden_twins,
        disfigure.the_same_twice,
    ),
    "flac, GB18030, links inside": (
        disfigure.as_flac,
        disfigure.re_encoded("gb18030"),
        disfigure.links_inside,
    ),
    "no endings, UTF-32 without a mark": (disfigure.without_endings, disfigure.re_encoded("utf-32-le")),
}


@each
@pytest.mark.parametrize("changes", TOGETHER.values(), ids=TOGETHER)
def test_the_rows_are_those_of_the_clean_copy(
    name: str, changes: tuple[Callable[[Path], None], ...], trees: Trees
) -> None:
    copy = trees.copy(name)
    for change in changes:
        change(copy)
    survey = get_corpus(name).survey(copy)
    assert what_rows_say(survey) == what_rows_say(get_corpus(name).survey(trees.clean(name)))
    assert adds_up(survey)
    assert survey.files["files"] == sum(path.is_file() or path.is_symlink() for path in inside(copy))
    refuse_contested(name, copy, survey.contested)


@each
def test_two_files_with_different_bytes_for_a_row_are_refused(name: str, trees: Trees) -> None:
    copy = trees.copy(name)
    disfigure.two_bytes_for_a_name(copy)
    survey = get_corpus(name).survey(copy)
    with pytest.raises(LayoutError, match=rf"00 denoised/.*--option {name}\.prefer=FOLDER"):
        refuse_contested(name, copy, survey.contested)


@each
def test_links_that_lead_out_are_refused_with_the_remedy(name: str, trees: Trees) -> None:
    copy = trees.copy(name)
    disfigure.links_outside(copy)
    with pytest.raises(LayoutError, match=r"lead out of the folder.*cp -rL.*--local-dir"):
        get_corpus(name).survey(copy)


@pytest.mark.parametrize("name", miniatures())
def test_recordings_that_end_early_are_found_out(name: str, thin_corpora: Path, tmp_path: Path) -> None:
    for path in disfigure.files(thin_corpora / name, disfigure.AUDIO)[:8]:
        (tmp_path / path.relative_to(thin_corpora)).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / path.relative_to(thin_corpora))
    whole = {path: fate_of(path) for path in disfigure.files(tmp_path, disfigure.AUDIO)}
    disfigure.cut_short(tmp_path)
    for path, before in whole.items():
        assert fate_of(path) == ("truncated" if before == "whole" else before)


def fate_of(path: Path) -> str:
    try:
        normalise(path.read_bytes())
    except AudioError as error:
        return error.reason
    return "whole"


WITH_TEXTS = [
    *("eesc", "emns", "emodb", "emorynlp", "emozionalmente", "m3ed"),
    *("mspimprov", "msppodcast", "nemo", "pavoque", "shemo"),
]


@pytest.mark.parametrize("name", [*WITH_TEXTS, "cremad", "emovdb", "esd", "iemocap", "meld"])
@pytest.mark.parametrize("what", ["a link out", "a pipe", "a device"])
def test_no_text_is_read_that_is_not_a_file_of_the_folder(what: str, name: str, trees: Trees) -> None:
    copy = trees.copy(name)
    path = disfigure.files(copy, disfigure.TEXT)[0]
    path.rename(copy.parent / path.name)
    if what == "a pipe":
        os.mkfifo(path)
    else:
        path.symlink_to(copy.parent / path.name if what == "a link out" else "/dev/zero")
    try:
        said = " ".join(get_corpus(name).survey(copy).remarks)
    except LayoutError as error:
        said = str(error)
    assert path.name in said
    assert ("it is not a regular file" if what == "a pipe" else "cp -rL") in said


PATTERNS = {
    "emorynlp": "emorynlp_*_final.csv",
    "msppodcast": "labels_con*sus.csv",
    "pavoque": "pavoque-*.yaml",
}


@pytest.mark.parametrize("name", WITH_TEXTS)
@pytest.mark.parametrize("fault", ["pointer", "gone", "no rows"])
def test_metadata_that_tells_nothing_is_named(name: str, fault: str, trees: Trees) -> None:
    copy = trees.copy(name)
    path = disfigure.files(copy, disfigure.TEXT)[0]
    called = PATTERNS.get(name, path.name) if fault == "gone" else path.name
    for metadata in disfigure.files(copy, disfigure.TEXT) if name == "pavoque" else [path]:
        if fault == "gone":
            metadata.unlink()
        elif fault == "pointer":
            metadata.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
        else:
            nothing = {".json": b"{}", ".yaml": b"{}", ".txt": b"\n" if name == "mspimprov" else None}
            metadata.write_bytes(nothing.get(path.suffix) or (metadata.read_bytes().split(b"\n")[0] + b"\n"))
    try:
        said = " ".join(get_corpus(name).survey(copy).remarks)
        assert str(copy) not in said  # it enters the store, which must not tell of this machine
    except LayoutError as error:
        said = str(error)
    assert called in said
    assert fault != "pointer" or "git lfs pull" in said


CELLS = {  # corpus: table, what becomes what in it, message: row, column or field, value, what is expected
    "meld": (
        "train_sent_emo.csv",
        ",0,1,",
        ",0,x7,",
        r"row 2, column Utterance_ID: 'x7' is not a whole number",
    ),
    "cremad": ("VideoDemographics.csv", "1006,", "x7,", r"row 1, column ActorID: 'x7' is not a whole number"),
    "emorynlp": (
        "emorynlp_train_final.csv",
        "\n1,2,1,2,",
        "\n1,2,1,x7,",
        r"row 2, field turn: 'x7' is not a number",
    ),
    "nemo": ("data.tsv", r"\n(.*\n)", '\n"a\nb"\n', r"row 1: 1 cells, where the header has 5 columns"),
    "msppodcast": (
        "labels_consensus.csv",
        r"\n(MSP)",
        r'\n"\1',
        r'row 1, line \d+: a cell begins with " and does not',
    ),
    "mer2023": (
        "train-label.csv",
        r"\n(sam)",
        r'\n"a"b"\1',
        r'row 1, line 2: .* each " must be written twice',
    ),
    "emns": ("metadata.csv", r"\n(.)", "\n\0" r"\1", "it holds NUL characters"),
    "emozionalmente": (
        "evaluations.csv",
        r"\n(.)",
        r"\n,,,,\1",
        "no row has votes: evaluations.csv, row 1: 7 cells",
    ),
}


@pytest.mark.parametrize("name", CELLS)
def test_faults_of_a_table_name_file_row_column_and_value(name: str, trees: Trees) -> None:
    file, old, new, message = CELLS[name]
    copy = trees.copy(name)
    (path,) = copy.rglob(file)
    text = path.read_bytes().decode().replace("\r\n", "\n")
    path.write_bytes(re.sub(old, new, text, count=1).encode())
    try:
        said = " ".join(get_corpus(name).survey(copy).remarks)
    except LayoutError as error:
        said = str(error)
    assert file in said
    assert re.search(message, said)


@pytest.mark.parametrize(
    ("name", "old"), [("nemo", "\tfemale\t"), ("emozionalmente", ",female,"), ("msppodcast", ",female,")]
)
def test_words_for_a_gender_are_known_or_named(name: str, old: str, trees: Trees) -> None:
    copy = trees.copy(name)
    (path,) = (path for path in disfigure.files(copy, disfigure.TEXT) if old in path.read_text())
    words = iter(["W", "Girl", "FEMALE ", "kobieta"])
    path.write_text(re.sub(old, lambda match: match[0].replace("female", next(words, "f")), path.read_text()))
    survey = get_corpus(name).survey(copy)
    rows = [
        row
        for row in survey.rows
        if any(note == "gender: 'kobieta' is not male or female" for note in row.notes)
    ]
    assert [row.gender for row in rows] == [None]
    assert {row.gender for row in survey.rows if row not in rows} == {"female"}
    assert "genders that are not male or female, so not stored: 1 rows, kobieta" in survey.remarks


VOLUMES = [
    "x.tar.gz",
    "x.TGZ",
    "x.zip.001",
    "x.z01",
    "x.7z",
    "x.part1.rar",
    "x.tar.zst",
    "x.tar.gz.aa",
    "x.tbz2",
]


@pytest.mark.parametrize("volume", VOLUMES)
def test_an_archive_of_any_kind_and_any_volume_of_it_is_named(volume: str, trees: Trees) -> None:
    copy = trees.copy("urdu")
    (copy / volume).touch()
    survey = get_corpus("urdu").survey(copy)
    assert f"archives that are not unpacked: {volume}. Unpack them and build again" in survey.remarks
    assert survey.files["others"]["archives that are not unpacked"]["files"] == 1


def inside(root: Path) -> list[Path]:
    """Everything below a folder; links to folders are not entered, and count as one."""
    return [path for path in root.rglob("*") if not path.is_dir() or path.is_symlink()]
