"""Metrics equal scikit-learn's; intervals resample clusters; the order of the classes changes nothing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from merdata_train.metrics import account, confusion, confusions, intervals, scores

CLASSES = ("anger", "fear", "joy", "neutral")
PAIRS = st.lists(st.tuples(st.sampled_from(CLASSES), st.sampled_from(CLASSES)), min_size=1, max_size=60)


@given(PAIRS)
def test_metrics_equal_scikit_learn(pairs: list[tuple[str, str]]) -> None:
    gold, predicted = map(list, zip(*pairs, strict=True))
    present = sorted(set(gold))
    counts = confusion(gold, predicted, CLASSES)
    assert np.array_equal(counts, confusion_matrix(gold, predicted, labels=CLASSES))
    found = scores(counts)
    assert found["accuracy"] == pytest.approx(accuracy_score(gold, predicted))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # classes without rows
        assert found["uar"] == pytest.approx(balanced_accuracy_score(gold, predicted))
    macro = f1_score(gold, predicted, labels=present, average="macro", zero_division=0)
    assert found["macro_f1"] == pytest.approx(macro)
    weighted = f1_score(gold, predicted, labels=CLASSES, average="weighted", zero_division=0)
    assert found["weighted_f1"] == pytest.approx(weighted)
    parts = account(gold, predicted, range(len(gold)), CLASSES)["per_class"]
    theirs = precision_recall_fscore_support(gold, predicted, labels=CLASSES, zero_division=0)
    for at, name in enumerate(CLASSES):
        mine = [parts[name][kind] for kind in ("precision", "recall", "f1", "support")]
        assert mine == pytest.approx([column[at] for column in theirs])


@settings(max_examples=50)
@given(PAIRS, st.permutations(CLASSES))
def test_the_order_of_the_classes_changes_nothing(pairs: list[tuple[str, str]], order: list[str]) -> None:
    gold, predicted = map(list, zip(*pairs, strict=True))
    clusters = [at // 3 for at in range(len(pairs))]
    one = account(gold, predicted, clusters, CLASSES)
    other = account(gold, predicted, clusters, order)
    assert one["scores"] == pytest.approx(other["scores"])
    assert one["per_class"] == {name: pytest.approx(other["per_class"][name]) for name in CLASSES}
    assert set(one["absent"]) == set(other["absent"])
    if one["intervals"]:
        for name, span in one["intervals"].items():
            assert span == pytest.approx(other["intervals"][name])


def test_absent_classes_are_named_and_left_out() -> None:
    found = account(["joy", "joy", "anger"], ["joy", "fear", "anger"], "abc", CLASSES)
    assert found["absent"] == ["fear", "neutral"]
    assert found["scores"]["uar"] == pytest.approx((0.5 + 1) / 2)


def noisy(rows: int, seed: int = 0) -> tuple[list[str], list[str]]:
    random = np.random.default_rng(seed)
    gold = random.choice(CLASSES, rows)
    predicted = np.where(random.random(rows) < 0.6, gold, random.choice(CLASSES, rows))
    return gold.tolist(), predicted.tolist()


def test_interval_of_single_rows_is_that_of_the_binomial() -> None:
    gold, predicted = noisy(1_000)
    counts = confusions(gold, predicted, range(1_000), CLASSES)
    accuracy = float(scores(counts.sum(axis=0))["accuracy"])
    low, high = (intervals(counts) or {})["accuracy"]
    half = 1.96 * np.sqrt(accuracy * (1 - accuracy) / 1_000)
    assert (low, high) == pytest.approx((accuracy - half, accuracy + half), abs=0.004)


def test_rows_that_repeat_their_cluster_widen_the_interval() -> None:
    gold, predicted = noisy(100)
    repeated = gold * 10, predicted * 10
    by_row = intervals(confusions(*repeated, range(1_000), CLASSES)) or {}
    by_cluster = intervals(confusions(*repeated, list(range(100)) * 10, CLASSES)) or {}
    for name in by_row:
        widths = [span[name][1] - span[name][0] for span in (by_cluster, by_row)]
        assert widths[0] > 2.5 * widths[1]  # sqrt(10)


def test_intervals_repeat_and_few_clusters_have_none() -> None:
    gold, predicted = noisy(40)
    counts = confusions(gold, predicted, [at % 8 for at in range(40)], CLASSES)
    assert intervals(counts, seed=1) == intervals(counts, seed=1)
    assert intervals(counts[:4]) is None
