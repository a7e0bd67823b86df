"""The figures of a store as plain data: what the terminal, the page and the card show."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from merdata.store.ledger import DROPPED, SILENCED, STORED
from merdata.store.protocol import SPLITS, Protocol, load_protocol, protocol_names
from merdata.store.store import Store, open_store

DEFAULT_PROTOCOL = "mer"
UNLABELLED, NO_SPLIT, UNKNOWN = "unlabelled", "in no split", "unknown"
NOT_A_ROW = "not a row"  # the state of duplicates, strays and songs
COLUMNS = ("id", "corpus", "label", "speaker", "gender", "language", "seconds")
BIN_SECONDS, LAST_EDGE = 0.5, 15.0  # the last bin of the histogram is open: 15 s and more


def statistics(store: str | Path | Store, protocol: str | None = None, fold: int | str = 0) -> dict[str, Any]:
    """The figures of a store, ready for JSON.

    Args:
        store: the store, or its folder.
        protocol: whose splits to count (default: `mer` where the store has it, else none).
        fold: of the protocol, by number or name.

    Returns:
        `classes`; `rows` and `seconds` in all; `protocol` (name, hash, fold, kind) or None; `corpora`, a
        record each; `by`: corpus, class, split, gender, language and speaker -> records of value, rows and
        seconds; `cross`: `class by corpus`, `class by split` and `split by corpus` -> value -> value -> rows;
        `durations`, a histogram in seconds; `ledger`, records of corpus, state, reason and rows.

    Raises:
        SplitError: there is no such protocol or fold.
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
        "corpora": [_corpus(store, name, part) for name, part in table.groupby("corpus")],
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
    """The protocol of that name; without a name the default one, or None where the store lacks it.

    Raises:
        SplitError: there is none of that name.
    """
    if name is None and DEFAULT_PROTOCOL not in protocol_names(store):
        return None
    return load_protocol(store, name or DEFAULT_PROTOCOL)


def split_column(ids: pd.Series[str], protocol: Protocol | None, fold: int | str) -> pd.Series[str]:
    """The split of each row; `in no split` where the protocol leaves it out."""
    return ids.map(protocol.splits(fold) if protocol else {}).astype(object).fillna(NO_SPLIT)


def _facts_of(protocol: Protocol, fold: int | str) -> dict[str, Any]:
    kind = protocol.properties.get("kind", protocol.name)
    return {"name": protocol.name, "hash": protocol.hash, "fold": str(fold), "kind": kind}


def _corpus(store: Store, name: str, part: pd.DataFrame) -> dict[str, Any]:
    facts = store.corpora[name]
    told = {key: facts[key] for key in ("title", "domain", "licence", "homepage")}
    promised = {key: facts["counts"][key] for key in ("expected", "discovered")}
    speakers = part["speaker"].nunique()
    return {
        "corpus": name,
        **told,
        **promised,
        "rows": len(part),
        "seconds": _seconds(part),
        "speakers": speakers,
    }


def _seconds(part: pd.DataFrame) -> float:
    return round(float(part["seconds"].sum()), 3)


def _by(table: pd.DataFrame, column: str, order: Sequence[str] | None) -> list[dict[str, Any]]:
    """Rows and seconds of each value that occurs: in the given order, else the most frequent first."""
    sums = table.groupby(column)["seconds"].agg(["size", "sum"])
    names = [name for name in order if name in sums.index] if order else _frequent_first(sums)
    return [
        {"value": name, "rows": int(sums["size"][name]), "seconds": round(float(sums["sum"][name]), 3)}
        for name in names
    ]


def _frequent_first(sums: pd.DataFrame) -> list[str]:
    return sorted(sums.index, key=lambda name: (-sums["size"][name], name))


def _speakers(table: pd.DataFrame) -> list[dict[str, Any]]:
    sums = table.groupby(["corpus", "speaker"])["seconds"].agg(["size", "sum"])
    return [
        {"corpus": corpus, "value": speaker, "rows": int(rows), "seconds": round(float(seconds), 3)}
        for (corpus, speaker), rows, seconds in zip(sums.index, sums["size"], sums["sum"], strict=True)
    ]


def _cross(
    table: pd.DataFrame, inner: str, outer: str, orders: dict[str, list[str]]
) -> dict[str, dict[str, int]]:
    """outer value -> inner value -> rows, zeros left out."""
    counts: dict[Any, dict[Any, int]] = pd.crosstab(table[outer], table[inner]).to_dict("index")
    outers = [name for name in orders.get(outer, sorted(counts)) if name in counts]
    return {
        name: {one: counts[name][one] for one in orders[inner] if counts[name].get(one)} for name in outers
    }


def _durations(seconds: pd.Series[float]) -> dict[str, Any]:
    edges = np.arange(0, LAST_EDGE + BIN_SECONDS, BIN_SECONDS)
    counts, _ = np.histogram(seconds.clip(upper=LAST_EDGE + BIN_SECONDS / 2), [*edges, np.inf])
    quantiles = {"shortest": 0.0, "median": 0.5, "95 % below": 0.95, "longest": 1.0}
    return {
        "from": edges.tolist(),
        "rows": counts.tolist(),
        **{name: round(float(seconds.quantile(share)), 3) for name, share in quantiles.items()},
        "mean": round(float(seconds.mean()), 3),
    }


def _ledger(store: Store, corpus: str) -> list[dict[str, Any]]:
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
