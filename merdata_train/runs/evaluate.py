"""Evaluation: the only step that reads test rows. It scores the saved model and logs that it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from merdata import plugin
from merdata_train.data.frozen import encoded
from merdata_train.data.source import Examples, Source, for_training
from merdata_train.errors import ProtocolError, RunError
from merdata_train.features.cache import cache_folder
from merdata_train.models.emotion import EmotionModel, open_model
from merdata_train.models.inference import WORKERS, predict
from merdata_train.runs.card import write_card
from merdata_train.runs.folder import evaluation_sets, open_run, read_history, write_json
from merdata_train.runs.lineage import read_rows
from merdata_train.runs.looks import counted, log_look, looks_at
from merdata_train.scoring.baselines import TextPrior, baselines
from merdata_train.scoring.calibration import as_arrays, calibration, fit_temperature
from merdata_train.scoring.checks import best_epoch, check_selected, check_unseen
from merdata_train.scoring.metrics import account, confusion, named, scores
from merdata_train.scoring.results import Metrics, SetAccount
from merdata_train.training.devices import processes
from merdata_train.training.stages import frozen_encoders, rows_of, trained_rows


def evaluate(folder: Path, *, jobs: int | None = None, workers: int = WORKERS) -> Metrics:
    """Score a run's saved model on the test rows of its protocol.

    Before that it checks the model on the validation rows: they must score what the history says of the
    chosen epoch. They also give the temperature of the calibration. Writes validation.parquet,
    predictions.parquet, metrics.json and the model card, and a line into test_log.jsonl.

    Args:
        folder: of the run.
        jobs: processes for the features.
        workers: processes that read recordings while an end-to-end model works.

    Returns:
        What metrics.json holds: protocol, split hash, seed, and an account of each evaluation set
        (`overall`, `TestA`, `TestB`, every corpus), None for a set that has no rows.

    Raises:
        ProtocolError: rows were lost, the split is not the one of the training, or the model is not the one
            that validation chose.
        RunError: the folder is not a finished run, or its model predicts NaN.
    """
    recipe, trained_on = open_run(folder)
    source = Source(recipe)
    if (source.protocol.hash, source.data_hash) != (trained_on["hash"], trained_on["data"]):
        raise ProtocolError(
            f"{recipe.store} or its protocol changed since {folder} was trained: run its recipe again"
        )
    check_unseen(source.test_ids(), read_rows(folder)["id"], folder)
    model = open_model(folder / "model").to(processes().device)
    saved = SavedModel(folder, source, model, workers)
    held_out = for_training(source.examples("validation", jobs))
    validation, chose = saved.selected(held_out), rows_of(recipe.stages[-1], held_out)
    test = source.examples("test", jobs)
    fold = source.protocol.fold_number(recipe.fold)
    log_look(folder, source.protocol.name, source.protocol.hash, fold, len(test))
    predictions = saved.predictions(test)
    _check_complete(predictions, source)
    prior = TextPrior(trained_rows(recipe.stages, source.rows("train")))
    temperature = fit_temperature(*as_arrays(validation[chose], test.classes))
    scoring = Scoring(
        test.classes, prior, temperature, dict(zip(test.rows["id"], test.rows["text"], strict=True))
    )
    metrics: Metrics = {
        "recipe": recipe.name,
        "protocol": recipe.protocol,
        "fold": fold,
        "fold_name": source.protocol.fold_names[fold],
        "split_hash": source.protocol.hash,
        "data_hash": source.data_hash,
        "seed": recipe.seed,
        "selection": recipe.selection_of(recipe.stages[-1]).metric,
        "best_epoch": best_epoch(read_history(folder))["epoch"],
        "temperature": temperature,
        "majority_class": prior.majority,
        "looks": counted(looks_at(folder.absolute().parent, source.protocol.hash, fold)),
        "sets": {name: scoring.account(rows) for name, rows in evaluation_sets(predictions, source.corpora)},
    }
    _write_predictions(folder / "validation.parquet", validation, source)
    _write_predictions(folder / "predictions.parquet", predictions, source)
    write_json(folder / "metrics.json", metrics)
    write_card(folder)
    return metrics


@dataclass(frozen=True)
class Scoring:
    """What an account of test rows needs besides their predictions.

    Attributes:
        classes: names, in the order of the model's head.
        prior: the baselines, fitted on train rows.
        temperature: fitted on validation rows.
        texts: id -> transcript of the test rows.
    """

    classes: tuple[str, ...]
    prior: TextPrior
    temperature: float
    texts: dict[str, str | None]

    def account(self, rows: pd.DataFrame) -> SetAccount | None:
        """Scores, intervals, baselines and calibration of some predictions, None if there are none."""
        if rows.empty:
            return None
        texts = rows.assign(text=rows["id"].map(self.texts))
        return {
            **account(
                rows["label"].tolist(), rows["predicted"].tolist(), rows["cluster"].tolist(), self.classes
            ),
            "baselines": baselines(texts, self.prior, self.classes),
            "calibration": calibration(rows, self.classes, self.temperature),
        }


@dataclass(frozen=True)
class SavedModel:
    """The saved model of a run, to be applied to rows of its store.

    Attributes:
        folder: of the run.
        source: of its rows.
        model: the saved one, on its device.
        workers: processes that read recordings.
    """

    folder: Path
    source: Source
    model: EmotionModel
    workers: int

    def selected(self, validation: Examples) -> pd.DataFrame:
        """Predictions on the validation rows, by the model that they chose."""
        classes = tuple(self.model.classes)
        if classes != validation.classes:
            raise ProtocolError(
                f"{self.folder}: the model's classes {list(classes)} are not {list(validation.classes)}"
            )
        predictions = self.predictions(validation)
        counts = confusion(predictions["label"].tolist(), predictions["predicted"].tolist(), classes)
        recipe = self.source.recipe
        metric = recipe.selection_of(recipe.stages[-1]).metric
        check_selected(read_history(self.folder), metric, named(scores(counts)), self.folder)
        return predictions

    def predictions(self, examples: Examples) -> pd.DataFrame:
        """Ids, labels, clusters and probabilities; outputs of encoders that stayed frozen are kept."""
        frozen = frozen_encoders(self.model, self.source.recipe.stages[-1])
        rows = examples.rows[["id", "corpus", "domain", "speaker", "dialogue", "label"]].copy()
        if frozen:
            examples = encoded(frozen, examples, cache_folder(self.source.store))
        probabilities = predict(self.model, examples, self.workers).numpy()
        if not np.isfinite(probabilities).all():
            raise RunError(
                f"the model of {self.folder} predicts NaN: its training diverged; "
                "train again with a lower stages.N.lr"
            )
        rows["cluster"] = _clusters(rows, self.source.store.corpora)
        rows["predicted"] = [examples.classes[number] for number in probabilities.argmax(axis=1)]
        for number, name in enumerate(examples.classes):
            rows[f"p_{name}"] = probabilities[:, number]
        return rows


def _clusters(rows: pd.DataFrame, corpora: Mapping[str, Mapping[str, Any]]) -> pd.Series[str]:
    """What is resampled: dialogues or speakers, as the corpus states; a row without dialogue by speaker."""
    by_dialogue = rows["corpus"].map(lambda name: corpora[name].get("cluster") == "dialogue")
    unit = rows["dialogue"].where(by_dialogue & rows["dialogue"].notna(), rows["speaker"])
    clusters: pd.Series[str] = rows["corpus"] + "/" + unit.astype(str)
    return clusters


def _check_complete(predictions: pd.DataFrame, source: Source) -> None:
    expected = source.test_ids()
    scored = predictions["id"].tolist()
    if sorted(scored) != sorted(expected):
        lost = sorted(set(expected) - set(scored))[:3]
        raise ProtocolError(
            f"{len(expected)} test rows were expected, {len(scored)} scored; missing: {', '.join(lost)}"
        )


def _write_predictions(path: Path, predictions: pd.DataFrame, source: Source) -> None:
    facts = {"protocol": source.protocol.name, "split_hash": source.protocol.hash}
    table = pa.Table.from_pandas(predictions, preserve_index=False).replace_schema_metadata(facts)
    with plugin.write_atomically(path) as temporary:
        pq.write_table(table, temporary)
