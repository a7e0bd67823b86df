"""Statistics over runs: worked examples, scipy's, and tests that keep their level."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from merdata_train.scoring.metrics import confusions, intervals
from merdata_train.scoring.statistics import cohens_g, holm, mean_intervals, over_runs, paired

CLASSES = ("anger", "joy", "neutral")


def test_spread_over_seeds_is_that_of_t() -> None:
    values = [0.60, 0.62, 0.67]
    found = over_runs(values)
    assert found["n"] == 3
    assert found["mean"] == pytest.approx(0.63)
    assert found["std"] == pytest.approx(0.0360555)
    # t(0.975, 2) = 4.302653: 4.302653 * 0.0360555 / sqrt(3)
    assert found["interval"] == pytest.approx([0.63 - 0.0895669, 0.63 + 0.0895669], abs=1e-6)
    theirs = stats.ttest_1samp(values, 0).confidence_interval()
    assert found["interval"] == pytest.approx([theirs.low, theirs.high])


def test_one_run_has_no_spread() -> None:
    assert over_runs([0.5]) == {"n": 1, "mean": 0.5, "std": None, "interval": None}


def test_holm_of_a_worked_example() -> None:
    # Holm's steps by hand: .005 * 4, max(.02, .01 * 3), max(.03, .03 * 2), max(.06, .04 * 1)
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([]) == []
    assert holm([0.7, 0.9]) == [1, 1]


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12))
def test_holm_lies_between_no_correction_and_bonferroni(p: list[float]) -> None:
    adjusted = holm(p)
    for one, raw in zip(adjusted, p, strict=True):
        assert raw <= one <= min(1, raw * len(p)) + 1e-12
    order = np.argsort(p, kind="stable")
    assert (np.diff(np.array(adjusted)[order]) >= 0).all()
    rejected = {at for at in range(len(p)) if adjusted[at] <= 0.05}
    assert rejected == by_steps(p)


def by_steps(p: list[float]) -> set[int]:
    """Holm's procedure as it is told: go up from the smallest, stop at the first that fails."""
    found: set[int] = set()
    for step, at in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[at] * (len(p) - step) > 0.05:
            break
        found.add(at)
    return found


def systems(gap: float, rows: int = 600, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Two systems on the same rows, clusters of ten; the second is right more often by `gap`."""
    random = np.random.default_rng(seed)
    gold = random.choice(CLASSES, rows)
    hard = random.random(rows)
    clusters = np.arange(rows) // 10
    counts = []
    for skill in (0.5, 0.5 + gap):
        right = hard + random.normal(0, 0.1, rows) < skill
        wrong = np.array(CLASSES)[(np.array([CLASSES.index(name) for name in gold]) + 1) % 3]
        counts.append(
            confusions(gold.tolist(), np.where(right, gold, wrong).tolist(), clusters.tolist(), CLASSES)
        )
    return counts[0], counts[1]


def test_a_paired_difference_is_found_where_single_intervals_overlap() -> None:
    one, other = systems(0.06)
    spans = [(intervals(counts) or {})["accuracy"] for counts in (one, other)]
    assert spans[0][1] > spans[1][0]
    found = paired(one[None], other[None])["accuracy"]
    assert found["interval"][0] > 0
    assert found["p"] < 0.05
    assert found["resolvable"] < (spans[0][1] - spans[0][0]) / 2


def test_a_system_does_not_differ_from_itself() -> None:
    one, _ = systems(0)
    for found in paired(one[None], one[None]).values():
        assert found["difference"] == 0
        assert found["p"] == 1
        assert found["interval"] == [0, 0]


def test_the_other_way_round_is_the_negative() -> None:
    one, other = systems(0.03)
    forth, back = paired(one[None], other[None])["uar"], paired(other[None], one[None])["uar"]
    assert forth["difference"] == pytest.approx(-back["difference"])
    assert forth["interval"] == pytest.approx([-back["interval"][1], -back["interval"][0]])
    assert forth["p"] == back["p"]


def test_without_a_difference_few_are_found() -> None:
    p = []
    for seed in range(100):
        one, other = systems(0, 300, seed)
        p.append(paired(one[None], other[None], resamples=400)["accuracy"]["p"])
    assert 0.005 <= np.mean(np.array(p) < 0.05) <= 0.13  # 0.05, within 3 standard errors


def test_seeds_are_averaged_before_they_are_compared() -> None:
    pairs = [systems(0.05, seed=seed) for seed in range(3)]
    one, other = (np.stack([pair[at] for pair in pairs]) for at in (0, 1))
    found = paired(one, other)["accuracy"]["difference"]
    single = [paired(pair[0][None], pair[1][None])["accuracy"]["difference"] for pair in pairs]
    assert found == pytest.approx(np.mean(single))
    spans = mean_intervals(one)
    assert spans
    assert mean_intervals(one[:1]) == intervals(one[0])


def test_too_few_clusters_have_no_test() -> None:
    one, other = systems(0.1, rows=40)
    found = paired(one[None], other[None])["uar"]
    assert found["difference"] != 0
    assert found["p"] is found["interval"] is found["resolvable"] is None
    assert mean_intervals(one[None]) is None


def test_cohens_g_is_the_share_of_disagreements_won() -> None:
    # by cluster, [[both right, one right], [other right, both wrong]]
    counts = np.array([[[5, 1], [3, 1]]] * 8)
    found = cohens_g(counts)
    assert found["value"] == 0.25
    assert found["interval"] == [0.25, 0.25]
    assert cohens_g(np.array([[[5, 0], [0, 5]]]))["value"] == 0
