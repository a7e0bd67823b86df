"""Batches of rows of different lengths: every row once, within the budget, little padding."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from merdata_train.data.batching import micro_batches, padded, shared, steps

lengths = st.lists(st.tuples(st.floats(0.01, 30), st.floats(0.01, 3)), min_size=1, max_size=300)
Lengths = list[tuple[float, float]]


@given(lengths, st.integers(1, 40), st.integers(0, 9))
def test_an_epoch_takes_every_row_once(costs: Lengths, size: int, seed: int) -> None:
    found = steps(range(len(costs)), size, np.array(costs), seed)
    assert sorted(row for step in found for row in step) == list(range(len(costs)))
    assert all(len(step) <= size for step in found)
    assert len(found) == -(-len(costs) // size)


@given(lengths, st.floats(0.1, 100))
def test_a_part_keeps_within_its_budget(given: Lengths, most: float) -> None:
    costs = np.array(given)
    found = list(micro_batches(range(len(costs)), costs, most))
    assert sorted(row for part in found for row in part) == list(range(len(costs)))
    assert all(len(part) == 1 or costs[part].max(axis=0).sum() * len(part) <= most for part in found)


@settings(max_examples=50)
@given(st.integers(1, 50), st.integers(1, 8))
def test_processes_share_a_step_evenly(size: int, processes: int) -> None:
    rows = list(range(size))
    found = [shared(rows, process, processes) for process in range(processes)]
    assert {row for share in found for row in share} == set(rows)
    assert sum(map(len, found)) - size < processes
    assert len({len(share) for share in found}) == 1


def test_rows_of_like_length_stand_together() -> None:
    draw = np.random.default_rng(0)
    audio = draw.lognormal(1.0, 0.6, 5_000).clip(0.3, 15)
    costs = np.stack([audio, draw.uniform(0.1, 1.2, 5_000)], axis=1)  # of text, whatever the recording's
    order = np.random.default_rng(1).permutation(5_000).tolist()
    random = [order[at : at + 32] for at in range(0, 5_000, 32)]
    bucketed = [part for step in steps(order, 32, costs, 0) for part in micro_batches(step, costs, 160)]
    assert padded(bucketed, costs[:, :1]) < 1.05 < 1.10 < padded(random, costs[:, :1])
    assert padded(bucketed, costs) < 1.2 < padded(random, costs)


def test_the_order_of_an_epoch_is_its_seed_s() -> None:
    costs = np.linspace(1, 9, 200)[:, None]
    one, same, other = (steps(range(200), 10, costs, seed) for seed in (3, 3, 4))
    assert one == same != other
