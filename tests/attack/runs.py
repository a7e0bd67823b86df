"""Hostile runs, models and recipes: as in `tests.attack.stores`, one thing of a good one is harmed.

A run is the folder `run` in the folder that a function of the table gets; a recipe is `recipe.yaml` in it.
"""

from __future__ import annotations

import json
import os
import shutil
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tests.attack.drive import Scene, Words
from tests.attack.stores import Harm, Hostile, bomb, hostile, other_column

RUNS: dict[str, Hostile] = {}
RECIPES: dict[str, Hostile] = {}
SMALL = ["model.width=16", "model.layers=1", "model.heads=2", "stages.0.epochs=1", "stages.0.batch_size=64"]
DOCUMENTS = ("split", "history", "metrics", "environment", "lints", "lineage")
TABLES = ("predictions", "validation", "lineage")


def make_runs(scene: Scene) -> Scene:
    """A trained and scored run on the store of a scene, and its twin, which is read only."""
    from merdata_train.recipe.recipe import load_recipe
    from merdata_train.runs.evaluate import evaluate
    from merdata_train.runs.run import run

    recipe = load_recipe("source0/A1", [f"store={scene.store}", *SMALL])
    folder = run(recipe, scene.folder / "trained", jobs=1, workers=0)
    evaluate(folder, jobs=1, workers=0)
    shutil.copytree(folder, scene.folder / "runs" / "run")
    return Scene(scene.folder, scene.corpus, scene.folder / "runs")


def on_runs(scene: Scene, folder: Path, out: Path) -> dict[str, Words]:
    """The commands of the trainer that open a run."""
    run, twin = folder / "run", scene.folder / "trained"
    return {
        "predict": ["predict", run, "--text", "Say the word back"],
        "card": ["card", run],
        "evaluate": ["evaluate", run, "--jobs", 1, "--workers", 0],
        "compare": ["compare", run, next(twin.glob("*/"), twin)],
        "report": ["report", folder, "--out", out / "report"],
        "push": ["push", run, "tester/x", "--dry-run"],
    }


def make_recipes(scene: Scene) -> Scene:
    """A good recipe in a folder."""
    folder = scene.folder / "recipes"
    folder.mkdir()
    (folder / "recipe.yaml").write_text(f"name: x\nstore: {scene.store}\nmodel: {{kind: gated}}\n")
    return Scene(scene.folder, scene.corpus, folder)


def on_recipes(scene: Scene, folder: Path, out: Path) -> dict[str, Words]:
    """The commands of both programs that open a file that people write: one file serves for all of them."""
    file = folder / "recipe.yaml"
    return {
        "recipes check": ["recipes", "check", file],
        "recipes show": ["recipes", "show", file],
        "suite": ["suite", file, "--dry-run", "--out", out / "runs"],
        "run": ["run", file, "--store", scene.folder / "nowhere", "--out", out / "runs"],
    }


def _write(name: str, data: bytes) -> Harm:
    return lambda folder, _: (folder / name).write_bytes(data) and None


def _link(name: str, target: str) -> Harm:
    def harm(folder: Path, outside: Path) -> None:
        path = folder / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(outside / target)

    return harm


def _edit(name: str, edit: Callable[[Any], object]) -> Harm:
    def harm(folder: Path, _: Path) -> None:
        value = json.loads((folder / name).read_text())
        edit(value)
        (folder / name).write_text(json.dumps(value))

    return harm


def _change(name: str, change: Callable[[pa.Table], pa.Table]) -> Harm:
    def harm(folder: Path, _: Path) -> None:
        path = folder / name
        pq.write_table(change(pq.read_table(path)), path, compression="zstd")

    return harm


def _named(table: pa.Table) -> str:
    return "label" if "label" in table.column_names else "role"


def _enter_runs() -> None:
    for name in DOCUMENTS:
        for what, data in {
            "not JSON": b"{'a': 1}",
            "nested 100,000 deep": b"[" * 100_000,
            "other types": b'{"sets": [7], "hash": {}, "train": 3, "packages": ["x"], "sha256": null}',
            "UTF-16": "{}".encode("utf-16"),
        }.items():
            hostile(f"{name}.json: {what}", refused=False, table=RUNS)(_write(f"run/{name}.json", data))
        hostile(f"link: {name}.json", refused=False, table=RUNS)(_link(f"run/{name}.json", "secret.txt"))
    for name in TABLES:
        file = f"run/{name}.parquet"
        for what, harm in {
            "not Parquet": _write(file, b"PAR1" + bytes(100) + b"PAR1"),
            "other columns": _change(file, lambda table: table.select(["id"])),
            "unpacks to gigabytes": _change(file, lambda table: other_column(table, "id", bomb(len(table)))),
            "numbers": _change(
                file, lambda table: other_column(table, _named(table), pa.array([1] * len(table)))
            ),
        }.items():
            hostile(f"{name}.parquet: {what}", refused=False, table=RUNS)(harm)
        hostile(f"link: {name}.parquet", refused=False, table=RUNS)(_link(file, "secret.parquet"))
    for name in (
        "recipe.yaml",
        "test_log.jsonl",
        "model/config.json",
        "model/README.md",
        "model/model.safetensors",
    ):
        hostile(f"link: {name}", refused=False, table=RUNS)(_link(f"run/{name}", "secret.txt"))
    hostile("link: model", refused=False, table=RUNS)(_link("run/model", "precious"))
    hostile("link: looks of the folder", refused=False, table=RUNS)(_link("test_looks.jsonl", "secret.txt"))
    config = "run/model/config.json"
    for what, edit in MODELS.items():
        hostile(f"model: {what}", refused=False, table=RUNS)(_edit(config, edit))
    for what, data in WEIGHTS.items():
        hostile(f"weights: {what}", refused=False, table=RUNS)(_write("run/model/model.safetensors", data))
    for what, text in YAML.items():
        hostile(f"recipe.yaml: {what}", refused=False, table=RUNS)(_write("run/recipe.yaml", text.encode()))


MODELS: dict[str, Callable[[Any], object]] = {
    "classes without end": lambda c: c.update(classes=["x"] * 1_000_000),
    "classes of numbers": lambda c: c.update(classes=[1, 2, 3]),
    "no classes": lambda c: c.pop("classes"),
    "a width of terabytes": lambda c: c["model"].update(width=1 << 40),
    "features of terabytes": lambda c: c["features"]["text"].update(n_features=1 << 50),
    "features of other types": lambda c: c.update(features=[1]),
    "a modality that nobody knows": lambda c: c.update(modalities=["../../outside"]),
    "a temperature of 0": lambda c: c.update(temperature=0),
    "a temperature that is a text": lambda c: c.update(temperature="x"),
    "a kind that nobody knows": lambda c: c["model"].update(kind="../../outside/secret"),
    "code of its own": lambda c: c["features"].update(
        audio={"kind": "encoder", "model": "../../outside/precious", "trust_remote_code": True}
    ),
}
WEIGHTS = {
    "empty": b"",
    "a header of exabytes": struct.pack("<Q", 1 << 60) + b"{}",
    "a header that is nested": struct.pack("<Q", 100_000) + b"[" * 100_000,
    "tensors beyond the end": struct.pack("<Q", 64)
    + b'{"a":{"dtype":"F32","shape":[1000],"data_offsets":[0,4000]}}'.ljust(64),
    "a pickle": b"\x80\x04cos\nsystem\n(S'touch x'\ntR.",
}
YAML = {
    "a list": "- 1\n",
    "an alias that grows": "a: &a [x, x]\nb: &b [*a, *a]\nname: [*b, *b]\n",
    "5,000 brackets": "[" * 5_000,
    "code": "!!python/object/apply:os.system ['true']\n",
    "a key twice": "name: x\nname: y\n",
    "a date that cannot be": "name: 2001-02-30\n",
    "a million letters": f"name: {'x' * 1_000_000}\n",
    "a thousand keys": "".join(f"k{number}: 1\n" for number in range(1_000)),
    "a value of half a million letters": f"name: x\nlabels: [{'y' * 500_000}]\n",
    "bytes": "name: !!binary AAAA\nmodel: 7\n",
    "terminal escapes": 'name: "\\e]0;owned\\a\\e[2J"\nmodel: "\\e[2J"\n',
}
_enter_runs()


def _enter_recipes() -> None:
    for what, text in YAML.items():
        hostile(f"recipe: {what}", table=RECIPES)(_write("recipe.yaml", text.encode()))
    hostile("recipe: UTF-16", table=RECIPES)(_write("recipe.yaml", "name: x".encode("utf-16")))
    hostile("recipe: based on itself", table=RECIPES)(_write("recipe.yaml", b"base: recipe.yaml\n"))
    hostile("recipe: based on a folder", table=RECIPES)(_write("recipe.yaml", b"base: .\n"))
    hostile("recipe: based on zeros", table=RECIPES)(_write("recipe.yaml", b"base: /dev/zero\n"))


@hostile("recipe: a link to zeros", refused=False, table=RECIPES)
def _(folder: Path, _: Path) -> None:
    (folder / "recipe.yaml").unlink()
    (folder / "recipe.yaml").symlink_to("/dev/zero")


@hostile("recipe: a pipe", refused=False, table=RECIPES)
def _(folder: Path, _: Path) -> None:
    (folder / "recipe.yaml").unlink()
    os.mkfifo(folder / "recipe.yaml")


_enter_recipes()
