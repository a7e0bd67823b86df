"""Batches of rows of different lengths: of like length together, bounded by what they cost, not by count."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

POOL = 50  # steps whose rows are sorted together: more would pad less, and mix an epoch's rows less
EVALUATION_SECONDS = 160.0  # padded seconds of a batch that is only predicted

Floats = npt.NDArray[np.float64]


def steps(order: Sequence[int], size: int, seconds: Floats, seed: int) -> list[list[int]]:
    """The steps of an epoch, each of `size` rows of about one length.

    The order is cut into pools; a pool is sorted by length and cut into steps, whose order is drawn.

    Args:
        order: rows in the order in which they were drawn.
        size: rows of a step; the last one of an epoch may have fewer.
        seconds: cost of each row `[rows]`.
        seed: of the epoch.
    """
    random = np.random.default_rng(seed)
    found: list[list[int]] = []
    for start in range(0, len(order), POOL * size):
        pool = np.array(order[start : start + POOL * size])
        pool = pool[np.argsort(seconds[pool], kind="stable")]
        cut = [pool[at : at + size].tolist() for at in range(0, len(pool), size)]
        found += [cut[at] for at in random.permutation(len(cut))]
    return found


def parts(rows: Sequence[int], seconds: Floats, most: float) -> Iterator[list[int]]:
    """Rows, longest last, in parts of at most `most` padded seconds; a longer row is a part by itself."""
    part: list[int] = []
    for row in sorted(rows, key=lambda row: (seconds[row], row)):
        if part and seconds[row] * (len(part) + 1) > most:
            yield part
            part = []
        part.append(row)
    if part:
        yield part


def shared(rows: Sequence[int], share: int, shares: int) -> list[int]:
    """The rows of a step that one of several processes takes; some come twice where they do not divide."""
    filled = [*rows, *(rows[at % len(rows)] for at in range(-len(rows) % shares))]
    return filled[share::shares]


def padded(batches: Sequence[Sequence[int]], seconds: Floats) -> float:
    """Padded seconds for each real one, over all batches."""
    whole = sum(max(seconds[list(batch)]) * len(batch) for batch in batches)
    return float(whole / sum(seconds[row] for batch in batches for row in batch))
