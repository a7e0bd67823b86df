"""Audio features by shard and configuration, computed once and kept beside the store.

A file's name is the hash of all that its numbers depend on: the shard's bytes, the configuration, this code.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

import merdata
from merdata_train.features.audio import one_thread, vector
from merdata_train.recipe import Mfcc

VERSION = 1  # raise it whenever the same audio would give other numbers
Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """One shard's features to compute."""

    shard: Path
    target: Path
    config: Mfcc


def audio_features(
    store: merdata.Store, shards: list[merdata.Shard], config: Mfcc, jobs: int | None = None
) -> dict[str, Floats]:
    """id -> mean+std MFCC of every row of the shards; what the cache lacks is computed first."""
    tasks = [Task(shard.path, _target(store, shard, config), config) for shard in shards]
    todo = [task for task in tasks if not _is_whole(task.target)]
    for _ in merdata.run_tasks(compute, todo, jobs=jobs, progress="features", unit="shards"):
        pass
    return {id: row for task in tasks for id, row in _read(task.target)}


def compute(task: Task) -> None:
    """Features of one shard, written by rename."""
    with one_thread():
        rows = [(id, vector(samples, task.config)) for id, samples in merdata.read_audio(task.shard)]
    ids = json.dumps([id for id, _ in rows])
    with merdata.write_atomically(task.target) as temporary:
        save_file({"features": np.stack([row for _, row in rows])}, temporary, metadata={"ids": ids})


def _is_whole(path: Path) -> bool:
    try:
        with safe_open(path, "numpy"):
            return True
    except (FileNotFoundError, SafetensorError):
        return False


def _read(path: Path) -> list[tuple[str, Floats]]:
    with safe_open(path, "numpy") as file:
        return list(zip(json.loads(file.metadata()["ids"]), file.get_tensor("features"), strict=True))


def _target(store: merdata.Store, shard: merdata.Shard, config: Mfcc) -> Path:
    key = json.dumps([VERSION, shard.sha256, config.model_dump()], sort_keys=True)
    return store.path / ".cache" / "features" / f"{hashlib.sha256(key.encode()).hexdigest()}.safetensors"
