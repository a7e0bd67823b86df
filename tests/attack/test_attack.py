"""Hostile stores through every command that opens one: a sentence, and nothing outside is touched.

A part of the table; `make crash` runs all of it (`tests.crash.attack`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.attack.drive import Scene, commands, faults_of, make_scene
from tests.attack.stores import STORES
from tests.attack.watch import watched

QUICK = ("stats", "split", "verify", "build")
EVERY = 3  # of the table


@pytest.fixture(scope="module")
def scene(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Scene:
    return make_scene(corpora, tmp_path_factory.mktemp("attack"))


def quick(scene: Scene, store: Path, out: Path) -> dict[str, list[object]]:
    return {name: words for name, words in commands(scene, store, out).items() if name in QUICK}


@pytest.mark.parametrize("name", list(STORES)[::EVERY])
def test_a_hostile_store_is_refused_and_nothing_outside_is_touched(
    name: str, scene: Scene, tmp_path: Path
) -> None:
    assert faults_of(scene, name, STORES[name], tmp_path / "place", quick) == []


def test_the_table_is_long() -> None:
    assert len(STORES) >= 80


@pytest.mark.parametrize("touch", ["read", "write", "delete", "link", "list"])
def test_the_watch_sees_it(touch: str, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file = folder / "file"
    file.write_text("text")
    with watched(folder) as done:
        if touch == "read":
            file.read_text()
        elif touch == "write":
            file.write_text("other")
        elif touch == "delete":
            file.unlink()
        elif touch == "link":
            (tmp_path / "link").hardlink_to(file)
        else:
            list(folder.iterdir())
    assert done
