"""Features that any extractor made, by row id, in a layer beside the store's data.

store/layers/<name>/<corpus>.safetensors   features `[all frames, width]` with offsets `[rows + 1]`, where a
                                           vector is one frame; the ids in the file's metadata

A file is read through a memory map, so the frames of a corpus need no memory until they are looked at.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
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
from merdata_train.errors import RecipeError, disk_errors
from merdata_train.recipe.features import LAYER_NAME, Stored

FOLDER = "layers"
SHOWN = 3


def stored_features(store: merdata.Store, corpora: Iterable[str], config: Stored) -> dict[str, Tensor]:
    """id -> `[width]`, or `[frames, width]`, of every row of some corpora, as the configuration pools them.

    Raises:
        RecipeError: the layer is not there, has other widths or lacks rows.
    """
    rows = {id: row for file in _files(store, corpora, config) for id, row in _read(file)}
    widths = {row.shape[1] for row in rows.values()}
    if widths != {config.width}:
        told = " and ".join(str(width) for width in sorted(widths))
        raise RecipeError(f"features.audio.width is {config.width}, the layer {config.name} has {told}")
    return {id: _pooled(row, config) for id, row in rows.items()}


def check_complete(features: Mapping[str, Tensor], ids: Iterable[str], config: Stored) -> None:
    """Every row has its features.

    Raises:
        RecipeError: some do not.
    """
    missing = [id for id in ids if id not in features]
    if missing:
        raise RecipeError(
            f"the layer {config.name} lacks {len(missing)} rows ({', '.join(missing[:SHOWN])}): fill it with "
            f"`merdata_train features {config.name}`"
        )


def layer_hash(store: merdata.Store, corpora: Iterable[str], config: Stored) -> str:
    """SHA-256 over the files of a layer."""
    files = [plugin.file_sha256(file) for file in _files(store, corpora, config)]
    return hashlib.sha256("\n".join(files).encode()).hexdigest()


def layer_folder(store: merdata.Store, name: str) -> Path:
    """Where a layer lies.

    Raises:
        RecipeError: the store is remote, or the name cannot be that of a layer.
    """
    if plugin.is_remote(store.path):
        raise RecipeError(f"{store.path} is remote: stored features need a store on this machine")
    if not re.fullmatch(LAYER_NAME, name):
        raise RecipeError(f"{name!r} cannot name a layer: use letters, digits, `-`, `_`, `.` and `+`")
    return store.path / FOLDER / name


def write_layer(store: merdata.Store, name: str, corpus: str, rows: Mapping[str, npt.NDArray[Any]]) -> Path:
    """Write the features of a corpus by rename: id -> `[width]` or `[frames, width]`.

    Raises:
        RecipeError: the name cannot be that of a layer.
        StoreError: it cannot be written.
    """
    arrays = [np.atleast_2d(np.asarray(row, np.float32)) for row in rows.values()]
    offsets = np.cumsum([0, *(len(row) for row in arrays)], dtype=np.int64)
    target = layer_folder(store, name) / f"{corpus}.safetensors"
    metadata = {"ids": json.dumps(list(rows))}
    with disk_errors():
        target.parent.mkdir(parents=True, exist_ok=True)
    with plugin.write_atomically(target) as temporary, disk_errors():
        save_file({"features": np.concatenate(arrays), "offsets": offsets}, temporary, metadata)
    return target


def fill(store: merdata.Store, name: str, arrays: Path) -> dict[str, tuple[int, int]]:
    """Fill a layer from `<arrays>/<id>.npy`, `[width]` or `[frames, width]`.

    Returns:
        corpus -> its rows that have features, and all its rows; without the corpora that have none.

    Raises:
        RecipeError: the name cannot be that of a layer, no row of the store has an array, or one cannot be
            read.
    """
    layer_folder(store, name)
    filled = {}
    for corpus in store.corpora:
        ids = store.rows(["id"], [corpus])["id"].to_pylist()
        rows = {id: _load(path) for id in ids if (path := arrays / f"{id}.npy").is_file()}
        if rows:
            write_layer(store, name, corpus, rows)
            filled[corpus] = (len(rows), len(ids))
    if not filled:
        raise RecipeError(f"{arrays} has no array of a row of {store.path}, as {arrays}/<id>.npy")
    return filled


def _load(path: Path) -> npt.NDArray[Any]:
    try:
        row = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise RecipeError(f"cannot read {path}: {error}") from error
    if row.ndim not in (1, 2) or not row.size or not np.isfinite(row).all():
        raise RecipeError(f"{path} must hold finite numbers of shape [width] or [frames, width]")
    return np.asarray(row)


def _files(store: merdata.Store, corpora: Iterable[str], config: Stored) -> list[Path]:
    folder = layer_folder(store, config.name)
    files = [folder / f"{corpus}.safetensors" for corpus in corpora]
    for file in files:
        if not file.is_file():
            raise RecipeError(
                f"features.audio: {file} does not exist: fill it with `merdata_train features {config.name}`"
            )
    return files


def _read(path: Path) -> list[tuple[str, Tensor]]:
    try:
        with safe_open(path, "pt") as file:
            ids, features = json.loads(file.metadata()["ids"]), file.get_tensor("features")
            rows = torch.tensor_split(features, file.get_tensor("offsets")[1:-1])
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise RecipeError(f"{path} is damaged: fill the layer again") from error
    return list(zip(ids, rows, strict=True))


def _pooled(row: Tensor, config: Stored) -> Tensor:
    if config.pool == "none":
        return row
    mean = row.mean(dim=0)
    return mean if config.pool == "mean" else torch.cat([mean, row.std(dim=0, correction=0)])
