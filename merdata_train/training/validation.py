"""What validation rows say of a model: its metrics, and the value that chooses the epoch."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from merdata_train.data.source import Examples
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import predict
from merdata_train.scoring.metrics import confusion, scores

LEAST = 1e-12  # probability of the right class: the loss stays finite


def with_predictions(model: EmotionModel, validation: Examples, workers: int = 0) -> pd.DataFrame:
    """The rows with columns `predicted`, the most probable class, and `surprise`, -log p of the right one."""
    probabilities = predict(model, validation, workers)
    best = probabilities.argmax(dim=-1).tolist()
    right = probabilities.gather(1, validation.labels[:, None]).squeeze(1)
    return validation.rows.assign(
        predicted=[validation.classes[number] for number in best],
        surprise=-right.clamp(min=LEAST).log().numpy(),
    )


def all_metrics(rows: pd.DataFrame, classes: tuple[str, ...]) -> dict[str, float]:
    """Every metric over rows with label and predicted."""
    counts = confusion(rows["label"].tolist(), rows["predicted"].tolist(), classes)
    return {name: float(value) for name, value in scores(counts).items()}


def selected(rows: pd.DataFrame, classes: tuple[str, ...], metric: str, over: str) -> float:
    """The value that chooses the epoch: the metric over each group of `over`, and their mean.

    Args:
        rows: validation rows of the stage, as `with_predictions` gives them; some of each group.
        classes: the labels.
        metric: as in `Selection`; of the loss it is the negative, so that higher is better.
        over: as in `Selection`.
    """
    return float(np.mean([_value(group, classes, metric) for group in _groups(rows, over)]))


def _value(rows: pd.DataFrame, classes: tuple[str, ...], metric: str) -> float:
    return -float(rows["surprise"].mean()) if metric == "loss" else all_metrics(rows, classes)[metric]


def _groups(rows: pd.DataFrame, over: str) -> Iterator[pd.DataFrame]:
    for name in over.split("+"):
        group = rows if name == "all" else rows[(rows["corpus"] == name) | (rows["domain"] == name)]
        yield group
