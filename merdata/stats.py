"""The figures of a store as plain data, for the terminal, the page and the card."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

import numpy as np
import pandas as pd

from merdata.store.ledger import DROPPED, SILENCED, STORED
from merdata.store.protocol import SPLITS, Protocol, load_protocol, protocol_names
from merdata.store.readme import DEFAULT_PROTOCOL
from merdata.store.store import Store, open_store

UNLABELLED, NO_SPLIT, UNKNOWN = "unlabelled", "in no split", "unknown"
NOT_A_ROW = "not a row"  # the state of duplicates, strays and songs
COLUMNS = ("id", "corpus", "label", "speaker", "gender", "language", "seconds")
BIN_SECONDS, LAST_EDGE = 0.5, 15.0  # the last bin of the histogram is open: 15 s and more

Quantile = Literal["shortest", "median", "mean", "95 % below", "longest"]
QUANTILES: tuple[Quantile, ...] = ("shortest", "median", "mean", "95 % below", "longest")
Cross = Mapping[str, Mapping[str, int]]  # value -> value -> rows


class ProtocolFacts(TypedDict):
    """The protocol whose splits are counted."""

    name: str
    hash: str
    fold: str
    kind: str


class CorpusFigures(TypedDict):
    """One corpus: its facts, its rows in a complete copy and in this one, and what the store has of it."""

    corpus: str
    title: str
    domain: str
    licence: str
    homepage: str
    expected: int
    discovered: int
    rows: int
    seconds: float
    speakers: int


class _Group(TypedDict):
    value: str
    rows: int
    seconds: float


class Group(_Group, total=False):
    """The rows that have one value in a column; of a speaker, also the corpus."""

    corpus: str


class LedgerGroup(TypedDict):
    """The rows of the ledger that have one state for one reason."""

    corpus: str
    state: str
    reason: str
    rows: int


Durations = TypedDict(
    "Durations",
    {
        "from": list[float],
        "rows": list[int],
        "shortest": float,
        "median": float,
        "95 % below": float,
        "longest": float,
        "mean": float,
    },
)


class Figures(TypedDict):
    """All figures of a store.

    `by` has the keys corpus, class, split, gender, language and speaker. `cross` has the keys
    `class by corpus`, `class by split` and `split by corpus`. `durations` is a histogram in seconds with
    its left edges in `from`.
    """

    classes: list[str]
    rows: int
    seconds: float
    protocol: ProtocolFacts | None
    corpora: list[CorpusFigures]
    by: dict[str, list[Group]]
    cross: dict[str, Cross]
    durations: Durations
    ledger: list[LedgerGroup]


def statistics(store: str | Path | Store, protocol: str | None = None, fold: int | str = 0) -> Figures:
    """The figures of a store, ready for JSON.

    Args:
        store: the store, or its folder.
        protocol: whose splits to count (default: `mer` where the store has it, else none).
        fold: of the protocol, by number or name.

    Raises:
        SplitError: the protocol or the fold does not exist.
        StoreError: the store cannot be read.
    """
    store = open_store(store)
    chosen = choose_protocol(store, protocol)
    table = store.rows(COLUMNS).select(COLUMNS).to_pandas()
    table["seconds"] = table["seconds"].astype(float)
    table["class"] = table.pop("label").fillna(UNLABELLED)
    table["gender"] = table["gender"].fillna(UNKNOWN)
    table["split"] = split_column(table["id"], chosen, fold)
    orders = {"class": [*store.space.classes, UNLABELLED], "split": [*SPLITS, NO_SPLIT]}
    return {
        "classes": list(store.space.classes),
        "rows": len(table),
        "seconds": _seconds(table),
        "protocol": _facts_of(chosen, fold) if chosen else None,
        "corpora": [_corpus(store, str(name), own) for name, own in table.groupby("corpus")],
        "by": {
            name: _by(table, name, orders.get(name))
            for name in ("corpus", "class", "split", "gender", "language")
        }
        | {"speaker": _speakers(table)},
        "cross": {
            f"{inner} by {outer}": _cross(table, inner, outer, orders)
            for inner, outer in (("class", "corpus"), ("class", "split"), ("split", "corpus"))
        },
        "durations": _durations(table["seconds"]),
        "ledger": [record for name in sorted(store.corpora) for record in _ledger(store, name)],
    }


def choose_protocol(store: Store, name: str | None) -> Protocol | None:
    """The protocol of that name; without a name the default one, or None where the store does not have it.

    Raises:
        SplitError: the store has no protocol of that name.
    """
    if name is None and DEFAULT_PROTOCOL not in protocol_names(store):
        return None
    return load_protocol(store, name or DEFAULT_PROTOCOL)


def split_column(ids: pd.Series[str], protocol: Protocol | None, fold: int | str) -> pd.Series[str]:
    """The split of each row; `in no split` where the protocol does not use it."""
    return ids.map(protocol.splits(fold) if protocol else {}).astype(object).fillna(NO_SPLIT)


def _facts_of(protocol: Protocol, fold: int | str) -> ProtocolFacts:
    kind = protocol.properties.get("kind", protocol.name)
    return {"name": protocol.name, "hash": protocol.hash, "fold": str(fold), "kind": kind}


def _corpus(store: Store, name: str, table: pd.DataFrame) -> CorpusFigures:
    facts = store.corpora[name]
    return {
        "corpus": name,
        "title": facts["title"],
        "domain": facts["domain"],
        "licence": facts["licence"],
        "homepage": facts["homepage"],
        "expected": facts["counts"]["expected"],
        "discovered": facts["counts"]["discovered"],
        "rows": len(table),
        "seconds": _seconds(table),
        "speakers": table["speaker"].nunique(),
    }


def _seconds(table: pd.DataFrame) -> float:
    return round(float(table["seconds"].sum()), 3)


def _by(table: pd.DataFrame, column: str, order: Sequence[str] | None) -> list[Group]:
    """Rows and seconds of each value that occurs: in the given order, else the most frequent first."""
    sums = table.groupby(column)["seconds"].agg(["size", "sum"])
    names = [name for name in order if name in sums.index] if order else _frequent_first(sums)
    return [
        {"value": name, "rows": int(sums["size"][name]), "seconds": round(float(sums["sum"][name]), 3)}
        for name in names
    ]


def _frequent_first(sums: pd.DataFrame) -> list[str]:
    return sorted(sums.index, key=lambda name: (-sums["size"][name], name))


def _speakers(table: pd.DataFrame) -> list[Group]:
    sums = table.groupby(["corpus", "speaker"])["seconds"].agg(["size", "sum"])
    return [
        {"corpus": corpus, "value": speaker, "rows": int(rows), "seconds": round(float(seconds), 3)}
        for (corpus, speaker), rows, seconds in zip(sums.index, sums["size"], sums["sum"], strict=True)
    ]


def _cross(table: pd.DataFrame, inner: str, outer: str, orders: dict[str, list[str]]) -> Cross:
    """Outer value -> inner value -> rows, zeros left out."""
    counts: dict[Any, dict[Any, int]] = pd.crosstab(table[outer], table[inner]).to_dict("index")
    outers = [name for name in orders.get(outer, sorted(counts)) if name in counts]
    return {
        name: {value: counts[name][value] for value in orders[inner] if counts[name].get(value)}
        for name in outers
    }


def _durations(seconds: pd.Series[float]) -> Durations:
    edges = np.arange(0, LAST_EDGE + BIN_SECONDS, BIN_SECONDS)
    counts, _ = np.histogram(seconds.clip(upper=LAST_EDGE + BIN_SECONDS / 2), [*edges, np.inf])

    def quantile(share: float) -> float:
        return round(float(seconds.quantile(share)), 3)

    return {
        "from": edges.tolist(),
        "rows": counts.tolist(),
        "shortest": quantile(0.0),
        "median": quantile(0.5),
        "95 % below": quantile(0.95),
        "longest": quantile(1.0),
        "mean": round(float(seconds.mean()), 3),
    }


def _ledger(store: Store, corpus: str) -> list[LedgerGroup]:
    counts = store.corpora[corpus]["counts"]
    states = {
        STORED: {"": counts["stored"]},
        SILENCED: counts["silenced"],
        DROPPED: counts["dropped"],
        NOT_A_ROW: counts["others"],
    }
    return [
        {"corpus": corpus, "state": state, "reason": reason, "rows": rows}
        for state, reasons in states.items()
        for reason, rows in reasons.items()
        if rows
    ]
