"""Evaluation: the only step that reads test rows. It scores the saved model and logs that it did."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from merdata import plugin
from merdata_train.data.source import Source, for_training
from merdata_train.errors import ProtocolError
from merdata_train.models.emotion import open_model
from merdata_train.models.inference import WORKERS
from merdata_train.runs.card import write_card
from merdata_train.runs.folder import DOMAINS, evaluation_sets, open_run, read_history, write_json
from merdata_train.runs.lineage import read_rows
from merdata_train.runs.looks import counted, log_look, looks_at
from merdata_train.runs.saved import SavedModel
from merdata_train.scoring.baselines import TextPrior, baselines
from merdata_train.scoring.calibration import calibration
from merdata_train.scoring.checks import best_epoch, check_unseen
from merdata_train.scoring.coverage import coverage
from merdata_train.scoring.groups import by_group
from merdata_train.scoring.results import Metrics, SetAccount, SplitRecord
from merdata_train.scoring.units import account_of
from merdata_train.training.devices import processes
from merdata_train.training.stages import trained_rows


def evaluate(folder: Path | str, *, jobs: int | None = None, workers: int = WORKERS) -> Metrics:
    """Score a run's saved model on the test rows of its protocol.

    Before that it checks the model on the validation rows: they must score what the history says of the
    chosen epoch. Writes validation.parquet,
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
    folder = Path(folder)
    recipe, trained_on = open_run(folder)
    source = Source(recipe)
    _check_unchanged(source, trained_on, folder)
    check_unseen(source.test_ids(), read_rows(folder)["id"], folder)
    model = open_model(folder / "model").to(processes().device)
    saved = SavedModel(folder, source, model, workers)
    held_out = for_training(source.examples("validation", jobs))
    validation = saved.selected(held_out)
    test = source.examples("test", jobs)
    check_unseen(test.rows["id"], validation["id"], folder)
    fold = source.protocol.fold_number(recipe.fold)
    log_look(folder, source.protocol.name, source.protocol.hash, fold, len(test))
    predictions = saved.predictions(test)
    _check_complete(predictions, source)
    prior = TextPrior(trained_rows(recipe.stages, source.rows("train")))
    texts = dict(zip(test.rows["id"], test.rows["text"], strict=True))
    scoring = Scoring(test.classes, prior, model.temperature, texts)
    sets = dict(evaluation_sets(predictions, source.corpora))
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
        "temperature": model.temperature,
        "majority_class": prior.majority,
        "looks": counted(looks_at(folder.absolute().parent, source.protocol.hash, fold)),
        "sets": {name: scoring.account(rows) for name, rows in sets.items()},
        "groups": {name: by_group(sets[name], test.classes) for name in DOMAINS},
    }
    if source.texts:
        metrics["texts"] = source.texts
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
        temperature: of the calibration.
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
            **account_of(rows, self.classes),
            "baselines": baselines(texts, self.prior, self.classes),
            "calibration": calibration(rows, self.classes, self.temperature),
            "coverage": coverage(rows, self.classes, self.temperature),
        }


def _check_unchanged(source: Source, trained_on: SplitRecord, folder: Path) -> None:
    if (source.protocol.hash, source.data_hash) != (trained_on["hash"], trained_on["data"]):
        raise ProtocolError(
            f"{source.recipe.store} or its protocol changed since {folder} was trained: run its recipe again"
        )


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
