"""Folders with odd names: every command and function opens them, or says at once what to do."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import merdata
from merdata.io.places import on_this_machine, place
from tests.merdata.cli.test_cli import run

NAMES = ["[ab] c", "s*r?", "ümläut 中", "{x,y}", "~", "50 % #1", "-dash"]


@pytest.fixture(scope="module")
def small(thin_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of one corpus, to be copied; the corpus lies beside it."""
    folder = tmp_path_factory.mktemp("small")
    shutil.copytree(thin_corpora / "tess", folder / "corpora" / "tess")
    merdata.build(["tess"], folder / "corpora" / "tess", folder / "store", jobs=0)
    merdata.split(folder / "store", "random")
    return folder / "store"


@pytest.mark.parametrize("name", NAMES)
def test_a_store_in_a_folder_of_any_name_is_opened(name: str, small: Path, tmp_path: Path) -> None:
    store = shutil.copytree(small, tmp_path / name / "store")
    rows = merdata.open_store(store).rows(["id"]).num_rows
    (protocol,) = (path.stem for path in (store / "splits").glob("*.parquet"))
    splits = merdata.load(store, protocol=protocol)
    assert sum(map(len, splits.values())) == rows
    assert splits["train"][0]["audio"]["array"].size
    assert merdata.verify(store, jobs=0).faults == []
    assert merdata.export_csv(store, tmp_path / name / "rows.csv") == rows
    assert merdata.export_wav(store, tmp_path / name / "wav") == {"": rows}
    assert merdata.export_croissant(store).parent == store
    assert merdata.write_report(store, tmp_path / name / "report.html")["rows"] == rows


@pytest.mark.parametrize(("name", "opens"), [("[ab]", False), ("s*r", False), ("plain", True), ("{x}", True)])
def test_the_build_says_if_load_dataset_cannot_open_the_store(
    name: str, opens: bool, small: Path, tmp_path: Path
) -> None:
    words = ("build", "--corpus", "tess", "--source", small.parent / "corpora" / "tess", "--jobs", "0")
    done = run(*words, "--store", tmp_path / name)
    assert done.returncode == 0, done.stderr
    assert ("load_dataset cannot open" in done.stderr) != opens


def test_a_tilde_is_the_home_folder_everywhere(
    small: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, work = tmp_path / "home", tmp_path / "work"
    work.mkdir()
    shutil.copytree(small, home / "store")
    shutil.copytree(small.parent / "corpora", home / "corpora")
    monkeypatch.setenv("HOME", str(home))
    assert place("~/x") == place(Path("~/x")) == on_this_machine("~/x") == home / "x"
    assert place("~nobody-of-this-name/x") == Path("~nobody-of-this-name/x")
    assert place("a/~/b") == Path("a/~/b")
    assert merdata.open_store("~/store").path == home / "store"
    (home / "policy.yaml").write_text("fear: anger\n")
    for words in (
        ["build", "--corpus=tess", "--source=~/corpora/tess", "--store=~/new", "--policy-file=~/policy.yaml"],
        ["split", "~/new", "--protocol", "random"],
        ["verify", "--store=~/new"],
        ["stats", "--store=~/new"],
        ["diff", "~/new", "~/new"],
        ["report", "--store=~/new", "--out=~/page.html"],
        ["export", "csv", "--out", "~/rows.csv", "--store=~/new"],
        ["export", "wav", "--out", "~/wav", "--store=~/new"],
        ["sample", "~/more", "--corpus", "tess"],
    ):
        done = run(*words, cwd=work)
        assert done.returncode == 0, (words, done.stderr)
    assert list(work.iterdir()) == []
    made = {path.name for path in home.iterdir()}
    assert {"new", "page.html", "rows.csv", "wav", "more"} <= made
    assert json.loads((home / "new" / "merdata.json").read_text())["corpora"].keys() == {"tess"}
