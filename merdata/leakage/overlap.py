"""What validation and test share with train: a verdict for each property, corpus and fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from merdata.leakage.rows import Property, Rows, Splits
from merdata.store.protocol import TEST, TRAIN, VALIDATION

EXAMPLES = 3
DISJOINT = "-disjoint"
ONLY_TEST = " test"  # a claim that ends so speaks of test alone


@dataclass(frozen=True)
class Finding:
    """What one split of one corpus shares with train.

    Attributes:
        fold: of the protocol.
        shared: what is compared: speaker, session, dialogue, prompt, text, audio, near audio or corpus.
        rows: rows of `evaluation` that share its value with a row of train, out of `of_rows`.
        values: how many values they share, out of `of_values` in `evaluation`.
        claimed: whether the protocol promises that nothing is shared.
    """

    fold: int
    shared: str
    corpus: str
    evaluation: str
    rows: int
    of_rows: int
    values: int
    of_values: int
    examples: list[str]
    claimed: bool

    @property
    def disjoint(self) -> bool:
        return self.rows == 0

    @property
    def broken(self) -> bool:
        """A promise that does not hold."""
        return self.claimed and not self.disjoint

    def as_json(self) -> dict[str, Any]:
        return asdict(self) | {"disjoint": self.disjoint, "broken": self.broken}


def overlaps(rows: Rows, splits: Mapping[int, Splits], claims: Mapping[str, list[str]]) -> Iterator[Finding]:
    """The findings of every fold, for each property that rows of a corpus have."""
    claimed = set(_claimed(claims))
    corpora = rows.table["corpus"].to_numpy(object)
    names = sorted(set(corpora))
    codes = np.searchsorted(names, corpora)
    properties = rows.properties
    if any(shared == "corpus" for shared, _, _ in claimed):
        properties = properties | {"corpus": Property(codes, names)}
    for fold, split in splits.items():
        for shared, one in properties.items():
            in_train = np.zeros(len(one.names) + 1, bool)  # the last is for rows without a value
            in_train[one.codes[split == TRAIN]] = True
            in_train[-1] = False
            for evaluation in (TEST,) if shared == "corpus" else (VALIDATION, TEST):
                here = (split == evaluation) & (one.codes >= 0)
                for at in np.unique(codes[here]):
                    mine = one.codes[here & (codes == at)]
                    is_claimed = (shared, names[at], evaluation) in claimed
                    yield _finding(fold, shared, names[at], evaluation, mine, in_train, one.names, is_claimed)


def _claimed(claims: Mapping[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """The promises as (property, corpus, evaluation)."""
    for claim, corpora in claims.items():
        shared, disjoint, rest = claim.partition(DISJOINT)
        evaluations = (TEST,) if rest == ONLY_TEST else (VALIDATION, TEST)
        if disjoint:
            yield from ((shared, corpus, evaluation) for corpus in corpora for evaluation in evaluations)


def _finding(
    fold: int,
    shared: str,
    corpus: str,
    evaluation: str,
    mine: Any,
    in_train: Any,
    names: list[str],
    claimed: bool,
) -> Finding:
    distinct = np.unique(mine)
    common = distinct[in_train[distinct]]
    return Finding(
        fold=fold,
        shared=shared,
        corpus=corpus,
        evaluation=evaluation,
        rows=int(in_train[mine].sum()),
        of_rows=len(mine),
        values=len(common),
        of_values=len(distinct),
        examples=sorted(names[at] for at in common)[:EXAMPLES],
        claimed=claimed,
    )
