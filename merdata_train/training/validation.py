"""What validation rows say of a model: its metrics, and the value that chooses the epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from merdata_train.data.source import Examples
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import predict
from merdata_train.recipe.stage import Selection
from merdata_train.scoring.metrics import confusion, scores


def validate(model: EmotionModel, validation: Examples) -> dict[str, float]:
    """The four metrics on validation rows."""
    return all_metrics(with_predictions(model, validation), validation.classes)


def with_predictions(model: EmotionModel, validation: Examples, workers: int = 0) -> pd.DataFrame:
    """The rows with a column `predicted`: the most probable class."""
    best = predict(model, validation, workers).argmax(dim=-1).tolist()
    return validation.rows.assign(predicted=[validation.classes[number] for number in best])


def all_metrics(rows: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, float]:
    """Every metric over rows with label and predicted."""
    counts = confusion(rows["label"].tolist(), rows["predicted"].tolist(), classes)
    return {name: float(value) for name, value in scores(counts).items()}


def selected(rows: pd.DataFrame, classes: tuple[str, ...], by: Selection) -> float:
    """The value that chooses the epoch: the metric over each group of `by.over`, and their mean.

    Args:
        rows: validation rows of the stage: corpus, domain, label, predicted; some of each group.
        classes: the labels.
        by: which metric, over which rows.
    """
    values = [all_metrics(group, classes)[by.metric] for group in _groups(rows, by.over)]
    return float(np.mean(values))


def _groups(rows: pd.DataFrame, over: str) -> Iterator[pd.DataFrame]:
    for name in over.split("+"):
        group = rows if name == "all" else rows[(rows["corpus"] == name) | (rows["domain"] == name)]
        yield group
