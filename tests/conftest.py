"""Shared fixtures: the real data where it is there, and miniature corpora built once a session."""

from __future__ import annotations

import gc
import os
import shutil
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

import merdata
from merdata.corpora.miniature import miniatures, write_corpus
from merdata.engine.process import get_ready

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REAL = Path(__file__).parents[2] / "shared" / "data"
Once = Callable[[str, Callable[[Path], object]], Path]


def pytest_collection_finish() -> None:
    """Leave the half million objects of the imported modules out of every later search for cycles."""
    gc.freeze()


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is read from or left in the user's Hugging Face cache."""
    os.environ["HF_HOME"] = str(tmp_path_factory.mktemp("hf"))


@pytest.fixture(autouse=True, scope="session")
def _workers(_own_cache: None) -> None:
    """In a run of all tests the fork server imports torch once; else each of a hundred workers would."""
    if _worker():
        from merdata_train.runs.conduct import PRELOADED

        get_ready(PRELOADED)


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL.is_dir():
        pytest.skip(f"the real data is not at {REAL}")
    return REAL


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """`once(name, make)` is a folder that the first test process makes and all share. Read only."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if _worker() else base) / "shared"
    marks = shared / ".marks"
    marks.mkdir(parents=True, exist_ok=True)

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        mark = marks / name.replace("/", "-")
        with FileLock(f"{mark}.lock"):
            if not mark.exists():
                shutil.rmtree(shared / name, ignore_errors=True)
                make(shared / name)
                mark.touch()
        return shared / name

    return folder


def _worker() -> str | None:
    """The name of this test process among several: gw0, gw1, ..."""
    return os.environ.get("PYTEST_XDIST_WORKER")


@pytest.fixture(scope="session")
def full_tree(real_data: Path, once: Once) -> Callable[[str], Path]:
    """The tree of a corpus at full size, from the real list of its files, which are empty. Read only."""
    from tests.merdata.corpora.trees import lay_down

    return lambda corpus: once(f"full-{corpus}", lambda folder: lay_down(corpus, real_data, folder))


@pytest.fixture(scope="session")
def corpora(once: Once) -> Path:
    """Miniature corpora in the real layouts. Read only: copy what a test changes."""
    return _written(once, "miniatures")


@pytest.fixture(scope="session")
def thin_corpora(once: Once) -> Path:
    """The miniatures with one speaker each, a quarter of the files, for tests that copy them. Read only."""
    return _written(once, "thin", speakers=1)


def _written(once: Once, shelf: str, speakers: int | None = None) -> Path:
    """Miniatures on a shelf; the second process begins with the last, so that neither waits for the other."""
    names = miniatures()[:: -1 if _worker() == "gw1" else 1]
    folders = [once(f"{shelf}/{name}", partial(write_corpus, name, speakers=speakers)) for name in names]
    return folders[0].parent


@pytest.fixture(scope="session")
def store(corpora: Path, once: Once, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """A store of all the miniatures, split by the default protocol. Read only."""

    def build(folder: Path) -> None:
        merdata.build(["all"], corpora, folder)
        merdata.split(folder)

    # Each process has a copy, for what reads a store may keep features beside it.
    path = tmp_path_factory.mktemp("session") / "store"
    return merdata.open_store(shutil.copytree(once("store", build), path))


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The system's Chromium, without a window and without any network of its own."""
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("there is no Chromium: apt-get install chromium")
    from playwright.sync_api import sync_playwright

    quiet = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=program, args=quiet)
        yield chromium
        chromium.close()
