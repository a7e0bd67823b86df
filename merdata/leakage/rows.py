"""The store's rows as the audit compares them: each property as numbers, equal where rows share it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from merdata.splits.sentences import sentences
from merdata.store.protocol import Protocol
from merdata.store.store import Store
from merdata.text import text_keys
from merdata.utterance import is_silenced

COLUMNS = (
    "id",
    "corpus",
    "speaker",
    "gender",
    "session",
    "dialogue",
    "prompt",
    "text",
    "label",
    "audio_sha256",
    "notes",
)
# What may lie on both sides of a split -> the columns that name it. Audio is compared across corpora too.
PROPERTIES = {
    "speaker": ("corpus", "speaker"),
    "speaker name": ("corpus", "name"),
    "session": ("corpus", "session"),
    "dialogue": ("corpus", "dialogue"),
    "prompt": ("corpus", "prompt"),
    "text": ("corpus", "sentence"),
    "audio": ("audio_sha256",),
}

Ints = npt.NDArray[np.int64]
Splits = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Property:
    """One thing that rows can share.

    Attributes:
        codes: `[rows]`, equal where rows share it, -1 where a row has none.
        names: what a code stands for.
    """

    codes: Ints
    names: list[str]


@dataclass(frozen=True)
class Rows:
    """The rows of a store.

    Attributes:
        table: COLUMNS, `words` (the normalised text), and `sentence`, equal where rows of a corpus share a
            prompt or a text.
        properties: by name; the audit adds `near audio`.
        crossed: corpora in which every speaker says every sentence in every emotion.
    """

    table: pd.DataFrame
    properties: dict[str, Property]
    crossed: frozenset[str]

    def split_of(self, protocol: Protocol, fold: int) -> Splits:
        """The split of each row in one fold, "" for rows that it does not use."""
        split: Splits = self.table["id"].map(protocol.splits(fold)).fillna("").to_numpy(object)
        return split


def read_rows(store: Store) -> Rows:
    """Everything that the audit compares, but the audio.

    Raises:
        StoreError: the store cannot be read.
    """
    table = store.rows(COLUMNS).select(COLUMNS).to_pandas()
    silent = [is_silenced(notes) for notes in table.pop("notes")]
    table.loc[silent, "audio_sha256"] = None  # silence is no copy of silence
    table["silent"] = silent
    table["sentence"] = pd.concat([sentences(own) for _, own in table.groupby("corpus", sort=False)])
    table["words"] = text_keys(table["text"])
    table["name"] = _other_spellings(table)
    properties = {name: _property(table[list(columns)]) for name, columns in PROPERTIES.items()}
    crossed = frozenset(name for name, facts in store.corpora.items() if facts.get("crossed"))
    return Rows(table, properties, crossed)


def _other_spellings(table: pd.DataFrame) -> pd.Series[str]:
    """Normalised names of the speakers, for corpora that spell a name in several ways; nothing elsewhere."""
    names = text_keys(table["speaker"])
    by_corpus = pd.DataFrame({"corpus": table["corpus"], "speaker": table["speaker"], "name": names})
    distinct = by_corpus.groupby("corpus")[["speaker", "name"]].nunique()
    spelt = distinct.index[distinct["name"] < distinct["speaker"]]
    return names.where(table["corpus"].isin(spelt), None)


def _property(columns: pd.DataFrame) -> Property:
    """Codes of the rows' values in some columns; -1 where one of them is missing."""
    codes = np.zeros(len(columns), np.int64)
    for name in columns:
        here, values = pd.factorize(columns[name])
        codes = np.where((codes < 0) | (here < 0), -1, codes * max(len(values), 1) + here)
    distinct, first = np.unique(codes, return_index=True)
    known = distinct >= 0
    dense = np.where(codes < 0, -1, np.searchsorted(distinct[known], codes))
    parts = [columns[name].to_numpy(object)[first[known]] for name in columns]
    return Property(dense, ["/".join(map(str, cells)) for cells in zip(*parts, strict=True)])
