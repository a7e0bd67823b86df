"""Texts of test that occur word for word in train, by their length, and what looking them up would answer.

One number says little: "Yeah" is in every conversation. By length, common replies part from leaked sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from merdata.leakage.rows import Rows, Splits
from merdata.store.protocol import TEST, TRAIN

LONGEST = {"1 word": 1, "2 words": 2, "3 words": 3, "4 words": 4, "5-9 words": 9, "10+ words": np.inf}
EXAMPLES = 3


@dataclass(frozen=True)
class SameText:
    """Test rows of one corpus and length.

    Attributes:
        fold: of the protocol.
        length: in words, a key of LONGEST, or `all`.
        rows: whose normalised text is also in train (of any corpus), out of `of_rows`.
        right: how many of them the most frequent train label of that text gets right.
    """

    fold: int
    corpus: str
    length: str
    rows: int
    of_rows: int
    right: int
    examples: list[str]


def same_texts(rows: Rows, splits: Mapping[int, Splits]) -> Iterator[SameText]:
    """Counts by fold, corpus and length, the whole test set last."""
    table = rows.table
    words = table["words"].fillna("").map(lambda text: len(text.split()))
    lengths = pd.cut(words.astype(float), [0.0, *LONGEST.values()], labels=list(LONGEST))
    for fold, split in splits.items():
        answers = majority_labels(table.loc[split == TRAIN, ["words", "label"]], "words")
        test = table.loc[(split == TEST) & table["words"].fillna("").ne("").to_numpy()]
        answer = test["words"].map(answers)
        right = answer.notna() & (answer == test["label"])
        in_train = test["words"].isin(set(table.loc[split == TRAIN, "words"].dropna()))
        for corpus, own in test.groupby("corpus"):
            of_length = lengths[own.index]
            parts = {length: own.index[of_length == length] for length in LONGEST} | {"all": own.index}
            for length, at in parts.items():
                if len(at):
                    shared = sorted(set(own.loc[at[in_train[at]], "words"]))[:EXAMPLES]
                    counts = (int(in_train[at].sum()), len(at), int(right[at].sum()))
                    yield SameText(fold, str(corpus), length, *counts, shared)


def majority_labels(rows: pd.DataFrame, key: str) -> pd.Series[str]:
    """The most frequent label of each key; of equals the one that comes first in the alphabet."""
    counts = rows.dropna().groupby([key, "label"], observed=True).size().reset_index(name="n")
    best = counts.sort_values(["n", "label"], ascending=[False, True]).drop_duplicates(key)
    return best.set_index(key)["label"]
