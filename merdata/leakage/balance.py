"""How far each split of a corpus is from the whole of it, in classes and in genders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from merdata.leakage.rows import Property, Rows, Split, Splits
from merdata.store.protocol import SPLITS

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Balance:
    """One split of one corpus in one fold.

    Attributes:
        label, gender: share of its rows that would have to change for its distribution to be that of all the
            fold's rows of the corpus (total variation distance, 0 to 1).
        lacking: classes that the corpus has and the split does not.
    """

    fold: int
    corpus: str
    split: str
    rows: int
    label: float
    gender: float
    lacking: list[str]


def balance(rows: Rows, splits: Splits) -> Iterator[Balance]:
    """By fold, corpus and split."""
    for fold, split in splits.items():
        labels, genders = _counts(rows, split, rows.label), _counts(rows, split, rows.gender)
        for corpus, name in enumerate(rows.corpus.names):
            for number, part in enumerate(SPLITS):
                size = int((rows.corpus.codes[split == number] == corpus).sum())
                if size:
                    there, own = labels[corpus].sum(axis=0), labels[corpus, number]
                    lacking = list(rows.label.names[(there > 0) & (own == 0)])
                    label, gender = (_distance(counts[corpus], number) for counts in (labels, genders))
                    yield Balance(fold, name, part, size, label, gender, lacking)


def _counts(rows: Rows, split: Split, values: Property) -> Counts:
    """`[corpora, splits, values]`, rows of each."""
    known = (split >= 0) & (values.codes >= 0)
    shape = (len(rows.corpus.names), len(SPLITS), len(values.names))
    cells = np.ravel_multi_index((rows.corpus.codes[known], split[known], values.codes[known]), shape)
    return np.bincount(cells, minlength=int(np.prod(shape))).reshape(shape)


def _distance(counts: Counts, part: int) -> float:
    """Between one split and all of them, of counts `[splits, values]`."""
    whole, own = counts.sum(axis=0), counts[part]
    shares = [side / max(side.sum(), 1) for side in (whole, own)]
    return round(float(np.abs(shares[0] - shares[1]).sum() / 2), 4)
