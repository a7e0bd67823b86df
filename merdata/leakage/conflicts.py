"""Rows that are one recording and carry different labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from merdata.leakage.rows import Rows

EXAMPLES = 6
SHOWN = 4  # rows of an example


@dataclass(frozen=True)
class Conflicts:
    """Groups of rows with identical samples, and those among them whose labels differ.

    Attributes:
        groups: how many groups of identical audio there are.
        differing: how many of them carry different labels.
        examples: of the latter, `id (label) = id (label)`.
    """

    groups: int
    differing: int
    examples: list[str]


def conflicts(rows: Rows) -> Conflicts:
    """Over the whole store, inside and across corpora."""
    audio, label = rows.shared["audio"].codes, rows.label.codes
    heard = np.flatnonzero(audio >= 0)
    order = heard[np.argsort(audio[heard], kind="stable")]
    _, starts = np.unique(audio[order], return_index=True)
    sizes = np.diff([*starts, len(order)])
    if not len(order):
        return Conflicts(0, 0, [])
    differing = np.maximum.reduceat(label[order], starts) != np.minimum.reduceat(label[order], starts)
    examples = sorted(
        _example(rows, order[start : start + size])
        for start, size in zip(starts[differing], sizes[differing], strict=True)
    )
    return Conflicts(int((sizes > 1).sum()), int(differing.sum()), examples[:EXAMPLES])


def _example(rows: Rows, group: npt.NDArray[np.int64]) -> str:
    labels = [*rows.label.names, None]
    shown = sorted(f"{rows.ids[int(row)]} ({labels[rows.label.codes[row]]})" for row in group)
    more = f" = {len(shown) - SHOWN:,} more" if len(shown) > SHOWN else ""
    return " = ".join(shown[:SHOWN]) + more
