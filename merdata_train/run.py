"""A run: one recipe, one folder, one id. Training and evaluation are separate steps.

runs/<name>-<id>/recipe.yaml          resolved
                environment.json      versions, machine
                split.json            protocol, hashes, rows of train and validation by class
                checkpoint.safetensors  while it trains
                history.json  model/  predictions.parquet  metrics.json  test_log.jsonl
"""

from __future__ import annotations

import hashlib
import json
import platform
import shutil
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import yaml

import merdata
from merdata_train.data import Examples, Source
from merdata_train.errors import RunError
from merdata_train.fit import fit
from merdata_train.recipe import Recipe

CODE_VERSION = 1  # raise it whenever the same recipe and rows would give another model
PACKAGES = (
    "merdata",
    "torch",
    "torchaudio",
    "accelerate",
    "scikit-learn",
    "numpy",
    "huggingface_hub",
    "safetensors",
)


def run(recipe: Recipe, out: Path = Path("runs"), *, jobs: int | None = None, fresh: bool = False) -> Path:
    """Train a recipe, unless its run is there already; a run that was killed goes on.

    Args:
        recipe: what to train.
        out: folder of the runs.
        jobs: processes for the features.
        fresh: train again even if the run is there.

    Returns:
        The run's folder; `evaluate` scores it on the test rows.

    Raises:
        MerdataError: recipe, store or protocol are at fault, or the folder cannot be written.
    """
    source = Source(recipe)
    folder = out / folder_name(recipe, source)
    if fresh and folder.exists():
        shutil.rmtree(folder)
    if (folder / "model").exists():
        return folder
    train, validation = source.examples("train", jobs), source.examples("validation", jobs)
    _describe(folder, recipe, source, train, validation)
    checkpoint = folder / "checkpoint.safetensors"
    model, history = fit(recipe, train, validation, checkpoint)
    write_json(folder / "history.json", history)
    unfinished = folder / ".model"
    model.save_pretrained(unfinished)
    unfinished.replace(folder / "model")
    checkpoint.unlink(missing_ok=True)
    return folder


def folder_name(recipe: Recipe, source: Source) -> str:
    """The folder of a recipe's run; `source` may be that of another seed or fold of it."""
    return f"{recipe.name.replace('/', '-')}-{_id(recipe, source)}"


def run_id(source: Source) -> str:
    """Hash of what defines a run: recipe, rows, split and code; not where the store lies."""
    return _id(source.recipe, source)


def _id(recipe: Recipe, source: Source) -> str:
    parts = [
        CODE_VERSION,
        recipe.model_dump(mode="json", exclude={"store"}),
        source.data_hash,
        source.protocol.hash,
    ]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]


def open_run(folder: Path) -> tuple[Recipe, dict[str, Any]]:
    """The recipe of a run, and the split that it was trained on (`split.json`).

    Raises:
        RunError: the folder is no finished run, or its files are damaged.
    """
    if not (folder / "recipe.yaml").is_file():
        raise RunError(f"{folder} is no run: it has no recipe.yaml")
    if not (folder / "model").is_dir():
        raise RunError(f"{folder} was never trained to its end: `merdata_train run` goes on with it")
    try:
        recipe = Recipe.model_validate(yaml.safe_load((folder / "recipe.yaml").read_text("utf-8")))
        split: dict[str, Any] = json.loads((folder / "split.json").read_text("utf-8"))
        if not {"hash", "data", "train"} <= split.keys():
            raise ValueError("split.json lacks hash, data or train")
    except (OSError, ValueError, AttributeError, yaml.YAMLError) as error:
        raise RunError(f"{folder} is damaged: train it again with --fresh") from error
    return recipe, split


def _describe(folder: Path, recipe: Recipe, source: Source, train: Examples, validation: Examples) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror}") from error
    resolved = recipe.model_dump(mode="json") | {"store": str(Path(recipe.store).absolute())}
    text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
    with merdata.write_atomically(folder / "recipe.yaml") as temporary:
        temporary.write_text(text, "utf-8")
    write_json(folder / "environment.json", environment())
    split = {
        "protocol": source.protocol.name,
        "hash": source.protocol.hash,
        "fold": recipe.fold,
        "data": source.data_hash,
        "train": train.counts(),
        "validation": validation.counts(),
    }
    write_json(folder / "split.json", split)


def environment() -> dict[str, Any]:
    """Versions and machine."""
    return {
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "torch_threads": torch.get_num_threads(),  # the last digits of a sum depend on them
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def write_json(path: Path, value: Any) -> None:
    """Write JSON by rename."""
    with merdata.write_atomically(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
