"""Hostile stores, runs, recipes and lists, each through all commands: a sentence, nothing else touched.

A part of the table; `make crash` runs all of it (`tests.crash.attack`).
"""

from __future__ import annotations

from pathlib import Path

import pytest

from merdata_train.cli import app as trainer
from tests.attack.drive import Scene, Words, commands, faults_of, make_scene
from tests.attack.layers import LAYERS, make_layers, on_layers
from tests.attack.lists import LISTS, make_lists, on_lists
from tests.attack.runs import RECIPES, RUNS, make_recipes, make_runs, on_recipes, on_runs
from tests.attack.stores import STORES
from tests.attack.watch import watched

QUICK = ("stats", "split", "verify", "build")
EVERY = 3  # of the table
EVERY_RUN = 12


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


@pytest.fixture(scope="module")
def layers(scene: Scene) -> Scene:
    return make_layers(scene)


@pytest.mark.parametrize("name", LAYERS)
def test_a_hostile_layer_is_refused_and_the_store_is_as_ever(
    name: str, layers: Scene, tmp_path: Path
) -> None:
    assert faults_of(layers, name, LAYERS[name], tmp_path / "place", on_layers) == []


@pytest.fixture(scope="module")
def runs(scene: Scene) -> Scene:
    return make_runs(scene)


@pytest.fixture(scope="module")
def recipes(scene: Scene) -> Scene:
    return make_recipes(scene)


@pytest.mark.parametrize("name", list(RUNS)[::EVERY_RUN])
def test_a_hostile_run_is_refused(name: str, runs: Scene, tmp_path: Path) -> None:
    def quick(scene: Scene, folder: Path, out: Path) -> dict[str, Words]:
        words = on_runs(scene, folder, out)
        return {command: words[command] for command in ("predict", "card", "compare")}

    assert faults_of(runs, name, RUNS[name], tmp_path / "place", quick, trainer.main) == []


@pytest.mark.parametrize("name", list(RECIPES)[::EVERY])
def test_a_hostile_recipe_is_refused(name: str, recipes: Scene, tmp_path: Path) -> None:
    assert faults_of(recipes, name, RECIPES[name], tmp_path / "place", on_recipes, trainer.main) == []


@pytest.fixture(scope="module")
def lists(scene: Scene) -> Scene:
    return make_lists(scene)


@pytest.mark.parametrize("name", LISTS)
def test_a_hostile_list_is_refused(name: str, lists: Scene, tmp_path: Path) -> None:
    assert faults_of(lists, name, LISTS[name], tmp_path / "place", on_lists) == []


def test_the_tables_are_long() -> None:
    assert len(STORES) >= 80
    assert len(RUNS) >= 70
    assert len(RECIPES) >= 15
    assert len(LISTS) >= 20


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
