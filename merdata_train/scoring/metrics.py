"""Metrics from confusion counts, by class name, with cluster-bootstrap intervals.

Everything is computed on `[..., classes, classes]` (rows: gold, columns: predicted), so thousands of
resamples cost one call. Classes without gold rows are left out of macro averages, and named.

The intervals are percentile intervals (Efron and Tibshirani 1993, An Introduction to the Bootstrap, ch. 13)
over whole clusters (Davison and Hinkley 1997, Bootstrap Methods and their Application, 3.8).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from merdata_train.scoring.results import Account, ClassScores, Intervals, Scores

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TITLES = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro-F1", "weighted_f1": "weighted-F1"}
METRICS = tuple(TITLES)
RESAMPLES = 5_000
FEWEST_CLUSTERS = 5  # with fewer, an interval over clusters means nothing
CONFIDENCE = 0.95
CHUNK = 500  # resamples drawn at a time: many clusters need much memory


def confusion(gold: Sequence[str], predicted: Sequence[str], classes: Sequence[str]) -> Ints:
    """Counts `[classes, classes]` of label names."""
    counts: Ints = confusions(gold, predicted, [0] * len(gold), classes).sum(axis=0)
    return counts


def confusions(
    gold: Sequence[str], predicted: Sequence[str], clusters: Sequence[object], classes: Sequence[str]
) -> Ints:
    """Counts of each cluster, `[clusters, classes, classes]`, clusters in sorted order."""
    names = sorted(set(clusters), key=str)
    cluster_number = {name: number for number, name in enumerate(names)}
    class_number = {name: number for number, name in enumerate(classes)}
    counts = np.zeros((len(names), len(classes), len(classes)), np.int64)
    cells = (
        np.array([cluster_number[name] for name in clusters], np.int64),
        np.array([class_number[name] for name in gold], np.int64),
        np.array([class_number[name] for name in predicted], np.int64),
    )
    np.add.at(counts, cells, 1)
    return counts


def scores(counts: npt.NDArray[Any]) -> dict[str, Floats]:
    """The four metrics of confusion counts `[..., C, C]`, each `[...]`.

    accuracy (WAR, WA); uar (UA, balanced accuracy): mean recall; macro_f1: mean F1, both over the classes
    that have gold rows; weighted_f1: mean F1 weighted by the rows of each class.
    """
    gold = counts.sum(axis=-1)
    present = gold > 0
    rows, classes = np.maximum(gold.sum(axis=-1), 1), np.maximum(present.sum(axis=-1), 1)
    by_class = per_class(counts)
    return {
        "accuracy": np.trace(counts, axis1=-2, axis2=-1) / rows,
        "uar": by_class["recall"].sum(axis=-1) / classes,
        "macro_f1": np.where(present, by_class["f1"], 0).sum(axis=-1) / classes,
        "weighted_f1": (by_class["f1"] * gold).sum(axis=-1) / rows,
    }


def per_class(counts: npt.NDArray[Any]) -> dict[str, Floats]:
    """Precision, recall, f1 and support of each class, each `[..., C]`; 0 in place of 0/0."""
    right = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    gold, predicted = counts.sum(axis=-1), counts.sum(axis=-2)
    return {
        "precision": right / np.maximum(predicted, 1),
        "recall": right / np.maximum(gold, 1),
        "f1": 2 * right / np.maximum(gold + predicted, 1),
        "support": gold.astype(np.float64),
    }


def resampled(*by_cluster: Ints, seed: int = 0, resamples: int = RESAMPLES) -> list[Floats]:
    """Confusion counts of resampled clusters: the bootstrap behind every interval here.

    Args:
        by_cluster: counts `[..., clusters, C, C]`, one array per system; all get the same draws, so that
            systems scored on the same clusters stay paired.
        seed: of the resampling.
        resamples: how many.

    Returns:
        Counts `[..., resamples, C, C]` of each array.
    """
    clusters = by_cluster[0].shape[-3]
    random = np.random.default_rng(seed)
    flat = [counts.reshape(*counts.shape[:-2], -1).astype(np.float64) for counts in by_cluster]
    parts: list[list[Floats]] = [[] for _ in by_cluster]
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        draws = random.multinomial(clusters, np.full(clusters, 1 / clusters), size).astype(np.float64)
        for part, counts in zip(parts, flat, strict=True):
            part.append(draws @ counts)
    return [
        np.concatenate(part, axis=-2).reshape(*counts.shape[:-3], resamples, *counts.shape[-2:])
        for part, counts in zip(parts, by_cluster, strict=True)
    ]


def span(values: Floats) -> list[float]:
    """The central 95 % of resampled values: the percentile interval."""
    tail = 100 * (1 - CONFIDENCE) / 2
    bounds: list[float] = np.percentile(values, [tail, 100 - tail]).tolist()
    return bounds


def intervals(by_cluster: Ints, seed: int = 0, resamples: int = RESAMPLES) -> Intervals | None:
    """95 % percentile intervals of the four metrics, resampling clusters: their rows are not independent.

    Args:
        by_cluster: confusion counts `[clusters, C, C]`.
        seed: of the resampling.
        resamples: how many.

    Returns:
        metric -> [low, high], or None with fewer than FEWEST_CLUSTERS clusters.
    """
    if len(by_cluster) < FEWEST_CLUSTERS:
        return None
    (counts,) = resampled(by_cluster, seed=seed, resamples=resamples)
    return {name: span(values) for name, values in scores(counts).items()}


def resolvable(bounds: Intervals | None) -> Scores | None:
    """The smallest difference that a test set can resolve, by metric: half the width of the interval.

    It is also the half-width for the difference of two systems whose scores over the resamples correlate by
    1/2, because the variance of a difference is 2 s^2 (1 - r); `merdata_train compare` measures it for two
    given runs.
    """
    return None if bounds is None else {name: (high - low) / 2 for name, (low, high) in bounds.items()}


def account(
    gold: Sequence[str],
    predicted: Sequence[str],
    clusters: Sequence[object],
    classes: Sequence[str],
    seed: int = 0,
) -> Account:
    """Everything that is reported of one set of rows, by name and ready for JSON.

    Where there are too few clusters for an interval, `by_cluster` has the scores of each.
    """
    by_cluster = confusions(gold, predicted, clusters, classes)
    counts = by_cluster.sum(axis=0)
    by_class = named_classes(counts, classes)
    bounds = intervals(by_cluster, seed)
    whole: Account = {
        "n": len(gold),
        "clusters": len(by_cluster),
        "scores": named(scores(counts)),
        "intervals": bounds,
        "resolvable": resolvable(bounds),
        "absent": [name for name, part in by_class.items() if not part["support"]],
        "per_class": by_class,
        "confusion": {"classes": list(classes), "gold_by_predicted": counts.tolist()},
    }
    if bounds is None:
        names = sorted(set(clusters), key=str)
        whole["by_cluster"] = {
            str(name): {"n": int(part.sum()), **named(scores(part))}
            for name, part in zip(names, by_cluster, strict=True)
        }
    return whole


def named_classes(counts: Ints, classes: Sequence[str]) -> dict[str, ClassScores]:
    """`per_class` of one confusion matrix, by class name, as plain numbers."""
    values = {kind: column.tolist() for kind, column in per_class(counts).items()}
    return {
        name: ClassScores(
            precision=values["precision"][number],
            recall=values["recall"][number],
            f1=values["f1"][number],
            support=values["support"][number],
        )
        for number, name in enumerate(classes)
    }


def named(values: dict[str, Floats]) -> Scores:
    """Scores of one confusion matrix as plain numbers."""
    return {name: float(value) for name, value in values.items()}


def brackets(bounds: Sequence[float] | None, form: str = ".3f") -> str:
    """An interval as it stands behind a number; "" where there is none."""
    return f" [{bounds[0]:{form}}, {bounds[1]:{form}}]" if bounds else ""
