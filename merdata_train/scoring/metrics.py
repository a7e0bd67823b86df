"""Metrics from confusion counts, by class name, with cluster-bootstrap intervals.

Everything is computed on `[..., classes, classes]` (rows: gold, columns: predicted), so thousands of
resamples cost one call. Classes that the gold labels lack are left out of macro averages, and named.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

TITLES = {"accuracy": "accuracy", "uar": "UAR", "macro_f1": "macro-F1", "weighted_f1": "weighted-F1"}
METRICS = tuple(TITLES)
RESAMPLES = 5_000
FEWEST_CLUSTERS = 5  # below, an interval over clusters means nothing
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
    cluster_at = {name: at for at, name in enumerate(names)}
    class_at = {name: at for at, name in enumerate(classes)}
    counts = np.zeros((len(names), len(classes), len(classes)), np.int64)
    at = (
        np.array([cluster_at[name] for name in clusters], np.int64),
        np.array([class_at[name] for name in gold], np.int64),
        np.array([class_at[name] for name in predicted], np.int64),
    )
    np.add.at(counts, at, 1)
    return counts


def scores(counts: npt.NDArray[Any]) -> dict[str, Floats]:
    """The four metrics of confusion counts `[..., C, C]`, each `[...]`.

    accuracy (WAR, WA); uar (UA, balanced accuracy): mean recall; macro_f1: mean F1, both over the classes
    that the gold labels have; weighted_f1: mean F1 weighted by the rows of each class.
    """
    gold = counts.sum(axis=-1)
    present = gold > 0
    rows, classes = np.maximum(gold.sum(axis=-1), 1), np.maximum(present.sum(axis=-1), 1)
    part = per_class(counts)
    return {
        "accuracy": np.trace(counts, axis1=-2, axis2=-1) / rows,
        "uar": part["recall"].sum(axis=-1) / classes,
        "macro_f1": np.where(present, part["f1"], 0).sum(axis=-1) / classes,
        "weighted_f1": (part["f1"] * gold).sum(axis=-1) / rows,
    }


def per_class(counts: npt.NDArray[Any]) -> dict[str, Floats]:
    """Precision, recall, f1 and support of each class, each `[..., C]`; 0 where nothing is to be divided."""
    right = np.diagonal(counts, axis1=-2, axis2=-1).astype(np.float64)
    gold, said = counts.sum(axis=-1), counts.sum(axis=-2)
    return {
        "precision": right / np.maximum(said, 1),
        "recall": right / np.maximum(gold, 1),
        "f1": 2 * right / np.maximum(gold + said, 1),
        "support": gold.astype(np.float64),
    }


def resampled(*by_cluster: Ints, seed: int = 0, resamples: int = RESAMPLES) -> list[Floats]:
    """Confusion counts of resampled clusters: the bootstrap that every interval here rests on.

    Args:
        by_cluster: counts `[..., clusters, C, C]`, one array a system; all are drawn alike, so that systems
            which were scored on the same clusters stay paired.
        seed: of the resampling.
        resamples: how many.

    Returns:
        Counts `[..., resamples, C, C]` of each array.
    """
    clusters = by_cluster[0].shape[-3]
    random = np.random.default_rng(seed)
    flat = [one.reshape(*one.shape[:-2], -1).astype(np.float64) for one in by_cluster]
    parts: list[list[Floats]] = [[] for _ in by_cluster]
    for start in range(0, resamples, CHUNK):
        size = min(CHUNK, resamples - start)
        draws = random.multinomial(clusters, np.full(clusters, 1 / clusters), size).astype(np.float64)
        for part, one in zip(parts, flat, strict=True):
            part.append(draws @ one)
    return [
        np.concatenate(part, axis=-2).reshape(*one.shape[:-3], resamples, *one.shape[-2:])
        for part, one in zip(parts, by_cluster, strict=True)
    ]


def span(values: Floats) -> list[float]:
    """The central 95 % of resampled values: the percentile interval."""
    tail = 100 * (1 - CONFIDENCE) / 2
    found: list[float] = np.percentile(values, [tail, 100 - tail]).tolist()
    return found


def intervals(by_cluster: Ints, seed: int = 0, resamples: int = RESAMPLES) -> dict[str, list[float]] | None:
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


def resolvable(found: dict[str, list[float]] | None) -> dict[str, float] | None:
    """The smallest difference that a test set can resolve, by metric: half the width of the interval.

    (high - low) / 2 of the 95 % cluster-bootstrap interval (models.md 0.7 and 6). It is also the half-width
    for the difference of two systems whose scores over the resamples correlate by 1/2, for the variance of
    a difference is 2 s^2 (1 - r); `merdata_train compare` measures it for two given runs.
    """
    return None if found is None else {name: (high - low) / 2 for name, (low, high) in found.items()}


def account(
    gold: Sequence[str],
    predicted: Sequence[str],
    clusters: Sequence[object],
    classes: Sequence[str],
    seed: int = 0,
) -> dict[str, Any]:
    """Everything that is reported of one set of rows, by name and ready for JSON.

    Where the clusters are too few for an interval, each stands by itself in `by_cluster`.
    """
    by_cluster = confusions(gold, predicted, clusters, classes)
    counts = by_cluster.sum(axis=0)
    parts = per_class(counts)
    bounds = intervals(by_cluster, seed)
    found = {
        "n": len(gold),
        "clusters": len(by_cluster),
        "scores": named(scores(counts)),
        "intervals": bounds,
        "resolvable": resolvable(bounds),
        "absent": [name for at, name in enumerate(classes) if not parts["support"][at]],
        "per_class": {
            name: {kind: float(values[at]) for kind, values in parts.items()}
            for at, name in enumerate(classes)
        },
        "confusion": {"classes": list(classes), "gold_by_predicted": counts.tolist()},
    }
    if bounds is None:
        names = sorted(set(clusters), key=str)
        found["by_cluster"] = {
            str(name): {"n": int(one.sum()), **named(scores(one))}
            for name, one in zip(names, by_cluster, strict=True)
        }
    return found


def named(found: dict[str, Floats]) -> dict[str, float]:
    """Scores of one confusion matrix as plain numbers."""
    return {name: float(value) for name, value in found.items()}
