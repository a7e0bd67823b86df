"""Shared fixtures: the real data where it is there, and miniature corpora built once a session."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import merdata
from merdata.corpora.miniature import miniatures, write_corpus

if TYPE_CHECKING:
    from playwright.sync_api import Browser

REAL = Path(__file__).parents[2] / "shared" / "data"


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
def corpora(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Miniature corpora in the real layouts. Read only: copy what a test changes."""
    folder = tmp_path_factory.mktemp("miniatures")
    for name in miniatures():
        write_corpus(name, folder / name)
    return folder


@pytest.fixture(scope="session")
def store(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """A store of all the miniatures, split by the default protocol. Read only."""
    path = tmp_path_factory.mktemp("session") / "store"
    merdata.build(["all"], corpora, path)
    merdata.split(path)
    return merdata.open_store(path)


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
