"""Metrics equal scikit-learn's; intervals resample clusters; the order of the classes changes nothing."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from confidence_intervals import evaluate_with_conf_int
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import config_context
from sklearn.metrics import (
    accuracy_score,
    balanced_accuracy_score,
    confusion_matrix,
    f1_score,
    precision_recall_fscore_support,
)

from merdata_train.scoring.metrics import (
    CHUNK,
    account,
    confusion,
    confusions,
    intervals,
    resampled,
    resolvable,
    scores,
    span,
)

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


def repeated_clusters() -> tuple[list[str], list[str], list[int]]:
    """Each cluster is one row many times over."""
    gold, predicted = noisy(24)
    return gold * 5, predicted * 5, list(range(24)) * 5


def large_clusters() -> tuple[list[str], list[str], list[int]]:
    """Clusters that differ in how well they are predicted, in so many rows that their own noise is small."""
    random = np.random.default_rng(1)
    clusters = np.repeat(np.arange(20), 150)
    gold = random.choice(CLASSES, len(clusters))
    right = random.random(len(clusters)) < random.uniform(0.2, 0.9, 20)[clusters]
    predicted = np.where(right, gold, random.choice(CLASSES, len(clusters)))
    return gold.tolist(), predicted.tolist(), clusters.tolist()


def single_rows() -> tuple[list[str], list[str], list[int]]:
    gold, predicted = noisy(300)
    return gold, predicted, list(range(300))


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")  # some draws lack a class
@pytest.mark.parametrize(
    ("rows", "metric"),
    [(single_rows, "accuracy"), (single_rows, "uar"), (repeated_clusters, "uar"), (large_clusters, "uar")],
)
def test_intervals_equal_those_of_confidence_intervals(rows: object, metric: str) -> None:
    """Its `conditions` are clusters; it also draws rows in each, which changes nothing in these three."""
    gold, predicted, clusters = rows()  # type: ignore[operator]
    mine = (intervals(confusions(gold, predicted, clusters, CLASSES)) or {})[metric]
    number = {name: at for at, name in enumerate(CLASSES)}
    as_numbers = [np.array([number[name] for name in names]) for names in (predicted, gold)]
    score = {"accuracy": accuracy_score, "uar": balanced_accuracy_score}[metric]
    conditions = None if rows is single_rows else np.array(clusters)
    with config_context(skip_parameter_validation=True):  # of every draw from every cluster
        _, theirs = evaluate_with_conf_int(
            as_numbers[0], score, as_numbers[1], conditions, num_bootstraps=1_000
        )
    assert mine == pytest.approx(
        theirs, abs=0.1 * (mine[1] - mine[0])
    )  # 5 standard errors of the percentiles


def test_a_test_set_resolves_half_of_its_interval() -> None:
    gold, predicted = noisy(600)
    counts = confusions(gold, predicted, [at // 6 for at in range(600)], CLASSES)
    found = intervals(counts)
    assert found
    assert resolvable(found) == {name: (high - low) / 2 for name, (low, high) in found.items()}
    assert resolvable(None) is None
    fewer = intervals(counts[:25])
    assert (resolvable(fewer) or {})["uar"] > 1.5 * (resolvable(found) or {})["uar"]  # sqrt(4), with noise


def test_systems_are_resampled_alike_in_any_number() -> None:
    gold, predicted = noisy(200)
    counts = confusions(gold, predicted, [at // 10 for at in range(200)], CLASSES)
    one, other = resampled(counts, np.stack([counts, 2 * counts]), resamples=CHUNK + 7)
    assert one.shape == (CHUNK + 7, 4, 4)
    assert other.shape == (2, CHUNK + 7, 4, 4)
    assert np.array_equal(one, other[0])
    assert np.array_equal(2 * one, other[1])
    assert span(np.arange(1_001.0)) == pytest.approx([25, 975])


def test_clusters_too_few_for_an_interval_stand_by_themselves() -> None:
    found = account(["joy", "joy", "anger"], ["joy", "fear", "anger"], ["b", "b", "a"], CLASSES)
    assert found["intervals"] is None
    assert found["resolvable"] is None
    assert found["by_cluster"]["b"]["n"] == 2
    assert found["by_cluster"]["b"]["accuracy"] == 0.5
    assert found["by_cluster"]["a"]["uar"] == 1
