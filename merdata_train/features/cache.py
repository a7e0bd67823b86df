"""Audio features by shard and configuration, computed once and kept beside the store.

A file's name is the hash of all that its numbers depend on: the shard's bytes, the configuration, this code.
It is written by rename, so a computation that was killed goes on at the shard it was at; it is read through
a memory map, so the frames of a corpus need no memory until they are looked at.

store/.cache/features/<hash>.safetensors   features `[rows, width]`, or of frames `[all frames, width]` with
                                           offsets `[rows + 1]`; the ids in the file's metadata

Where that folder cannot be written the files lie in `merdata/features` of the user's cache folder; the
variable MERDATA_CACHE names another folder for both.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file
from torch import Tensor

import merdata
from merdata import plugin
from merdata_train.errors import disk_errors
from merdata_train.features.audio import features_of, one_thread, shape
from merdata_train.recipe.features import AudioFeatures

VERSION = 2  # raise it whenever the same audio would give other numbers, or a file another form
FOLDER = "MERDATA_CACHE"
DAY = 86_400  # seconds
Floats = npt.NDArray[np.float32]
Config = AudioFeatures | None  # samples have none


@dataclass(frozen=True)
class Task:
    """One shard's features to compute."""

    shard: Path
    target: Path
    config: Config


def audio_features(
    store: merdata.Store, shards: list[merdata.Shard], config: AudioFeatures, jobs: int | None = None
) -> dict[str, Tensor]:
    """id -> vector `[width]`, or `[frames, width]`, of every row; what the cache lacks is computed first.

    Frames are views of memory-mapped files; vectors are copies.

    Raises:
        RecipeError: a package that the features need is not installed.
        StoreError: a shard cannot be read, or no folder can be written.
    """
    files = _files(store, shards, config, jobs)
    rows = {id: row for file in files for id, row in _read(file)}
    return rows if shape(config).sequence else {id: row.clone() for id, row in rows.items()}


def audio_samples(
    store: merdata.Store, shards: list[merdata.Shard], jobs: int | None = None
) -> dict[str, Tensor]:
    """id -> int16 samples `[n]` of every row of the shards, each a view of a memory-mapped file.

    A store's row groups hold a hundred clips: to draw one of them at random would read them all.

    Raises:
        StoreError: a shard cannot be read, or no folder can be written.
    """
    files = _files(store, shards, None, jobs)
    return {id: rows for file in files for id, rows in _read(file)}


def cache_folder(store: merdata.Store) -> Path:
    """The folder for everything else that is computed from a store's rows.

    Raises:
        StoreError: it cannot be made.
    """
    return _writable(_folders(store))


def compute(task: Task) -> None:
    """Features of one shard, written by rename."""
    feature = _feature(task.config)
    with one_thread():
        rows = [(id, feature(samples)) for id, samples in merdata.read_audio(task.shard)]
    arrays = [row for _, row in rows]
    tensors: dict[str, npt.NDArray[Any]]
    if task.config is None or shape(task.config).sequence:
        lengths = [0, *(len(row) for row in arrays)]
        tensors = {"features": np.concatenate(arrays), "offsets": np.cumsum(lengths, dtype=np.int64)}
    else:
        tensors = {"features": np.stack(arrays)}
    ids = json.dumps([id for id, _ in rows])
    with plugin.write_atomically(task.target) as temporary, disk_errors():
        save_file(tensors, temporary, metadata={"ids": ids})


def _feature(config: Config) -> Callable[[Floats], npt.NDArray[Any]]:
    if config is None:
        return lambda samples: np.rint(samples * 32_768).astype(np.int16)
    return lambda samples: features_of(samples, config)


def _files(store: merdata.Store, shards: list[merdata.Shard], config: Config, jobs: int | None) -> list[Path]:
    """A complete file for each shard; what no folder has is computed, in parallel."""
    folders = _folders(store)
    names = [_name(shard, config) for shard in shards]
    files = [next((path for folder in folders if _is_whole(path := folder / name)), None) for name in names]
    if None in files:
        target = _writable(folders)
        tasks = [
            Task(shard.path, target / name, config)
            for shard, name, file in zip(shards, names, files, strict=True)
            if file is None
        ]
        for _ in plugin.run_tasks(
            compute, tasks, jobs=jobs, progress="features", unit="shards", preload=[__name__]
        ):
            pass
        files = [file or target / name for file, name in zip(files, names, strict=True)]
    return [path for path in files if path is not None]


def _folders(store: merdata.Store) -> list[Path]:
    """Where features may lie, the first choice first."""
    named = os.environ.get(FOLDER)
    if named:
        return [Path(named)]
    own = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    users = Path(own) / "merdata" / "features"
    return [users] if plugin.is_remote(store.path) else [store.path / ".cache" / "features", users]


def _writable(folders: list[Path]) -> Path:
    """The first folder that can be written, else the first: writing to it will say what is wrong."""
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError:
            continue
        if os.access(folder, os.W_OK):
            _sweep(folder)
            return folder
    return folders[0]


def _sweep(folder: Path) -> None:
    """Remove what killed processes were writing; temporary files of safetensors do not say whose they are."""
    plugin.remove_unfinished(folder)
    for path in folder.glob(".tmp*"):
        with suppress(FileNotFoundError):
            if path.stat().st_mtime < time.time() - DAY:
                path.unlink()


def _is_whole(path: Path) -> bool:
    try:
        with safe_open(path, "numpy"):
            return True
    except (OSError, SafetensorError):
        return False


def _read(path: Path) -> list[tuple[str, Tensor]]:
    """Ids and rows of a file; safetensors maps what it reads as torch tensors into memory."""
    with safe_open(path, "pt") as file:
        ids, features = json.loads(file.metadata()["ids"]), file.get_tensor("features")
        if "offsets" in file.keys():  # noqa: SIM118  no mapping
            features = torch.tensor_split(features, file.get_tensor("offsets")[1:-1])
        return list(zip(ids, features, strict=True))


def _name(shard: merdata.Shard, config: Config) -> str:
    told = config.model_dump() if config else "samples"
    key = json.dumps([VERSION, shard.sha256, told], sort_keys=True)
    return f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"
