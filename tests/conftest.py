"""Shared fixtures: the real data where it is there, and miniature corpora built once a session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

import merdata
from merdata.corpora.miniature import miniatures, write_corpus

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REAL = Path(__file__).parents[2] / "shared" / "data"
Once = Callable[[str, Callable[[Path], object]], Path]


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_DATASETS_OFFLINE", "1")


@pytest.fixture(autouse=True, scope="session")
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Nothing is read from or left in the user's Hugging Face cache."""
    os.environ["HF_HOME"] = str(tmp_path_factory.mktemp("hf"))


@pytest.fixture(scope="session")
def real_data() -> Path:
    if not REAL.is_dir():
        pytest.skip(f"the real data is not at {REAL}")
    return REAL


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Once:
    """`once(name, make)` is a folder that the first test process makes and all share. Read only."""
    base = tmp_path_factory.getbasetemp()
    shared = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)

    def folder(name: str, make: Callable[[Path], object]) -> Path:
        with FileLock(shared / f"{name}.lock"):
            if not (shared / f"{name}.made").exists():
                shutil.rmtree(shared / name, ignore_errors=True)
                make(shared / name)
                (shared / f"{name}.made").touch()
        return shared / name

    return folder


@pytest.fixture(scope="session")
def full_tree(real_data: Path, once: Once) -> Callable[[str], Path]:
    """The tree of a corpus at full size, from the real list of its files, which are empty. Read only."""
    from tests.merdata.corpora.trees import lay_down

    return lambda corpus: once(f"full-{corpus}", lambda folder: lay_down(corpus, real_data, folder))


@pytest.fixture(scope="session")
def corpora(once: Once) -> Path:
    """Miniature corpora in the real layouts. Read only: copy what a test changes."""

    def write(folder: Path) -> None:
        for name in miniatures():
            write_corpus(name, folder / name)

    return once("miniatures", write)


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
