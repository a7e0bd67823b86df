"""Texts of test that occur word for word in train, by their length, and what looking them up would answer.

One share says little: "Yeah" is in every conversation. The length tells common replies from leaked sentences.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from merdata.leakage.rows import TEST, TRAIN, Rows, Splits
from merdata.text import majorities

LONGEST = {"1 word": 1, "2 words": 2, "3 words": 3, "4 words": 4, "5-9 words": 9}
LENGTHS = (*LONGEST, "10+ words")
EXAMPLES = 3


@dataclass(frozen=True)
class SameText:
    """Test rows of one corpus and length.

    Attributes:
        fold: of the protocol.
        length: in words, one of LENGTHS, or `all`.
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


def same_texts(rows: Rows, splits: Splits) -> Iterator[SameText]:
    """Counts by fold, corpus and length, the whole test set last."""
    words, names = rows.words.codes, rows.words.names
    length = np.searchsorted(list(LONGEST.values()), [name.count(" ") + 1 for name in names])
    for fold, split in splits.items():
        train = np.flatnonzero(split == TRAIN)
        test = np.flatnonzero((split == TEST) & (words >= 0))
        in_train = np.zeros(len(names) + 1, bool)
        in_train[words[train]] = True  # rows without words count for the last, which no test row asks for
        answer = majorities(words[train], rows.label.codes[train], len(names), len(rows.label.names))[
            words[test]
        ]
        known, right = in_train[words[test]], (answer >= 0) & (answer == rows.label.codes[test])
        for corpus in np.unique(rows.corpus.codes[test]):
            own = rows.corpus.codes[test] == corpus
            parts = {name: own & (length[words[test]] == place) for place, name in enumerate(LENGTHS)}
            for name, part in (parts | {"all": own}).items():
                if part.any():
                    shared = np.unique(words[test[part & known]])[:EXAMPLES]
                    counts = (int(known[part].sum()), int(part.sum()), int(right[part].sum()))
                    yield SameText(fold, rows.corpus.names[corpus], name, *counts, list(names[shared]))
