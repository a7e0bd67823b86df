"""The figures of a store as plain data, for the terminal, the page and the card."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, TypedDict

import numpy as np
import numpy.typing as npt
import pyarrow as pa

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


def statistics(
    store: str | Path | Store, protocol: str | Protocol | None = None, fold: int | str = 0
) -> Figures:
    """The figures of a store, ready for JSON.

    Args:
        store: the store, or its folder.
        protocol: whose splits to count, by name or loaded (default: `mer` where the store has it, else none).
        fold: of the protocol, by number or name.

    Raises:
        SplitError: the protocol or the fold does not exist.
        StoreError: the store cannot be read.
    """
    store = open_store(store)
    chosen = choose_protocol(store, protocol)
    table = _counted(store, chosen, fold)
    orders = {"class": [*store.space.classes, UNLABELLED], "split": [*SPLITS, NO_SPLIT]}
    seconds = table["seconds"].to_numpy()
    return {
        "classes": list(store.space.classes),
        "rows": len(table),
        "seconds": _rounded(seconds.sum()),
        "protocol": _facts_of(chosen, fold) if chosen else None,
        "corpora": _corpora(store, table),
        "by": {
            name: _by(table, name, orders.get(name))
            for name in ("corpus", "class", "split", "gender", "language")
        }
        | {"speaker": _speakers(table)},
        "cross": {
            f"{inner} by {outer}": _cross(table, inner, outer, orders)
            for inner, outer in (("class", "corpus"), ("class", "split"), ("split", "corpus"))
        },
        "durations": _durations(seconds),
        "ledger": [record for name in sorted(store.corpora) for record in _ledger(store, name)],
    }


def _counted(store: Store, protocol: Protocol | None, fold: int | str) -> pa.Table:
    """The columns that are counted, with names for what is not known."""
    rows = store.rows(COLUMNS).select(COLUMNS)
    columns = {name: rows[name] for name in ("corpus", "speaker", "language")}
    columns["class"] = rows["label"].fill_null(UNLABELLED)
    columns["gender"] = rows["gender"].fill_null(UNKNOWN)
    columns["seconds"] = rows["seconds"].cast(pa.float64())
    columns["split"] = split_column(rows["id"], protocol, fold)
    return pa.table(columns)


def choose_protocol(store: Store, name: str | Protocol | None) -> Protocol | None:
    """The protocol of that name; without a name the default one, or None where the store does not have it.

    Raises:
        SplitError: the store has no protocol of that name.
    """
    if isinstance(name, Protocol):
        return name
    if name is None and DEFAULT_PROTOCOL not in protocol_names(store):
        return None
    return load_protocol(store, name or DEFAULT_PROTOCOL)


def split_column(ids: pa.ChunkedArray, protocol: Protocol | None, fold: int | str) -> pa.Array:
    """The split of each row; `in no split` where the protocol does not use it."""
    if protocol is None:
        return pa.repeat(NO_SPLIT, len(ids))
    return protocol.split_column(ids, fold).fill_null(NO_SPLIT)


def _facts_of(protocol: Protocol, fold: int | str) -> ProtocolFacts:
    kind = protocol.properties.get("kind", protocol.name)
    return {"name": protocol.name, "hash": protocol.hash, "fold": str(fold), "kind": kind}


def _corpora(store: Store, table: pa.Table) -> list[CorpusFigures]:
    speakers = Counter(corpus for corpus, _ in _groups(table, "corpus", "speaker"))
    return [
        {
            "corpus": name,
            "title": store.corpora[name]["title"],
            "domain": store.corpora[name]["domain"],
            "licence": store.corpora[name]["licence"],
            "homepage": store.corpora[name]["homepage"],
            "expected": store.corpora[name]["counts"]["expected"],
            "discovered": store.corpora[name]["counts"]["discovered"],
            "rows": rows,
            "seconds": seconds,
            "speakers": speakers[name],
        }
        for (name,), (rows, seconds) in sorted(_groups(table, "corpus").items())
    ]


def _groups(table: pa.Table, *columns: str) -> dict[tuple[str, ...], tuple[int, float]]:
    """Values of some columns that occur together -> rows and seconds; rows without a value are left out."""
    sums = table.group_by(list(columns), use_threads=False).aggregate([([], "count_all"), ("seconds", "sum")])
    values = zip(*(sums[name].to_pylist() for name in columns), strict=True)
    totals = zip(sums["count_all"].to_pylist(), map(_rounded, sums["seconds_sum"].to_pylist()), strict=True)
    return {key: total for key, total in zip(values, totals, strict=True) if None not in key}


def _rounded(seconds: float) -> float:
    return round(float(seconds), 3)


def _by(table: pa.Table, column: str, order: Sequence[str] | None) -> list[Group]:
    """Rows and seconds of each value that occurs: in the given order, else the most frequent first."""
    groups = {value: totals for (value,), totals in _groups(table, column).items()}
    names = order or sorted(groups, key=lambda name: (-groups[name][0], name))
    return [
        {"value": name, "rows": groups[name][0], "seconds": groups[name][1]}
        for name in names
        if name in groups
    ]


def _speakers(table: pa.Table) -> list[Group]:
    return [
        {"corpus": corpus, "value": speaker, "rows": rows, "seconds": seconds}
        for (corpus, speaker), (rows, seconds) in sorted(_groups(table, "corpus", "speaker").items())
    ]


def _cross(table: pa.Table, inner: str, outer: str, orders: Mapping[str, list[str]]) -> Cross:
    """Outer value -> inner value -> rows, zeros left out."""
    groups = _groups(table, outer, inner)
    outers = {value for value, _ in groups}
    return {
        name: {value: groups[name, value][0] for value in orders[inner] if (name, value) in groups}
        for name in orders.get(outer, sorted(outers))
        if name in outers
    }


def _durations(seconds: npt.NDArray[np.float64]) -> Durations:
    edges = np.arange(0, LAST_EDGE + BIN_SECONDS, BIN_SECONDS)
    counts, _ = np.histogram(seconds.clip(max=LAST_EDGE + BIN_SECONDS / 2), [*edges, np.inf])
    shortest, median, most, longest = np.quantile(seconds, [0.0, 0.5, 0.95, 1.0])
    return {
        "from": edges.tolist(),
        "rows": counts.tolist(),
        "shortest": _rounded(shortest),
        "median": _rounded(median),
        "95 % below": _rounded(most),
        "longest": _rounded(longest),
        "mean": _rounded(seconds.mean()),
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
