"""How far each split of a corpus is from the whole of it, in classes and in genders."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pandas as pd

from merdata.leakage.rows import Rows, Splits
from merdata.store.protocol import SPLITS


@dataclass(frozen=True)
class Balance:
    """One split of one corpus in one fold.

    Attributes:
        label, gender: share of its rows that would have to change for its distribution to be that of all the
            fold's rows of the corpus (total variation distance, 0 to 1).
        lacking: classes that the corpus has and the split has not.
    """

    fold: int
    corpus: str
    split: str
    rows: int
    label: float
    gender: float
    lacking: list[str]


def balance(rows: Rows, splits: Mapping[int, Splits]) -> Iterator[Balance]:
    """By fold, corpus and split."""
    for fold, split in splits.items():
        used = rows.table[["corpus", "label", "gender"]][split != ""].assign(split=split[split != ""])
        for corpus, own in used.groupby("corpus"):
            for name in SPLITS:
                part = own[own["split"] == name]
                if len(part):
                    lacking = sorted(set(own["label"].dropna()) - set(part["label"]))
                    label = _distance(part["label"], own["label"])
                    gender = _distance(part["gender"], own["gender"])
                    yield Balance(fold, str(corpus), name, len(part), label, gender, lacking)


def _distance(part: pd.Series[str], whole: pd.Series[str]) -> float:
    shares = [column.value_counts(normalize=True) for column in (part, whole)]
    return round(float(shares[0].sub(shares[1], fill_value=0).abs().sum() / 2), 4)
