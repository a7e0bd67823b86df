"""The audit: does a split keep what it promises, and what else do its sides share?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from merdata.ledger import is_silenced
from merdata.splits.protocol import TEST, TRAIN, VALIDATION, load_protocol
from merdata.store import Store, open_store

EXAMPLES = 3
# What may lie on both sides of a split -> the columns that name it. Audio is compared across corpora too.
PROPERTIES = {
    "speaker": ("corpus", "speaker"),
    "dialogue": ("corpus", "dialogue"),
    "audio": ("audio_sha256",),
}
CLAIMED_BY = {
    "speaker-disjoint": "speaker",
    "dialogue-disjoint": "dialogue",
}  # claim of a protocol -> the property it promises


@dataclass(frozen=True)
class Finding:
    """What one split of one corpus shares with train.

    Attributes:
        shared: what is compared, a key of PROPERTIES.
        rows: rows of `evaluation` that share its value with a row of train, out of `of_rows`.
        values: how many values they share, out of `of_values` in `evaluation`.
        claimed: whether the protocol promises that nothing is shared.
    """

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


def audit(store: str | Path | Store, protocol: str = "mer", fold: int = 0) -> list[Finding]:
    """Compare validation and test with train: speakers, dialogues, identical audio.

    Raises:
        SplitError: there is no such protocol.
        StoreError: the store cannot be read.
    """
    store = store if isinstance(store, Store) else open_store(store)
    loaded = load_protocol(store, protocol)
    columns = ["id", "corpus", "speaker", "dialogue", "audio_sha256", "notes"]
    rows = store.rows(columns).to_pandas()
    rows["split"] = rows["id"].map(loaded.splits(fold))
    rows["silenced"] = [is_silenced(notes) for notes in rows["notes"]]
    claims = loaded.properties.get("claims", {})
    return list(_findings(rows, claims))


def _findings(rows: pd.DataFrame, claims: dict[str, list[str]]) -> Iterator[Finding]:
    for name, columns in PROPERTIES.items():
        claimed = {
            corpus for claim, corpora in claims.items() if CLAIMED_BY.get(claim) == name for corpus in corpora
        }
        heard = rows[~rows["silenced"]] if name == "audio" else rows
        named = heard.dropna(subset=list(columns))
        value = named[list(columns)].astype(str).agg("/".join, axis=1)
        in_train = set(value[named["split"] == TRAIN])
        for corpus in sorted(set(named["corpus"])):
            for split in (VALIDATION, TEST):
                mine = value[(named["corpus"] == corpus) & (named["split"] == split)]
                if len(mine):
                    yield _finding(name, corpus, split, mine, in_train, corpus in claimed)


def _finding(
    name: str, corpus: str, split: str, values: pd.Series[str], in_train: set[str], claimed: bool
) -> Finding:
    shared = values[values.isin(in_train)]
    distinct = sorted(set(shared))
    return Finding(
        shared=name,
        corpus=corpus,
        evaluation=split,
        rows=len(shared),
        of_rows=len(values),
        values=len(distinct),
        of_values=values.nunique(),
        examples=distinct[:EXAMPLES],
        claimed=claimed,
    )
