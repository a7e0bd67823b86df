"""Evaluation: the one step that meets test rows. It scores what was saved, and writes down that it did."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from datetime import datetime, timezone
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from safetensors import SafetensorError

import merdata
from merdata_train.data import Examples, Source
from merdata_train.errors import ProtocolError, RunError
from merdata_train.fit import predict
from merdata_train.metrics import account, confusion, scores
from merdata_train.model_card import write_card
from merdata_train.models.emotion import EmotionModel
from merdata_train.run import open_run, write_json

# Evaluation sets by the domain of their corpora (source 0, section 1.5).
DOMAINS = {"TestA": "acted", "TestB": "conversational"}


def evaluate(folder: Path, *, jobs: int | None = None) -> dict[str, Any]:
    """Score a run's saved model on the test rows of its protocol.

    Writes predictions.parquet, metrics.json and the model card, and a line into test_log.jsonl.

    Returns:
        What metrics.json holds: protocol, split hash, seed, and an account of each evaluation set
        (`overall`, `TestA`, `TestB`, every corpus), None for a set that has no rows.

    Raises:
        ProtocolError: rows were lost on the way, or the split is not the one of the training.
        RunError: the folder is no finished run, or its model predicts NaN.
    """
    recipe, trained_on = open_run(folder)
    source = Source(recipe)
    if (source.protocol.hash, source.data_hash) != (trained_on["hash"], trained_on["data"]):
        raise ProtocolError(f"{recipe.store} or its protocol changed since {folder} was trained: train again")
    test = source.examples("test", jobs)
    model = open_model(folder / "model")
    if tuple(model.classes) != test.classes:
        raise ProtocolError(f"{folder}: the model's classes {model.classes} are not {list(test.classes)}")
    _log(folder, source, len(test))
    probabilities = predict(model, test).numpy()
    if not np.isfinite(probabilities).all():
        raise RunError(f"the model of {folder} predicts no numbers (NaN): its training diverged")
    predictions = _predictions(test, probabilities)
    _check_complete(predictions, source)
    _write_predictions(folder, predictions, source)
    majority = max(trained_on["train"], key=trained_on["train"].__getitem__)
    metrics = {
        "recipe": recipe.name,
        "protocol": recipe.protocol,
        "fold": recipe.fold,
        "split_hash": source.protocol.hash,
        "seed": recipe.seed,
        "selection": recipe.selection.metric,
        "majority_class": majority,
        "sets": dict(_sets(predictions, source, test.classes, majority)),
    }
    write_json(folder / "metrics.json", metrics)
    write_card(folder)
    return metrics


def open_model(folder: Path) -> EmotionModel:
    """A saved model, from its folder.

    Raises:
        RunError: there is none, or it is damaged.
    """
    try:
        with redirect_stdout(StringIO()):  # the Hub's client prints that it loads
            return EmotionModel.from_pretrained(folder)
    except (OSError, TypeError, ValueError, RuntimeError, SafetensorError) as error:
        raise RunError(f"cannot open the model in {folder}: train it again with --fresh") from error


def read_metrics(folder: Path) -> dict[str, Any] | None:
    """What an earlier evaluation of the run wrote, or None: reading it again is no new look at test rows."""
    try:
        metrics: dict[str, Any] = json.loads((folder / "metrics.json").read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return metrics


def _predictions(test: Examples, probabilities: npt.NDArray[np.float64]) -> pd.DataFrame:
    rows = test.rows[["id", "corpus", "speaker", "dialogue", "label"]].copy()
    rows["predicted"] = [test.classes[at] for at in probabilities.argmax(axis=1)]
    for at, name in enumerate(test.classes):
        rows[f"p_{name}"] = probabilities[:, at]
    return rows


def _check_complete(predictions: pd.DataFrame, source: Source) -> None:
    expected = source.test_ids()
    scored = predictions["id"].tolist()
    if sorted(scored) != sorted(expected):
        lost = sorted(set(expected) - set(scored))[:3]
        raise ProtocolError(f"{len(expected)} test rows were expected, {len(scored)} scored; lost: {lost}")


def _sets(
    predictions: pd.DataFrame, source: Source, classes: tuple[str, ...], majority: str
) -> Iterator[tuple[str, dict[str, Any] | None]]:
    facts = source.store.corpora
    domain = predictions["corpus"].map(lambda corpus: facts[corpus]["domain"])
    yield "overall", _account(predictions, facts, classes, majority)
    for name, wanted in DOMAINS.items():
        yield name, _account(predictions[domain == wanted], facts, classes, majority)
    for corpus in source.corpora:
        yield corpus, _account(predictions[predictions["corpus"] == corpus], facts, classes, majority)


def _account(
    rows: pd.DataFrame, facts: dict[str, dict[str, Any]], classes: tuple[str, ...], majority: str
) -> dict[str, Any] | None:
    if rows.empty:
        return None
    gold, clusters = rows["label"].tolist(), [_cluster(row, facts) for row in rows.itertuples()]
    found = account(gold, rows["predicted"].tolist(), clusters, classes)
    always = scores(confusion(gold, [majority] * len(gold), classes))
    return found | {"majority": {name: float(value) for name, value in always.items()}}


def _cluster(row: Any, facts: dict[str, dict[str, Any]]) -> str:
    """What is resampled: dialogues of conversations, speakers of acted corpora."""
    conversational = facts[row.corpus]["domain"] == "conversational"
    return f"{row.corpus}/{row.dialogue if conversational else row.speaker}"


def _write_predictions(folder: Path, predictions: pd.DataFrame, source: Source) -> None:
    facts = {"protocol": source.protocol.name, "split_hash": source.protocol.hash}
    table = pa.Table.from_pandas(predictions, preserve_index=False).replace_schema_metadata(facts)
    with merdata.write_atomically(folder / "predictions.parquet") as temporary:
        pq.write_table(table, temporary)


def _log(folder: Path, source: Source, rows: int) -> None:
    """Every look at test rows is written down before it is taken."""
    touch = {
        "time": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "protocol": source.protocol.name,
        "split_hash": source.protocol.hash,
        "n": rows,
    }
    with (folder / "test_log.jsonl").open("a", encoding="utf-8") as file:
        file.write(json.dumps(touch) + "\n")
