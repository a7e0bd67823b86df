"""Copies with the faults of public ones, for every reader: the same rows, or what is wrong by name."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from merdata.builder.contested import refuse_contested
from merdata.builder.plan import choose, make_plan
from merdata.corpora.corpus import Survey
from merdata.corpora.miniature import miniatures
from merdata.corpora.registry import get_corpus
from merdata.errors import LayoutError, MerdataError
from tests.merdata.corpora import disfigure

NAMES = miniatures()
WITH_METADATA = ("cremad", "emovdb", "esd", "iemocap", "meld")
each = pytest.mark.parametrize("name", NAMES)


@pytest.fixture
def copy(request: pytest.FixtureRequest, thin_corpora: Path, tmp_path: Path) -> Path:
    """The miniature of the parameter `name`, to be changed."""
    name = request.node.callspec.params["name"]
    return Path(shutil.copytree(thin_corpora / name, tmp_path / name))


def what_rows_say(survey: Survey) -> list[dict[str, Any]]:
    """Rows without where their file lies and how their text was read."""
    rows = []
    for row in survey.rows:
        if row.excluded is None:
            facts = row._asdict()
            facts["notes"] = [
                note for note in row.notes if not note.startswith(("encoding:", "known defect", "gender:"))
            ]
            facts["source"] = row.source is not None
            rows.append(facts)
    return sorted(rows, key=lambda facts: facts["id"])


@cache
def clean_rows(name: str, thin_corpora: Path) -> list[dict[str, Any]]:
    return what_rows_say(get_corpus(name).survey(thin_corpora / name))


def adds_up(survey: Survey) -> bool:
    files = survey.files
    parts = files["rows"] + files["metadata"] + sum(files["not_rows"].values())
    return files["files"] == parts + sum(kind["files"] for kind in files["others"].values())


@each
def test_the_account_of_a_clean_copy_adds_up(name: str, copy: Path) -> None:
    survey = get_corpus(name).survey(copy)
    assert adds_up(survey)
    assert survey.files["files"] == sum(1 for path in copy.rglob("*") if path.is_file())
    assert survey.files["rows"] == sum(1 for row in survey.rows if row.source and not row.excluded)


@each
@pytest.mark.parametrize("change", disfigure.SAME_ROWS, ids=lambda change: change.__name__)
def test_the_rows_are_those_of_the_clean_copy(
    name: str, change: Callable[[Path], None], copy: Path, thin_corpora: Path
) -> None:
    change(copy)
    survey = get_corpus(name).survey(copy)
    assert what_rows_say(survey) == clean_rows(name, thin_corpora)
    assert adds_up(survey)
    refuse_contested(name, copy, survey.contested)


@each
@pytest.mark.parametrize("encoding", ["utf-16", "gb18030"])
def test_another_encoding_is_noted_on_the_rows(name: str, encoding: str, copy: Path) -> None:
    disfigure.re_encoded(encoding)(copy)
    rows = get_corpus(name).survey(copy).rows
    noted = [row for row in rows if any(note.startswith("encoding: ") for note in row.notes)]
    beyond_ascii = [path for path in disfigure.files(copy, disfigure.TEXT) if not path.read_bytes().isascii()]
    if name in ("emovdb", "esd", "iemocap", "meld") and beyond_ascii:
        assert noted
    if not beyond_ascii:
        assert not noted


@each
def test_copies_of_a_browser_are_named_in_the_ledger(name: str, copy: Path) -> None:
    disfigure.browser_copies(copy)
    strays = [row for row in get_corpus(name).survey(copy).rows if row.excluded == "stray"]
    assert sum("named like a copy of" in row.notes[0] for row in strays) == 2


@each
def test_links_that_lead_out_are_refused_with_the_remedy(name: str, copy: Path) -> None:
    disfigure.links_outside(copy)
    with pytest.raises(LayoutError, match=r"lead out of the folder.*cp -rL.*--local-dir"):
        get_corpus(name).survey(copy)


@each
def test_a_folder_link_that_leads_out_is_named(name: str, copy: Path) -> None:
    (copy / "more").symlink_to(copy.parent)
    survey = get_corpus(name).survey(copy)
    assert adds_up(survey)
    assert any("more" in remark and "cp -rL" in remark for remark in survey.remarks)


@each
def test_two_files_with_different_bytes_for_a_row_are_refused(name: str, copy: Path, tmp_path: Path) -> None:
    disfigure.two_bytes_for_a_name(copy)
    with pytest.raises(LayoutError, match=rf"00 denoised/.*--option {name}\.prefer=FOLDER"):
        make_plan(choose([name], copy), tmp_path / "store")
    for folder in ("00 denoised", "."):
        choice = choose([name], copy, options=[f"{name}.prefer={folder}"])
        if folder == ".":
            with pytest.raises(MerdataError, match="has no file below"):
                make_plan(choice, tmp_path / "store")
            continue
        plan = make_plan(choice, tmp_path / "store")
        kept = [
            row.utterance.source
            for row in plan.rows(name)
            if row.utterance.source and row.utterance.source.startswith(folder) and not row.utterance.excluded
        ]
        assert len(kept) == 1


@each
def test_archives_are_named_with_what_to_do(name: str, copy: Path) -> None:
    disfigure.archives(copy)
    survey = get_corpus(name).survey(copy)
    assert "archives that are not unpacked: rest.tar.gz. Unpack them and build again" in survey.remarks


@pytest.mark.parametrize("name", WITH_METADATA)
def test_metadata_that_is_missing_is_named(name: str, copy: Path) -> None:
    disfigure.no_metadata(copy)
    expected = {
        "cremad": "VideoDemographics.csv is missing: no row has a gender",
        "emovdb": "cmuarctic.data is missing: no row has a text",
        "esd": "missing: 0001.txt",
    }
    if name in expected:
        assert any(remark.startswith(expected[name]) for remark in get_corpus(name).survey(copy).remarks)
    else:
        with pytest.raises(LayoutError, match="expected"):
            get_corpus(name).survey(copy)


@each
def test_a_git_lfs_pointer_of_a_text_file_is_named(name: str, copy: Path) -> None:
    texts = disfigure.files(copy, disfigure.TEXT)
    if not texts:
        pytest.skip("it has no text files")
    texts[0].write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(LayoutError, match=r"git-lfs pointer.*git lfs pull"):
        get_corpus(name).survey(copy)
