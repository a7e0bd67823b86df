"""Lineage: every row that a model, or one that it started from, was trained or selected on.

runs/<name>-<id>/lineage.json     the run's id, classes, features, scalers, and the runs that it started from
                 lineage.parquet  id and role (train, validation, unlabelled) of those rows
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from typing_extensions import TypedDict

from merdata import plugin
from merdata_train.errors import ProtocolError, RunError
from merdata_train.models.emotion import EmotionModel

RECORD, ROWS = "lineage.json", "lineage.parquet"
SCALER = "standardise"
SHOWN = 3
LENGTHS = {"seconds", "max_tokens"}  # how much of a row an encoder reads; a later stage may read more


class Start(TypedDict):
    """A run that a stage started from."""

    stage: str
    run: str
    id: str
    sha256: str


class Lineage(TypedDict):
    """lineage.json; `sha256` is of the rows in lineage.parquet, `scalers` of the scalers' tensors."""

    id: str
    rows: int
    sha256: str
    classes: list[str]
    modalities: list[str]
    features: dict[str, Any]
    scalers: str | None
    started_from: list[Start]


def write_lineage(
    folder: Path,
    run: str,
    model: EmotionModel,
    rows: Mapping[str, Sequence[str]],
    starts: Sequence[tuple[str, Path]],
) -> None:
    """Write what a trained model has seen.

    Args:
        folder: of the run.
        run: its id.
        model: the trained one.
        rows: role -> ids of its own rows.
        starts: each stage and the folder of a run that it, or a module of it, started from.
    """
    own = pd.concat([pd.DataFrame({"id": list(ids), "role": role}) for role, ids in rows.items()])
    seen = pd.concat([own, *(read_rows(start) for _, start in starts)])
    seen = seen.drop_duplicates().sort_values(["id", "role"], ignore_index=True)
    with plugin.write_atomically(folder / ROWS) as temporary:
        seen.to_parquet(temporary, index=False, compression="zstd")
    record: Lineage = {
        "id": run,
        "rows": len(seen),
        "sha256": _hash_of(seen),
        "classes": list(model.classes),
        "modalities": list(model.modalities),
        "features": features_of(model),
        "scalers": _scalers_of(model),
        "started_from": [_start(stage, start) for stage, start in starts],
    }
    with plugin.write_atomically(folder / RECORD) as temporary:
        temporary.write_text(json.dumps(record, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _start(stage: str, folder: Path) -> Start:
    record = read_lineage(folder)
    return {"stage": stage, "run": folder.name, "id": record["id"], "sha256": record["sha256"]}


def read_lineage(folder: Path) -> Lineage:
    """The lineage of a finished run.

    Raises:
        RunError: it has none.
    """
    try:
        return plugin.read_json(folder / RECORD, Lineage)
    except (OSError, ValueError) as error:
        raise RunError(
            f"{folder} does not say which rows its model was trained on ({RECORD}): name the folder of a "
            "finished run, or train it again with --fresh"
        ) from error


def read_rows(folder: Path) -> pd.DataFrame:
    """`id` and `role` of every row in a run's lineage.

    Raises:
        RunError: the list is missing, or is not the one that lineage.json names.
    """
    record = read_lineage(folder)
    try:
        rows: pd.DataFrame = plugin.read_table(folder / ROWS, ["id", "role"]).to_pandas()
    except (OSError, ValueError) as error:
        raise RunError(f"{folder / ROWS} is missing or damaged: train the run again with --fresh") from error
    if _hash_of(rows) != record["sha256"]:
        raise RunError(f"{folder / ROWS} was changed: train the run again with --fresh")
    return rows


def recorded_id(folder: Path) -> str | None:
    """The id of the finished run in a folder; None where there is none."""
    return read_lineage(folder)["id"] if (folder / RECORD).is_file() else None


def check_start(
    folder: Path, stage: str, classes: Sequence[str], features: Mapping[str, Any], test: Collection[str]
) -> None:
    """A stage may start from a run: same classes in the same order, same features, no test row seen.

    Args:
        folder: of the run to start from.
        stage: named in errors.
        classes: of the new run.
        features: of the new run, as `features_of` gives them.
        test: ids of its test rows.

    Raises:
        ProtocolError: the run does not qualify.
        RunError: its lineage is missing or damaged.
    """
    record = read_lineage(folder)
    if record["classes"] != list(classes):
        raise ProtocolError(
            f"stage {stage} cannot start from {folder}: its classes are {', '.join(record['classes'])}, not "
            f"{', '.join(classes)}; start from a run with the same labels in the same order"
        )
    differ = [name for name in features if record["features"].get(name) != features[name]]
    if differ:
        raise ProtocolError(
            f"stage {stage} cannot start from {folder}: it was trained on other features of "
            f"{' and '.join(differ)}; start from a run with the same features"
        )
    rows = read_rows(folder)
    seen = sorted(set(rows["id"]) & set(test))
    if seen:
        raise ProtocolError(
            f"stage {stage} cannot start from {folder}: {len(seen)} test rows of this run "
            f"({', '.join(seen[:SHOWN])}) were in its training or selection; start from a run of the same "
            "protocol and fold"
        )


def features_of(model: EmotionModel) -> dict[str, Any]:
    """What a model reads of each of its modalities, apart from how much of it."""
    features = model.features.model_dump(mode="json")
    return {name: comparable(features[name]) for name in model.modalities}


def comparable(features: dict[str, Any]) -> dict[str, Any]:
    """The features of a modality without the lengths that stages may differ in."""
    return {key: value for key, value in features.items() if key not in LENGTHS}


def _scalers_of(model: EmotionModel) -> str | None:
    """SHA-256 over the scalers' tensors, by name; None without scalers."""
    tensors = {name: value for name, value in model.state_dict().items() if SCALER in name}
    digest = hashlib.sha256()
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].cpu().numpy().tobytes())
    return digest.hexdigest() if tensors else None


def _hash_of(rows: pd.DataFrame) -> str:
    lines = "\n".join(f"{id} {role}" for id, role in zip(rows["id"], rows["role"], strict=True))
    return hashlib.sha256(lines.encode()).hexdigest()
