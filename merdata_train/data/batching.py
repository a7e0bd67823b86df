"""Batches of rows of different lengths: of like length together, bounded by what they cost, not by count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

POOL = 50  # steps whose rows are sorted together: more would pad less, and mix an epoch's rows less
EVALUATION_SECONDS = 160.0  # padded seconds of a batch that is only predicted

Floats = npt.NDArray[np.float64]


def steps(order: Sequence[int], size: int, costs: Floats, seed: int) -> list[list[int]]:
    """The steps of an epoch, each of `size` rows of about one length.

    The order is cut into pools; a pool is sorted by length and cut into steps, whose order is drawn.

    Args:
        order: rows in the order in which they were drawn.
        size: rows of a step; the last one of an epoch may have fewer.
        costs: what each row costs each encoder, in seconds `[rows, encoders]`.
        seed: of the epoch.
    """
    random = np.random.default_rng(seed)
    longest = _longest(costs)
    planned: list[list[int]] = []
    for start in range(0, len(order), POOL * size):
        pool = np.array(order[start : start + POOL * size])
        pool = pool[np.argsort(longest[pool], kind="stable")]
        cut = [pool[first : first + size].tolist() for first in range(0, len(pool), size)]
        planned += [cut[number] for number in random.permutation(len(cut))]
    return planned


def micro_batches(rows: Sequence[int], costs: Floats, most: float) -> Iterator[list[int]]:
    """Rows, longest last, in batches of at most `most` padded seconds; a longer row is a batch by itself."""
    longest = _longest(costs)
    batch: list[int] = []
    widest = np.zeros(costs.shape[1])
    for row in sorted(rows, key=lambda row: (longest[row], row)):
        if batch and np.maximum(widest, costs[row]).sum() * (len(batch) + 1) > most:
            yield batch
            batch, widest = [], np.zeros_like(widest)
        batch.append(row)
        widest = np.maximum(widest, costs[row])
    if batch:
        yield batch


def _longest(costs: Floats) -> Floats:
    """The costs of the encoder that works most: batches of rows alike in these pad least."""
    most: Floats = costs[:, costs.sum(axis=0).argmax()]
    return most


def batches(rows: Sequence[int], size: int) -> list[list[int]]:
    """The rows in their order, `size` at a time; the last batch may have fewer."""
    return [list(rows[start : start + size]) for start in range(0, len(rows), size)]


def shared(rows: Sequence[int], share: int, shares: int) -> list[int]:
    """The rows of a step that one of several processes takes; some come twice where they do not divide."""
    filled = [*rows, *(rows[number % len(rows)] for number in range(-len(rows) % shares))]
    return filled[share::shares]


def padded(batches: Sequence[Sequence[int]], costs: Floats) -> float:
    """Padded seconds for each real second, over all batches and encoders."""
    whole = sum(costs[list(batch)].max(axis=0).sum() * len(batch) for batch in batches)
    return float(whole / sum(costs[list(batch)].sum() for batch in batches))
