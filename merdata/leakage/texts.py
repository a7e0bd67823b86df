"""Texts of test that occur word for word in train, by their length, and what looking them up would answer.

One share says little: "Yeah" is in every conversation. The length tells common replies from leaked sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from merdata.leakage.rows import Rows, Splits
from merdata.store.protocol import TEST, TRAIN
from merdata.text import TextLookUp

LONGEST = {"1 word": 1, "2 words": 2, "3 words": 3, "4 words": 4, "5-9 words": 9, "10+ words": np.inf}
EXAMPLES = 3


@dataclass(frozen=True)
class SameText:
    """Test rows of one corpus and length.

    Attributes:
        fold: of the protocol.
        length: in words, a key of LONGEST, or `all`.
        rows: whose text is also in train (of any corpus), out of `of_rows`.
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
        train = TextLookUp(table.loc[split == TRAIN, "words"], table.loc[split == TRAIN, "label"])
        test = table[(split == TEST) & table["words"].notna().to_numpy()]
        test = test.assign(shared=train.knows(test["words"]), length=lengths[test.index])
        test["right"] = train.answers(test["words"]).eq(test["label"]) & test["label"].notna()
        for corpus, own in test.groupby("corpus"):
            parts = {length: own[own["length"] == length] for length in LONGEST} | {"all": own}
            for length, part in parts.items():
                if len(part):
                    counts = (int(part["shared"].sum()), len(part), int(part["right"].sum()))
                    examples = sorted(set(part.loc[part["shared"], "words"]))[:EXAMPLES]
                    yield SameText(fold, str(corpus), length, *counts, examples)
