"""A draft from the entries of somebody's list: which row each is, and what fits on neither side."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from merdata.corpora.corpus import Key
from merdata.errors import SplitError
from merdata.io.outside import cut
from merdata.splits.draft import Draft
from merdata.splits.exchange.entry import Entry, OurRow, stem
from merdata.splits.exchange.lists import Listed
from merdata.splits.exchange.names import match, rows_by_id
from merdata.store.protocol import TEST, TRAIN, VALIDATION
from merdata.store.store import Store

EXAMPLES = 3


def by_key(
    store: Store, corpus: str, entries: list[Entry], key: Key, rows: pd.DataFrame, *, fill: bool
) -> tuple[Draft, list[str]]:
    """The draft of entries whose keys a corpus states, and the keys that fit no row.

    Args:
        store: the store.
        corpus: whose rows they are.
        entries: of the list.
        key: what the list calls a row.
        rows: of the corpus in the store.
        fill: whether a fold that lists no train rows, as in partial checkouts, trains on all the rest.

    Raises:
        SplitError: no entry is of the store, or a row is in two splits of a fold.
    """
    ids = _matched(entries, rows, key)
    strange = {entry.key for entry in entries if entry not in ids}
    dropped = strange & _keys_of_dropped_rows(store, corpus, key)
    draft = _draft(entries, ids, rows, fill)
    draft.notes += _remarks(corpus, strange - dropped, dropped, draft, rows)
    return draft, sorted(strange - dropped)


def by_name(
    store: Store, corpus: str, listed: Listed, rows: pd.DataFrame, *, fill: bool = False
) -> tuple[Draft, list[str]]:
    """As `by_key`, of entries that name ids, paths or files, by the column with which most rows are found."""
    known, there = rows_by_id(store, corpus), set(rows["id"])
    found = {
        column: match({entry.file: None for entry in own}, known, corpus)
        for column, own in listed.entries.items()
    }
    column = max(found, key=lambda column: len(found[column].ids))
    (ids, how), entries = found[column], listed.entries[column]
    matched = {entry: ids[entry.file] for entry in entries if ids.get(entry.file) in there}
    strange = {entry.key for entry in entries if entry.file not in ids}
    dropped = {entry.key for entry in entries if entry.file in ids and entry not in matched}
    draft = _draft(entries, matched, rows, fill)
    repeated = sum(times - 1 for times in Counter(entries).values())
    draft.notes += [*listed.remarks, f"rows are matched by {how}"]
    draft.notes += [f"{repeated:,} rows of the list repeat another"] if repeated else []
    draft.notes += _remarks(corpus, strange, dropped, draft, rows)
    draft.names = {number: name for number, name in listed.folds.items() if name != str(number)}
    return draft, sorted(strange)


def _draft(entries: list[Entry], ids: Mapping[Entry, str], rows: pd.DataFrame, fill: bool) -> Draft:
    splits: dict[int, dict[str, str]] = {}
    for entry, id in ids.items():
        fold = splits.setdefault(entry.fold, {})
        if fold.setdefault(id, entry.split) != entry.split:
            raise SplitError(f"fold {entry.fold} has {cut(entry.key)} in {fold[id]} and in {entry.split}")
    if not splits:
        if not entries:
            raise SplitError("the list is empty: it must name a row, with its split, for each file")
        raise SplitError(
            f"none of the {len(entries):,} rows of the list fits one row of the store, as "
            f"{cut(entries[0].key)}: there is no such file, or several (then write their folders, too)"
        )
    for fold in splits.values():
        if fill and TRAIN not in fold.values():
            fold |= {id: TRAIN for id in rows["id"] if id not in fold}
    if len(splits) == 1:
        splits = dict(enumerate(splits.values()))
    return Draft({number: pd.Series(fold, dtype=object) for number, fold in splits.items()})


def _matched(entries: Iterable[Entry], rows: pd.DataFrame, key: Key) -> dict[Entry, str]:
    """Entry -> id of our row; where a key fits several rows, the name of the audio file decides."""
    ids: dict[str, list[str]] = {}
    row: OurRow
    for row in rows.itertuples():
        ids.setdefault(key(row), []).append(str(row.id))
    found = {}
    for entry in entries:
        fitting = ids.get(entry.key, [])
        if len(fitting) > 1:
            fitting = [id for id in fitting if stem(id).casefold() == stem(entry.file).casefold()]
        if len(fitting) == 1:
            found[entry] = fitting[0]
    return found


class DroppedRow(NamedTuple):
    """A row of the ledger that is not in the store."""

    id: str
    speaker: str
    raw_label: str


def _keys_of_dropped_rows(store: Store, corpus: str, key: Key) -> set[str]:
    """What they call the rows that are not in the store because their label has no class there."""
    ledger = store.ledger(corpus, ["id", "shard", "raw_label", "reason"]).to_pylist()
    dropped = [row for row in ledger if row["reason"] == "label"]
    # The ledger has no speakers, but a shard is one wherever somebody's key names speakers.
    return {key(DroppedRow(row["id"], row["shard"], row["raw_label"] or "")) for row in dropped}


def _remarks(
    corpus: str, strange: Collection[str], dropped: Collection[str], draft: Draft, rows: pd.DataFrame
) -> list[str]:
    """What fits no row, what is of no use, and what is in no list."""
    listed = set().union(*(fold.index for fold in draft.folds.values()))
    unlisted = [id for id in rows["id"] if id not in listed]
    remarks = []
    if strange:
        remarks.append(f"{len(strange):,} keys fit no row of the store, or several, as {_some(strange)}")
    if dropped:
        remarks.append(f"{len(dropped):,} keys are of rows that the build dropped, as {_some(dropped)}")
    if unlisted:
        remarks.append(
            f"{len(unlisted):,} rows of {corpus} are in no list: they are in no split, as {_some(unlisted)}"
        )
    for split in (TRAIN, VALIDATION, TEST):
        if not any((fold == split).any() for fold in draft.folds.values()):
            remarks.append(f"the lists name no {split} rows")
    return remarks


def _some(names: Collection[str]) -> str:
    return ", ".join(sorted(names)[:EXAMPLES])
