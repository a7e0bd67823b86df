"""Coverage against risk: values that were computed by hand, and from the definition row by row."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from merdata_train.scoring.coverage import best_aurc, coverage

CLASSES = ("anger", "joy")


def table(sure: list[float], right: list[bool], gold: list[str] | None = None) -> pd.DataFrame:
    """Predictions with some confidence, of which some are right; each row is a speaker."""
    gold = gold or ["anger"] * len(sure)
    rows = pd.DataFrame({"label": gold, "corpus": "c", "cluster": [f"c/{row}" for row in range(len(sure))]})
    said = [label if hit else CLASSES[label == "anger"] for label, hit in zip(gold, right, strict=True)]
    for name in CLASSES:
        own = zip(said, sure, strict=True)
        rows[f"p_{name}"] = [p if label == name else 1 - p for label, p in own]
    return rows


def test_a_small_example_by_hand() -> None:
    """Risks of the 1, 2, ... 5 surest: 0, 1/2, 1/3, 1/4, 2/5; best possible: 0, 0, 0, 1/4, 2/5."""
    shuffled = table([0.6, 0.9, 0.55, 0.8, 0.7], [True, True, False, False, True])
    found = coverage(shuffled, CLASSES, 1.0)
    assert found["aurc"] == pytest.approx((0 + 1 / 2 + 1 / 3 + 1 / 4 + 2 / 5) / 5)
    assert found["aurc_best"] == pytest.approx((1 / 4 + 2 / 5) / 5)
    assert [point["n"] for point in found["points"]] == [1, 1, 2, 2, 3, 3, 4, 4, 5, 5]
    accuracies = [1, 1, 1 / 2, 1 / 2, 2 / 3, 2 / 3, 3 / 4, 3 / 4, 3 / 5, 3 / 5]
    assert [point["accuracy"] for point in found["points"]] == pytest.approx(accuracies)
    assert found["points"][2]["least"] == pytest.approx(0.8)


def test_rows_of_one_confidence_enter_together_and_uar_is_of_the_classes_that_are_there() -> None:
    """0.9: right, wrong of anger, together; then joy, right; then joy, wrong."""
    rows = table([0.9, 0.9, 0.8, 0.7], [True, False, True, False], ["anger", "anger", "joy", "joy"])
    found = coverage(rows, CLASSES, 1.0)
    assert found["aurc"] == pytest.approx((1 / 2 + 1 / 2 + 1 / 3 + 1 / 2) / 4)
    assert [found["points"][place]["n"] for place in (0, 4, 6, 9)] == [2, 2, 3, 4]
    assert [found["points"][place]["uar"] for place in (0, 6, 9)] == pytest.approx(
        [1 / 2, (1 / 2 + 1) / 2, 1 / 2]
    )


def test_intervals_hold_the_value_and_a_calibrating_temperature_changes_the_order_of_rows() -> None:
    random = np.random.default_rng(0)
    chances = random.dirichlet(np.ones(3), 400)
    gold = [int(random.choice(3, p=chance)) for chance in chances]
    names = ("anger", "joy", "neutral")
    rows = pd.DataFrame(chances, columns=[f"p_{name}" for name in names]).assign(
        label=[names[number] for number in gold], corpus="c", cluster=[f"c/{row % 40}" for row in range(400)]
    )
    found = coverage(rows, names, 1.0)
    right = chances.argmax(axis=1) == gold
    order = np.argsort(-chances.max(axis=1))
    risks = [1 - right[order[:k]].mean() for k in range(1, 401)]
    assert found["aurc"] == pytest.approx(np.mean(risks))
    assert found["points"][-1]["accuracy"] == pytest.approx(right.mean())
    assert found["points"][1]["accuracy"] == pytest.approx(right[order[:80]].mean())
    low, high = found["aurc_interval"] or (1.0, 0.0)
    assert low < found["aurc"] < high and found["aurc_best"] < low
    for point in found["points"]:
        for name in ("accuracy", "uar"):
            low, high = (point["intervals"] or {})[name]
            assert low <= point[name] <= high  # type: ignore[literal-required]
    assert coverage(rows, names, 3.0)["aurc"] != found["aurc"]


def test_too_few_speakers_have_no_interval_and_a_perfect_model_has_no_risk() -> None:
    rows = table([0.9, 0.8, 0.7], [True] * 3)
    found = coverage(rows, CLASSES, 1.0)
    assert found["aurc"] == found["aurc_best"] == 0
    assert found["aurc_interval"] is None and found["points"][0]["intervals"] is None
    assert best_aurc(0.0, 4) == 1
