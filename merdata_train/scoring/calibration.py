"""Calibration: how far the probabilities of a model can be trusted, before and after temperature scaling.

Probabilities are `[n, classes]`, gold labels are positions in the same order of classes. The temperature is
fitted on validation rows alone (Guo et al. 2017, On Calibration of Modern Neural Networks, section 4.2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize_scalar

from merdata_train.scoring.results import Calibration, CalibrationScores

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

BINS = 15
HOTTEST = 100.0  # the search runs from 1/HOTTEST to HOTTEST
TINY = 1e-12  # a probability of 0 has no logarithm


def ece(probabilities: Floats, gold: Ints, bins: int = BINS) -> float:
    """Expected calibration error: mean |accuracy - confidence| over bins of equal width, weighted by rows.

    Guo et al. 2017, equation 3.
    """
    confidence = probabilities.max(axis=1)
    right = probabilities.argmax(axis=1) == gold
    bin_numbers = np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)
    gaps = np.bincount(bin_numbers, right - confidence, minlength=bins)
    return float(np.abs(gaps).sum() / len(gold))


def brier(probabilities: Floats, gold: Ints) -> float:
    """Mean squared distance to the one-hot gold label, summed over classes: 0 to 2 (Brier 1950)."""
    return float(np.square(probabilities - np.eye(probabilities.shape[1])[gold]).sum(axis=1).mean())


def nll(probabilities: Floats, gold: Ints) -> float:
    """Mean negative log-likelihood of the gold label, in nats."""
    return float(-np.log(np.maximum(probabilities[np.arange(len(gold)), gold], TINY)).mean())


def warmed(probabilities: Floats, temperature: float) -> Floats:
    """The probabilities at a temperature: softmax(log p / T), which is softmax(logits / T)."""
    logits = np.log(np.maximum(probabilities, TINY)) / temperature
    weights = np.exp(logits - logits.max(axis=1, keepdims=True))
    scaled: Floats = weights / weights.sum(axis=1, keepdims=True)
    return scaled


def fit_temperature(probabilities: Floats, gold: Ints) -> float:
    """The temperature with the lowest NLL on these rows, which must be validation rows."""
    edge = np.log(HOTTEST)
    result = minimize_scalar(
        lambda log: nll(warmed(probabilities, float(np.exp(log))), gold),
        bounds=(-edge, edge),
        method="bounded",
    )
    return float(np.exp(result.x))


def as_arrays(predictions: pd.DataFrame, classes: Sequence[str]) -> tuple[Floats, Ints]:
    """Probabilities `[n, classes]` and gold positions of a table of predictions (`label`, `p_<class>`)."""
    number = {name: position for position, name in enumerate(classes)}
    probabilities: Floats = predictions[[f"p_{name}" for name in classes]].to_numpy(np.float64)
    return probabilities, np.array([number[name] for name in predictions["label"]], np.int64)


def calibration(predictions: pd.DataFrame, classes: Sequence[str], temperature: float) -> Calibration:
    """ECE, Brier score and NLL of the model's own probabilities, and after scaling by the temperature."""
    probabilities, gold = as_arrays(predictions, classes)
    return {
        "temperature": temperature,
        "before": _scores(probabilities, gold),
        "after": _scores(warmed(probabilities, temperature), gold),
    }


def _scores(probabilities: Floats, gold: Ints) -> CalibrationScores:
    return {
        "ece": ece(probabilities, gold),
        "brier": brier(probabilities, gold),
        "nll": nll(probabilities, gold),
    }
