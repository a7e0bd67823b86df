"""A run: one recipe, one folder, one id. Training and evaluation are separate steps.

runs/<name>-<id>/recipe.yaml          resolved
                environment.json      versions, machine
                split.json            protocol, hashes, rows of train and validation by class
                lints.json            the warnings of the lints
                lineage.json, lineage.parquet  the rows that the model ever saw
                checkpoint.safetensors  while it trains
                history.json  model/  predictions.parquet  metrics.json  test_log.jsonl
"""

from __future__ import annotations

import platform
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import torch
import yaml
from filelock import FileLock, Timeout

from merdata import plugin
from merdata_train.data.source import Examples, Source
from merdata_train.errors import ProtocolError, RunError, disk_errors
from merdata_train.features.cache import cache_folder
from merdata_train.lints.lints import lint
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import WORKERS
from merdata_train.recipe.recipe import Recipe
from merdata_train.runs.folder import refuse_links, write_json
from merdata_train.runs.identity import folder_name, starts_of
from merdata_train.runs.initial import started, with_initial
from merdata_train.runs.lineage import write_lineage
from merdata_train.runs.saved import temperature_of
from merdata_train.scoring.results import SplitRecord
from merdata_train.scoring.tracking import check_tracker, tracker
from merdata_train.training.devices import is_main_process, processes
from merdata_train.training.fit import fit
from merdata_train.training.stages import trained_rows

CHECKPOINT = "checkpoint.safetensors"
PACKAGES = (
    "merdata",
    "torch",
    "torchaudio",
    "transformers",
    "accelerate",
    "scikit-learn",
    "numpy",
    "huggingface_hub",
    "safetensors",
)


def run(
    recipe: Recipe,
    out: Path | str = Path("runs"),
    *,
    jobs: int | None = None,
    fresh: bool = False,
    track: str | None = None,
    workers: int = WORKERS,
    scored_next: bool = False,
) -> Path:
    """Train a recipe, unless its run exists already; a run that was killed continues.

    Under `accelerate launch` every process trains, and only the main one writes.

    Args:
        recipe: what to train.
        out: folder of the runs.
        jobs: processes for the features.
        fresh: train again even if the run exists.
        track: tensorboard, wandb or trackio; None for none.
        workers: processes that read recordings while an end-to-end model works.
        scored_next: refuse, before it trains, a protocol that has no test rows to score it on.

    Returns:
        The run's folder. `evaluate` scores it on the test rows.

    Raises:
        MerdataError: the recipe, the store or the protocol is at fault, or the folder cannot be written.
    """
    check_tracker(track)
    source, asked, out = Source(recipe), recipe, Path(out)
    if scored_next and not source.test_ids():
        raise ProtocolError(
            f"protocol {recipe.protocol} of {recipe.store} has no test rows in fold {recipe.fold} "
            "that the recipe's labels and data take: choose another with protocol=NAME, or train with "
            "--no-test"
        )
    recipe = with_initial(recipe, out)
    folder = out / folder_name(recipe, source)
    refuse_links(folder)
    if (folder / "model").exists() and not fresh:
        return folder
    recipe = started(recipe, asked, source)
    with processes().main_process_first():  # the others find its features in the cache
        train, validation = source.examples("train", jobs), source.examples("validation", jobs)
    cache = cache_folder(source.store) if recipe.encoders() else None
    training = partial(fit, recipe, train, validation, folder / CHECKPOINT, cache=cache, workers=workers)
    if not is_main_process():
        training()
        return folder
    lints = lint(recipe, source, train, validation)
    with _locked(folder):
        if fresh:
            _clear(folder)
        elif (folder / "model").exists() and processes().num_processes == 1:  # another process was faster
            return folder
        _describe(folder, recipe, source, train, validation)
        write_json(folder / "lints.json", lints)
        with tracker(track, recipe, folder) as log:
            model, history = training(track=log)
        write_json(folder / "history.json", history)
        _write_lineage(folder, recipe, model, train, validation)
        _save(folder, model, source, temperature_of(model, source, validation, workers))
    return folder


def _write_lineage(
    folder: Path, recipe: Recipe, model: EmotionModel, train: Examples, validation: Examples
) -> None:
    trained = trained_rows(recipe.stages, train.rows)["id"].tolist()
    rows = {"train": trained, "validation": validation.rows["id"].tolist()}
    if train.unlabelled is not None:
        rows["unlabelled"] = train.unlabelled.rows["id"].tolist()
    starts = [(stage.name, Path(place)) for stage in recipe.stages for place in starts_of(stage)]
    write_lineage(folder, folder.name.rpartition("-")[2], model, rows, starts)


def _save(folder: Path, model: EmotionModel, source: Source, temperature: float) -> None:
    """Write `model/` by rename: its existence means that training is finished."""
    unfinished = folder / ".model"
    with disk_errors():
        model.save_trained(unfinished, temperature)
    source.save_processors(unfinished)
    unfinished.replace(folder / "model")
    (folder / CHECKPOINT).unlink(missing_ok=True)


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keep a second process out of the run's folder; the lock ends with its process."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / ".lock", blocking=False):
            _sweep(folder)
            yield
    except Timeout as error:
        raise RunError(
            f"another process is training {folder}: wait for it, or choose another --out"
        ) from error
    except OSError as error:
        raise RunError(f"cannot write {folder}: {error.strerror or error}") from error


def _sweep(folder: Path) -> None:
    """Remove what a killed process was writing: our temporary files, and those of safetensors."""
    for path in folder.iterdir():
        if path.name.startswith(".tmp") or (path.name.startswith(".") and path.name.endswith(".part")):
            path.unlink(missing_ok=True)


def _clear(folder: Path) -> None:
    """Empty a run's folder, except for the lock that is held."""
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif path.name != ".lock":
            path.unlink()


def _describe(folder: Path, recipe: Recipe, source: Source, train: Examples, validation: Examples) -> None:
    resolved = recipe.model_dump(mode="json") | {"store": str(plugin.place(recipe.store).absolute())}
    for name, encoder in recipe.encoders().items():
        if encoder.revision is None:
            resolved["features"][name]["model"] = str(Path(encoder.model).absolute())
    text = yaml.safe_dump(resolved, sort_keys=False, allow_unicode=True)
    with plugin.write_atomically(folder / "recipe.yaml") as temporary:
        temporary.write_text(text, "utf-8")
    write_json(folder / "environment.json", environment())
    split: SplitRecord = {
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
