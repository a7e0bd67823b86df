"""The folder of a run: its recipe, history and predictions, checked before a number is made of them."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import yaml

from merdata import plugin
from merdata_train.errors import ProtocolError, RunError
from merdata_train.recipe.recipe import Recipe
from merdata_train.runs.lineage import read_rows
from merdata_train.scoring.checks import SAME, best_epoch, check_labels, check_selected, check_unseen
from merdata_train.scoring.metrics import confusion, named, scores
from merdata_train.scoring.results import Epoch, Metrics, Scores, SplitRecord

FILES = (
    "recipe.yaml",
    "split.json",
    "history.json",
    "environment.json",
    "lints.json",
    "lineage.json",
    "lineage.parquet",
    "metrics.json",
    "embeddings.safetensors",
    "attention.safetensors",
    "robustness",
    "robustness.json",
    "predictions.parquet",
    "validation.parquet",
    "test_log.jsonl",
    "checkpoint.safetensors",
    "model",
    ".model",
    ".lock",
)
# Evaluation set -> domain of its corpora: acted speech, and conversations.
DOMAINS = {"TestA": "acted", "TestB": "conversational"}


@dataclass(frozen=True)
class ScoredRun:
    """An evaluated run.

    Attributes:
        folder: of the run.
        metrics: what evaluation wrote; numbers of tables are computed again from the predictions.
        predictions: test rows: id, corpus, domain, cluster, speaker, dialogue, label, predicted, p_<class>.
        history: one entry per epoch.
        validation: validation rows, as `predictions`.
        classes: names, in the order of the columns p_<class>.
    """

    folder: Path
    metrics: Metrics
    predictions: pd.DataFrame
    history: list[Epoch]
    classes: tuple[str, ...]
    validation: pd.DataFrame

    @property
    def name(self) -> str:
        return self.folder.name

    def on(self, evaluation_set: str) -> pd.DataFrame:
        """The predictions of one evaluation set.

        Raises:
            RunError: the run has no rows of it.
        """
        sets = {name: rows for name, rows in evaluation_sets(self.predictions) if len(rows)}
        if evaluation_set not in sets:
            raise RunError(f"{self.folder} has no test rows of {evaluation_set}; it has {', '.join(sets)}")
        return sets[evaluation_set]


def evaluation_sets(
    predictions: pd.DataFrame, corpora: Iterable[str] = ()
) -> Iterator[tuple[str, pd.DataFrame]]:
    """The named parts of a run's test rows: all, by domain (TestA, TestB), by corpus."""
    yield "overall", predictions
    for name, domain in DOMAINS.items():
        yield name, predictions[predictions["domain"] == domain]
    for corpus in corpora or sorted(set(predictions["corpus"])):
        yield corpus, predictions[predictions["corpus"] == corpus]


def refuse_links(folder: Path, names: Collection[str] = FILES) -> None:
    """Fail if anything of a run that is read or written is not a regular file or a folder.

    Args:
        folder: of the run, or the one that a model's folder is in.
        names: what to look at there. The Hub's own cache, where models are links, is not looked at.

    Raises:
        RunError: there is a link, a pipe or a device.
    """
    if folder.name == "snapshots":
        return
    for entry in plugin.irregular(folder, names):
        raise RunError(
            f"{entry.path} is not a regular file, as those of a run are: put the file itself there"
        )


def damaged(folder: Path) -> RunError:
    """What to raise where a run's own file cannot be read."""
    return RunError(f"{folder} is damaged: train it again with --fresh")


def open_run(folder: Path) -> tuple[Recipe, SplitRecord]:
    """The recipe of a run, and the split that it was trained on (`split.json`).

    Raises:
        RunError: the folder is not a finished run, or its files are damaged.
    """
    refuse_links(folder)
    if not (folder / "recipe.yaml").is_file():
        raise RunError(f"{folder} is not a run: name a folder that `merdata_train run` made")
    if not (folder / "model").is_dir():
        raise RunError(f"{folder} is not finished: the same `merdata_train run` command continues it")
    try:
        recipe = Recipe.model_validate(plugin.read_yaml(folder / "recipe.yaml"))
        split = plugin.read_json(folder / "split.json", SplitRecord)
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise damaged(folder) from error
    return recipe, split


def read_history(folder: Path) -> list[Epoch]:
    """The epochs of a finished run.

    Raises:
        RunError: there are none.
    """
    try:
        history = plugin.read_json(folder / "history.json", list[Epoch], finite=False)
        history[-1]
    except (OSError, ValueError, IndexError) as error:
        raise damaged(folder) from error
    return history


def read_metrics(folder: Path) -> Metrics | None:
    """What an earlier evaluation of the run wrote, or None: reading it again is no new look at test rows."""
    try:
        return plugin.read_json(folder / "metrics.json", Metrics, finite=False)
    except (OSError, ValueError):
        return None


def load_scored(folder: Path) -> ScoredRun:
    """An evaluated run, once it has passed every check.

    Raises:
        RunError: it was not evaluated, or its files are damaged.
        ProtocolError: its weights are not those of its best epoch, test rows took part in training or
            selection, its labels were swapped, or its files belong to different splits.
    """
    refuse_links(folder)
    metrics = read_metrics(folder)
    if metrics is None:
        raise RunError(
            f"{folder} is not an evaluated run: `merdata_train evaluate {folder}` evaluates a trained one"
        )
    predictions, split_hash = _read_predictions(folder / "predictions.parquet")
    validation, validation_hash = _read_predictions(folder / "validation.parquet")
    history = read_history(folder)
    if not {split_hash, validation_hash} == {metrics.get("split_hash")}:
        raise ProtocolError(
            f"{folder}: its predictions are not of the split that metrics.json names: evaluate it again"
        )
    classes = tuple(name.removeprefix("p_") for name in predictions.columns if name.startswith("p_"))
    check_labels(predictions, classes, folder)
    check_labels(validation, classes, folder)
    check_unseen(predictions["id"], [*validation["id"], *read_rows(folder)["id"]], folder)
    _check_epoch(metrics, history, validation, classes, folder)
    _check_scores(metrics, predictions, classes, folder)
    return ScoredRun(folder, metrics, predictions, history, classes, validation)


def _read_predictions(path: Path) -> tuple[pd.DataFrame, str]:
    try:
        table = plugin.read_table(path)
        split_hash = table.schema.metadata[b"split_hash"].decode()
        rows = table.replace_schema_metadata(None).to_pandas()
        rows[["id", "corpus", "domain", "cluster", "label", "predicted"]]
        if not all(isinstance(name, str) for name in {*rows["label"], *rows["predicted"], *rows["id"]}):
            raise TypeError("labels and ids are texts")
    except (OSError, KeyError, TypeError, pa.ArrowInvalid) as error:
        raise RunError(
            f"{path} is missing or damaged: `merdata_train evaluate {path.parent}` writes it"
        ) from error
    return rows, split_hash


def _check_epoch(
    metrics: Metrics,
    history: list[Epoch],
    validation: pd.DataFrame,
    classes: tuple[str, ...],
    folder: Path,
) -> None:
    metric = metrics["selection"]
    best = best_epoch(history)["epoch"]
    if metrics["best_epoch"] != best:
        raise ProtocolError(
            f"{folder} was evaluated at epoch {metrics['best_epoch']}, but validation {metric} chose epoch "
            f"{best}: evaluate it again"
        )
    check_selected(history, metric, _scores(validation, classes), folder)


def _scores(predictions: pd.DataFrame, classes: tuple[str, ...]) -> Scores:
    counts = confusion(predictions["label"].tolist(), predictions["predicted"].tolist(), classes)
    return named(scores(counts))


def _check_scores(
    metrics: Metrics, predictions: pd.DataFrame, classes: tuple[str, ...], folder: Path
) -> None:
    computed, overall = _scores(predictions, classes), metrics["sets"]["overall"]
    written = overall["scores"] if overall else {}
    if not np.allclose([computed[name] for name in written], list(written.values()), atol=SAME):
        raise ProtocolError(
            f"{folder}: metrics.json does not follow from predictions.parquet: evaluate it again"
        )


def write_json(path: Path, value: Any) -> None:
    """Write JSON under a temporary name, then rename it."""
    with plugin.write_atomically(path) as temporary:
        temporary.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")
