"""Scores by gender, language and speaker, from rows whose right answers are known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from merdata_train.scoring.groups import FEWEST_ROWS, by_group

CLASSES = ("anger", "joy", "neutral")


def rows_of(speakers: int = 12, each: int = 40) -> pd.DataFrame:
    """Women are predicted right three times in four, men one time in four; all speak English."""
    random = np.random.default_rng(0)
    n = speakers * each
    rows = pd.DataFrame({"id": [f"c/{row}" for row in range(n)], "corpus": "c", "language": "en"})
    rows["speaker"] = [f"s{row % speakers}" for row in range(n)]
    rows["gender"] = ["female" if row % 2 else "male" for row in range(n)]
    rows["cluster"] = "c/" + rows["speaker"]
    rows["label"] = random.choice(CLASSES, n)
    other = rows["label"].map(dict(zip(CLASSES, (*CLASSES[1:], CLASSES[0]), strict=True)))
    right = random.random(n) < np.where(rows["gender"] == "female", 0.75, 0.25)
    return rows.assign(predicted=rows["label"].where(right, other))


def test_scores_of_a_group_are_those_of_its_rows() -> None:
    rows = rows_of()
    found = by_group(rows, CLASSES)
    assert set(found) == {"gender", "speaker"}  # one language alone is no group
    for gender in ("female", "male"):
        own = rows[rows["gender"] == gender]
        part = found["gender"][gender]
        assert part["n"] == len(own)
        assert part["scores"]["uar"] == pytest.approx(balanced_accuracy_score(own["label"], own["predicted"]))
        low, high = (part["intervals"] or {})["uar"]
        assert low < part["scores"]["uar"] < high
    women, men = ((found["gender"][name]["intervals"] or {})["uar"] for name in ("female", "male"))
    assert women[0] > men[1]  # the planted difference is larger than chance
    assert set(found["speaker"]) == {f"c/s{number}" for number in range(12)}
    assert all(part["intervals"] for part in found["speaker"].values())  # of their rows


def test_a_group_with_few_rows_is_left_out() -> None:
    rows = rows_of(speakers=3, each=40)
    rows.loc[rows.index[: FEWEST_ROWS - 1], "language"] = "zh"
    assert "language" not in by_group(rows, CLASSES)
    rows.loc[rows.index[:FEWEST_ROWS], "language"] = "zh"
    assert by_group(rows, CLASSES)["language"]["zh"]["n"] == FEWEST_ROWS
    assert by_group(rows, CLASSES)["gender"]["female"]["intervals"] is None  # two speakers: no interval


def test_rows_without_a_gender_are_in_no_group() -> None:
    rows = rows_of()
    rows.loc[rows["speaker"] == "s0", "gender"] = None
    found = by_group(rows, CLASSES)["gender"]
    assert {name: part["n"] for name, part in found.items()} == {"female": 240, "male": 200}


def test_no_rows_no_groups() -> None:
    assert by_group(rows_of().iloc[:0], CLASSES) == {}
