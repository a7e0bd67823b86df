"""Coverage against risk: how accurate a model is on the share of rows that it is surest of.

Rows are taken from the surest on, by the calibrated probability of the predicted class; those of the same
probability together (El-Yaniv and Wiener 2010, On the Foundations of Noise-free Selective Classification;
Geifman and El-Yaniv 2017, Selective Classification for Deep Neural Networks). The area under the curve of
risk, the mean over k of the error rate of the k surest rows, is AURC (Geifman, Uziel and El-Yaniv 2019,
Bias-Reduced Uncertainty Estimation for Deep Neural Classifiers).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from merdata_train.scoring.calibration import as_arrays, warmed
from merdata_train.scoring.metrics import FEWEST_CLUSTERS, span
from merdata_train.scoring.results import Coverage, CoveragePoint
from merdata_train.scoring.units import units_of

SHARES = tuple(share / 10 for share in range(1, 11))
RESAMPLES = 1_000
ROUNDING = 1e-9  # 0.3 * 10 is more than 3
CHUNK = 100  # resamples at a time: each needs a number for each row and class
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


def coverage(
    predictions: pd.DataFrame, classes: Sequence[str], temperature: float, seed: int = 0
) -> Coverage:
    """Accuracy and UAR of the surest 10, 20, ... 100 % of some predictions, and AURC, with 95 % intervals.

    Args:
        predictions: `label`, `p_<class>` and what `units_of` needs.
        classes: names, in the order of the model's head.
        temperature: of the calibration.
        seed: of the resampling.
    """
    probabilities, gold = as_arrays(predictions, classes)
    calibrated = warmed(probabilities, temperature)
    sure, guessed = calibrated.max(axis=1), calibrated.argmax(axis=1)
    order = np.argsort(-sure, kind="stable")
    sure, gold, right = sure[order], gold[order], (guessed == gold)[order]
    clusters = pd.factorize(units_of(predictions), sort=True)[0][order]
    accuracy, uar, area = (values[0] for values in curves(sure, gold, right, np.ones((1, len(gold)))))
    bounds = _intervals(sure, gold, right, clusters, seed)
    places = np.ceil(np.array(SHARES) * len(sure) - ROUNDING).astype(int) - 1
    points: list[CoveragePoint] = [
        {
            "coverage": share,
            "n": int((sure >= sure[place]).sum()),
            "least": float(sure[place]),
            "accuracy": float(accuracy[number]),
            "uar": float(uar[number]),
            "intervals": {name: bounds[name][number] for name in ("accuracy", "uar")} if bounds else None,
        }
        for number, (share, place) in enumerate(zip(SHARES, places, strict=True))
    ]
    return {
        "points": points,
        "aurc": float(area),
        "aurc_interval": bounds["aurc"][0] if bounds else None,
        "aurc_best": best_aurc(float(right.mean()), len(right)),
    }


def curves(
    sure: Floats, gold: Ints, right: npt.NDArray[np.bool_], weights: Floats
) -> tuple[Floats, Floats, Floats]:
    """The curves of weighted rows.

    Args:
        sure: confidence `[n]`, highest first.
        gold: positions of the right classes `[n]`.
        right: whether each prediction is right `[n]`.
        weights: how often each row counts `[resamples, n]`.

    Returns:
        Accuracy and UAR at each of SHARES, `[resamples, shares]`, UAR over the classes that have rows there;
        AURC `[resamples]`.
    """
    last = np.searchsorted(-sure, -sure, side="right") - 1  # rows of one confidence enter together
    counted = weights.cumsum(axis=1)[:, last]
    correct = (weights * right).cumsum(axis=1)[:, last]
    total = weights.sum(axis=1)
    risk = 1 - correct / np.maximum(counted, 1)
    area = (weights * risk).sum(axis=1) / total
    places = _places(counted, total)
    recalls = np.full((gold.max() + 1, *places.shape), np.nan)
    for number in np.unique(gold):
        own = gold == number
        rows, found = (_at(weights, chosen, last, places) for chosen in (own, own & right))
        recalls[number] = np.where(rows > 0, found / np.maximum(rows, 1), np.nan)
    accuracy = 1 - np.take_along_axis(risk, places, axis=1)
    return accuracy, np.nanmean(recalls, axis=0), area


def _at(weights: Floats, chosen: npt.NDArray[np.bool_], last: Ints, places: Ints) -> Floats:
    """How often the chosen ones of the rows up to each place count, `[resamples, shares]`."""
    sums = np.zeros((len(weights), int(chosen.sum()) + 1))
    weights[:, chosen].cumsum(axis=1, out=sums[:, 1:])
    return np.take_along_axis(sums, chosen.cumsum()[last][places], axis=1)


def _places(counted: Floats, total: Floats) -> Ints:
    """The first row with which each share of all rows is reached, `[resamples, shares]`."""
    wanted = np.ceil(np.array(SHARES) * total[:, None] - ROUNDING)
    places = [np.searchsorted(row, shares) for row, shares in zip(counted, wanted, strict=True)]
    first: Ints = np.minimum(np.array(places), counted.shape[1] - 1)
    return first


def on_half(found: Coverage) -> CoveragePoint:
    """The point of the half of the rows that the model is surest of."""
    return found["points"][SHARES.index(0.5)]


def best_aurc(accuracy: float, n: int) -> float:
    """AURC of `n` predictions of which all right ones come before all wrong ones: the least that there is."""
    wrong = round((1 - accuracy) * n)
    return float(sum((place + 1) / (n - wrong + place + 1) for place in range(wrong)) / n)


def _intervals(
    sure: Floats, gold: Ints, right: npt.NDArray[np.bool_], clusters: Ints, seed: int
) -> dict[str, list[list[float]]] | None:
    """95 % intervals over resampled clusters, of each point and of AURC; None with too few clusters."""
    number = int(clusters.max()) + 1
    if number < FEWEST_CLUSTERS:
        return None
    random = np.random.default_rng(seed)
    drawn: list[tuple[Floats, Floats, Floats]] = []
    for _ in range(RESAMPLES // CHUNK):
        draws = random.multinomial(number, np.full(number, 1 / number), CHUNK).astype(np.float64)
        drawn.append(curves(sure, gold, right, draws[:, clusters]))
    accuracy, uar, area = (np.concatenate(values) for values in zip(*drawn, strict=True))
    points = {"accuracy": accuracy.T, "uar": uar.T, "aurc": area[None]}
    return {name: [span(values) for values in columns] for name, columns in points.items()}
