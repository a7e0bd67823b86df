"""Calibration: known values, scikit-learn's, and a temperature that mends what a temperature broke."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, log_loss

from merdata_train.scoring.calibration import as_arrays, brier, calibration, ece, fit_temperature, nll, warmed

CLASSES = ("anger", "joy", "neutral")


def honest(rows: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities, and gold labels drawn from them: perfectly calibrated."""
    random = np.random.default_rng(seed)
    probabilities = random.dirichlet((1, 1, 1), rows)
    gold = (random.random((rows, 1)) > probabilities.cumsum(axis=1)).sum(axis=1)
    return probabilities, gold


def test_ece_of_a_worked_example() -> None:
    probabilities = np.array([[0.95, 0.05], [0.95, 0.05], [0.6, 0.4], [0.4, 0.6]])
    gold = np.array([0, 1, 0, 1])  # bins of width 0.1: (0.9, 1] is half right, (0.5, 0.6] all right
    assert ece(probabilities, gold, bins=10) == pytest.approx(0.5 * 0.45 + 0.5 * 0.4)


def test_ece_of_honest_probabilities_is_small_and_of_a_boast_large() -> None:
    probabilities, gold = honest(20_000)
    assert ece(probabilities, gold) < 0.02
    assert ece(warmed(probabilities, 0.2), gold) > 0.15


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 1_000), st.integers(5, 80))
def test_brier_and_nll_equal_scikit_learn(seed: int, rows: int) -> None:
    probabilities, gold = honest(rows, seed)
    assert nll(probabilities, gold) == pytest.approx(log_loss(gold, probabilities, labels=[0, 1, 2]))
    theirs = brier_score_loss(gold, probabilities, labels=[0, 1, 2], scale_by_half=False)
    assert brier(probabilities, gold) == pytest.approx(theirs)


@pytest.mark.parametrize("broken", [0.3, 1.0, 2.5])
def test_the_temperature_undoes_what_a_temperature_broke(broken: float) -> None:
    probabilities, gold = honest(20_000)
    found = fit_temperature(warmed(probabilities, 1 / broken), gold)
    assert found == pytest.approx(broken, rel=0.05)


def test_a_model_that_is_never_wrong_gets_a_finite_temperature() -> None:
    found = fit_temperature(np.eye(3), np.arange(3))
    assert 0 < found < 100
    assert np.isfinite(nll(warmed(np.eye(3), found), np.arange(3)))


@settings(max_examples=25, deadline=None)
@given(st.permutations(CLASSES))
def test_the_order_of_the_classes_changes_nothing(order: list[str]) -> None:
    probabilities, gold = honest(60)
    table = pd.DataFrame(probabilities, columns=[f"p_{name}" for name in CLASSES])
    table["label"] = [CLASSES[at] for at in gold]
    assert fit_temperature(*as_arrays(table, order)) == pytest.approx(
        fit_temperature(*as_arrays(table, CLASSES))
    )
    mine, other = calibration(table, CLASSES, 1.7), calibration(table, order, 1.7)
    assert mine["before"] == pytest.approx(other["before"])
    assert mine["after"] == pytest.approx(other["after"])
