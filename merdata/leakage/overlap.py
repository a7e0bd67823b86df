"""What validation and test share with train: a verdict for each property, corpus and fold."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from merdata.leakage.rows import TEST, TRAIN, VALIDATION, Rows, Splits
from merdata.store.protocol import SPLITS
from merdata.text import Codes

EXAMPLES = 3
DISJOINT = "-disjoint"
HEARD = ("audio", "near audio")  # what is shared without a name: rows are the examples
ONLY_TEST = " test"  # a claim that ends so speaks of test alone


@dataclass(frozen=True)
class Finding:
    """What one split of one corpus shares with train.

    Attributes:
        fold: of the protocol.
        shared: what is compared: speaker, session, dialogue, prompt, text, audio, near audio or corpus.
        rows: rows of `evaluation` that share its value with a row of train, out of `of_rows`.
        values: how many values they share, out of `of_values` in `evaluation`.
        examples: of the values; of audio a row of `evaluation` and one of train, `id = id`.
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


def overlaps(rows: Rows, splits: Splits, claims: Mapping[str, list[str]]) -> Iterator[Finding]:
    """The findings of every fold, for each property that rows of a corpus have."""
    claimed = set(_claimed(claims))
    shared = rows.shared
    if any(name == "corpus" for name, _, _ in claimed):
        shared = shared | {"corpus": rows.corpus}
    for fold, split in splits.items():
        for name, values in shared.items():
            in_train = np.zeros(len(values.names) + 1, bool)  # the last is for rows without a value
            in_train[values.codes[split == TRAIN]] = True
            for number in (TEST,) if name == "corpus" else (VALIDATION, TEST):
                here = np.flatnonzero((split == number) & (values.codes >= 0))
                for corpus in np.unique(rows.corpus.codes[here]):
                    inside = here[rows.corpus.codes[here] == corpus]
                    key = (name, str(rows.corpus.names[corpus]), SPLITS[number])
                    example: Callable[[int], str] = values.names.__getitem__
                    if name in HEARD:
                        example = partial(_twins, rows.ids, values.codes, inside, split == TRAIN)
                    own = values.codes[inside]
                    yield _finding(fold, key, own, in_train, example, claimed=key in claimed)


def _twins(
    ids: pa.StringArray, codes: Codes, inside: Codes, in_train: npt.NDArray[np.bool_], code: int
) -> str:
    """The first row of some, and of train, that has a value which itself says nothing."""
    one = inside[codes[inside] == code][0]
    other = np.flatnonzero(in_train & (codes == code))[0]
    return f"{ids[one]} = {ids[other]}"


def _claimed(claims: Mapping[str, list[str]]) -> Iterator[tuple[str, str, str]]:
    """The promises as (property, corpus, split that is compared with train)."""
    for claim, corpora in claims.items():
        shared, disjoint, rest = claim.partition(DISJOINT)
        evaluations = ("test",) if rest == ONLY_TEST else ("validation", "test")
        if disjoint:
            yield from ((shared, corpus, evaluation) for corpus in corpora for evaluation in evaluations)


def _finding(
    fold: int,
    key: tuple[str, str, str],
    own: Codes,
    in_train: npt.NDArray[np.bool_],
    example: Callable[[int], str],
    *,
    claimed: bool,
) -> Finding:
    """What rows with the values `own` share with train; `key` is property, corpus and split.

    `example` says what a value is called.
    """
    distinct = np.unique(own)
    common = distinct[in_train[distinct]]
    counts = (int(in_train[own].sum()), len(own), len(common), len(distinct))
    return Finding(fold, *key, *counts, list(map(example, common[:EXAMPLES])), claimed)
