"""Others' splits taken over row by row, and ours written for their tools. Theirs are read, never shipped."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from merdata.corpora.corpus import Key
from merdata.errors import SplitError
from merdata.splits.draft import Draft
from merdata.splits.exchange import emobox, s3prl
from merdata.splits.exchange.entry import Entry, Row, key_of, stem
from merdata.splits.exchange.published import by_rule, published
from merdata.splits.make import finish, rows_of
from merdata.store.keep import keep_protocol
from merdata.store.links import check_output
from merdata.store.protocol import (
    TEST,
    TRAIN,
    VALIDATION,
    Protocol,
    check_name,
    load_protocol,
)
from merdata.store.store import Store, open_store

EXAMPLES = 3


@dataclass(frozen=True)
class Source:
    """Somebody whose split is a list of files.

    Attributes:
        read: corpus and folder to entries.
        key: what they call a row of a corpus that does not state it; None: it cannot be imported.
        rest_is_train: in a fold without a train list, train is what is in no other.
    """

    read: Callable[[str, Path], Iterator[Entry]]
    key: Key | None = None
    rest_is_train: bool = False


SOURCES = {
    emobox.NAME: Source(emobox.read_folds, rest_is_train=True),
    "emobox-track2": Source(emobox.read_track2, lambda row: f"{stem(row.id)} {row.speaker}"),
    "s3prl": Source(s3prl.read_sessions),
}


def import_split(
    store: str | Path | Store, source: str, corpus: str, root: Path | None = None, *, name: str | None = None
) -> tuple[Protocol, list[str]]:
    """Take over somebody's split of a corpus and write it into the store.

    Args:
        store: the store, or its folder.
        source: emobox, emobox-track2 or s3prl, whose files are below `root`; or one whose rule is known
            (`published`), such as nkululeko.
        corpus: name of the corpus.
        root: folder with their files.
        name: of the protocol (default `<corpus>_<source>`).

    Returns:
        The protocol, and the keys that fit no row; those of rows that the label policy dropped are not among
        them, but in the protocol's notes.

    Raises:
        CorpusNotFound: the store holds no such corpus.
        SplitError: they have no split of it, or their files are not as expected.
        StoreError: the store cannot be read or written.
    """
    store = open_store(store)
    name = check_name(name or f"{corpus}_{source}".replace("-", "_"))
    rows = rows_of(store, [corpus])
    unmatched: list[str] = []
    if source in published():
        draft = by_rule(source, corpus, rows)
    elif source in SOURCES:
        if root is None:
            raise SplitError(f"say where the files of {source} are: --root FOLDER")
        draft, unmatched = _from_files(store, source, corpus, root, rows)
    else:
        known = ", ".join([*SOURCES, *published()])
        raise SplitError(f"no split of {source!r} can be imported; those of {known} can be")
    made = finish(store, name, draft, {"kind": "import", "source": source, "chosen": True}, rows)
    keep_protocol(store, made)
    return made, unmatched


def export_split(store: str | Path | Store, target: str, protocol: str, out: Path) -> list[Path]:
    """Write a protocol of a store for somebody's tools; `emobox` is the one layout there is.

    Returns:
        The files.

    Raises:
        SplitError: there is no such layout or protocol, or a corpus has no name in it.
        StoreError: the store cannot be read, or `out` cannot be written.
    """
    if target != emobox.NAME:
        raise SplitError(f"splits can be exported in the layout of {emobox.NAME}, not of {target!r}")
    store = open_store(store)
    check_output(store.path, out / "data")
    return emobox.write_folds(store, load_protocol(store, protocol), out)


def _from_files(
    store: Store, name: str, corpus: str, root: Path, rows: pd.DataFrame
) -> tuple[Draft, list[str]]:
    source = SOURCES[name]
    key = key_of(name, corpus, source.key)
    entries = list(source.read(corpus, root))
    ids = _matched(entries, rows, key)
    splits: dict[int, dict[str, str]] = {}
    for entry in entries:
        if entry in ids:
            fold = splits.setdefault(entry.fold, {})
            if fold.setdefault(ids[entry], entry.split) != entry.split:
                raise SplitError(
                    f"fold {entry.fold} has {entry.key} in {fold[ids[entry]]} and in {entry.split}"
                )
    if not splits:
        raise SplitError(f"none of the {len(entries)} rows below {root} is in the store, as {entries[0].key}")
    if source.rest_is_train:
        for fold in splits.values():
            if TRAIN not in fold.values():
                fold |= {id: TRAIN for id in rows["id"] if id not in fold}
    if len(splits) == 1:
        splits = dict(enumerate(splits.values()))
    draft = Draft({number: pd.Series(fold, dtype=object) for number, fold in splits.items()})
    strange = {entry.key for entry in entries if entry not in ids}
    dropped = strange & _keys_of_dropped_rows(store, corpus, key)
    draft.notes += _remarks(corpus, strange - dropped, dropped, splits, rows)
    return draft, sorted(strange - dropped)


def _matched(entries: Iterable[Entry], rows: pd.DataFrame, key: Key) -> dict[Entry, str]:
    """Entry -> id of our row; where a key fits several rows, the name of the audio file decides."""
    ids: dict[str, list[str]] = {}
    row: Row
    for row in rows.itertuples():
        ids.setdefault(key(row), []).append(str(row.id))
    found = {}
    for entry in entries:
        fitting = ids.get(entry.key, [])
        if len(fitting) > 1:
            fitting = [id for id in fitting if stem(id).casefold() == entry.file.casefold()]
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
    ledger = store.ledger(corpus).select(["id", "shard", "raw_label", "reason"]).to_pylist()
    dropped = [row for row in ledger if row["reason"] == "label"]
    # The ledger has no speakers, but a shard is one wherever somebody's key names speakers.
    return {key(DroppedRow(row["id"], row["shard"], row["raw_label"] or "")) for row in dropped}


def _remarks(
    corpus: str,
    strange: Collection[str],
    dropped: Collection[str],
    splits: dict[int, dict[str, str]],
    rows: pd.DataFrame,
) -> list[str]:
    remarks = []
    if strange:
        shown = ", ".join(sorted(strange)[:EXAMPLES])
        remarks.append(f"{len(strange):,} keys fit no row of the store, as {shown}")
    if dropped:
        shown = ", ".join(sorted(dropped)[:EXAMPLES])
        remarks.append(f"{len(dropped):,} keys are of rows that the label policy dropped, as {shown}")
    unused = len(rows) - len({id for fold in splits.values() for id in fold})
    if unused:
        remarks.append(f"{unused:,} rows of {corpus} are in no list: they are in no split")
    for split in (TRAIN, VALIDATION, TEST):
        if not any(split in fold.values() for fold in splits.values()):
            remarks.append(f"the lists name no {split} rows")
    return remarks
