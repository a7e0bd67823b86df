"""Statistics over runs: spread over seeds and folds, paired differences, Holm's correction.

Two kinds of interval answer two questions: `over_runs` says how much the seed matters (t, with n - 1 degrees
of freedom), the cluster bootstrap how much the choice of test speakers or dialogues matters.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import stats

from merdata_train.scoring.metrics import (
    CONFIDENCE,
    FEWEST_CLUSTERS,
    METRICS,
    RESAMPLES,
    resampled,
    scores,
    span,
)
from merdata_train.scoring.results import Difference, Differences, Effect, Intervals, Spread

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
ALPHA = 1 - CONFIDENCE


def over_runs(values: Sequence[float]) -> Spread:
    """Mean and spread over seeds or folds."""
    n, mean = len(values), float(np.mean(values))
    if n < 2:
        return {"n": n, "mean": mean, "std": None, "interval": None}
    std = float(np.std(values, ddof=1))
    half = float(stats.t.ppf(1 - ALPHA / 2, n - 1)) * std / n**0.5
    return {"n": n, "mean": mean, "std": std, "interval": [mean - half, mean + half]}


def mean_scores(counts: npt.NDArray[Any]) -> dict[str, Floats]:
    """The four metrics of `[runs, ..., C, C]`, averaged over the runs: `[...]`."""
    return {name: values.mean(axis=0) for name, values in scores(counts).items()}


def mean_intervals(by_cluster: Ints, seed: int = 0) -> Intervals | None:
    """95 % cluster-bootstrap intervals of the mean over runs on the same rows.

    Args:
        by_cluster: confusion counts `[runs, clusters, C, C]`.
        seed: of the resampling.

    Returns:
        metric -> [low, high], or None with fewer than FEWEST_CLUSTERS clusters.
    """
    if by_cluster.shape[1] < FEWEST_CLUSTERS:
        return None
    (counts,) = resampled(by_cluster, seed=seed)
    return {name: span(values) for name, values in mean_scores(counts).items()}


def paired(first: Ints, second: Ints, seed: int = 0, resamples: int = RESAMPLES) -> Differences:
    """The difference `second - first` of two systems on the same rows, by paired cluster bootstrap.

    Each system is one run or several (seeds), whose metrics are averaged.

    Args:
        first: confusion counts `[runs, clusters, C, C]`.
        second: the same of the other system, over the same clusters in the same order.
        seed: of the resampling.
        resamples: how many.

    Returns:
        metric -> `difference`; its 95 % `interval`, half its width (`resolvable`) and the two-sided bootstrap
        `p` of no difference, None with fewer than FEWEST_CLUSTERS clusters.
    """
    totals = [mean_scores(counts.sum(axis=-3)) for counts in (first, second)]
    differences = {name: float(totals[1][name] - totals[0][name]) for name in METRICS}
    if first.shape[1] < FEWEST_CLUSTERS:
        return {
            name: {"difference": value, "interval": None, "resolvable": None, "p": None}
            for name, value in differences.items()
        }
    drawn = [mean_scores(counts) for counts in resampled(first, second, seed=seed, resamples=resamples)]
    return {name: _tested(differences[name], drawn[1][name] - drawn[0][name]) for name in METRICS}


def _tested(difference: float, drawn: Floats) -> Difference:
    low, high = span(drawn)
    return {
        "difference": difference,
        "interval": [low, high],
        "resolvable": (high - low) / 2,
        "p": two_sided(drawn),
    }


def two_sided(drawn: Floats) -> float:
    """Twice the share of resampled differences on the far side of 0, never 0: (k + 1) / (resamples + 1).

    Davison and Hinkley 1997, Bootstrap Methods and their Application, 4.2.
    """
    far = min(int((drawn <= 0).sum()), int((drawn >= 0).sum()))
    return min(1.0, 2 * (far + 1) / (len(drawn) + 1))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment of p-values, in their order: below alpha means significant.

    Holm 1979, A Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal of Statistics 6.
    """
    order = np.argsort(p, kind="stable")
    factors = np.arange(len(p), 0, -1)
    stepped = np.maximum.accumulate(np.asarray(p, np.float64)[order] * factors)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(stepped, 1)
    values: list[float] = adjusted.tolist()
    return values


def cohens_g(discordance: Ints, seed: int = 0) -> Effect:
    """Effect size of two systems on the same rows: the second's share of the rows that one wins, minus 1/2.

    0 is no effect, 0.5 the largest; 0.05, 0.15 and 0.25 are called small, medium and large (Cohen 1988,
    Statistical Power Analysis for the Behavioral Sciences, ch. 5).

    Args:
        discordance: counts of rows `[clusters, 2, 2]`: first right, wrong; by second right, wrong.
        seed: of the resampling.

    Returns:
        `value` and its 95 % cluster-bootstrap `interval`, None with too few clusters.
    """
    value = float(_g(discordance.sum(axis=0)))
    if len(discordance) < FEWEST_CLUSTERS:
        return {"value": value, "interval": None}
    (counts,) = resampled(discordance, seed=seed)
    return {"value": value, "interval": span(_g(counts))}


def _g(counts: npt.NDArray[Any]) -> Floats:
    lost, won = counts[..., 0, 1].astype(np.float64), counts[..., 1, 0].astype(np.float64)
    share: Floats = np.where(lost + won > 0, won / np.maximum(lost + won, 1), 0.5) - 0.5
    return share
