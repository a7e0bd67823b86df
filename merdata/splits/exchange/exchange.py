"""Others' splits taken over row by row, and ours written for their tools. Theirs are read, never shipped."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from merdata.corpora.corpus import Key
from merdata.errors import SplitError
from merdata.io.files import write_text
from merdata.io.places import place
from merdata.splits.draft import Draft
from merdata.splits.exchange import emobox, s3prl
from merdata.splits.exchange.drafts import by_key, by_name
from merdata.splits.exchange.entry import Entry, key_of, states_key, stem
from merdata.splits.exchange.lists import Listed, read_lists, read_superb, read_table, soft_labels
from merdata.splits.exchange.names import match, rows_by_id
from merdata.splits.exchange.published import by_rule, published
from merdata.splits.make import finish, rows_of
from merdata.store.keep import keep_protocol
from merdata.store.links import check_output
from merdata.store.protocol import Protocol, check_name, load_protocol
from merdata.store.store import Store, open_store


@dataclass(frozen=True)
class SplitSource:
    """Somebody whose split is a list of files.

    Attributes:
        read: corpus and folder to entries.
        key: what they call a row of a corpus that does not state it.
        by_name: rows of a corpus that does not state it are found by the names of their files.
        rest_is_train: in a fold without a train list, train is what is in no other.
    """

    read: Callable[[str, Path], Iterator[Entry]]
    key: Key | None = None
    by_name: bool = False
    rest_is_train: bool = False


SOURCES = {
    emobox.NAME: SplitSource(emobox.read_folds, by_name=True, rest_is_train=True),
    "emobox-track2": SplitSource(emobox.read_track2, lambda row: f"{stem(row.id)} {row.speaker}"),
    "emosuperb": SplitSource(read_superb, by_name=True),
    "s3prl": SplitSource(s3prl.read_sessions),
}


def import_split(
    store: str | Path | Store,
    source: str,
    corpus: str,
    root: str | Path | None = None,
    *,
    name: str | None = None,
) -> tuple[Protocol, list[str]]:
    """Take over somebody's split of a corpus and write it into the store.

    Args:
        store: the store, or its folder.
        source: emobox, emobox-track2, emosuperb or s3prl, whose files are below `root`; or one whose rule is
            known (`published`), such as nkululeko.
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
        draft, unmatched = _from_files(store, source, corpus, place(root), rows)
    else:
        known = ", ".join([*SOURCES, *published()])
        raise SplitError(
            f"no split of {source!r} can be imported; those of {known} can be, and any that is a `table`"
        )
    made = finish(store, name, draft, {"kind": "import", "source": source, "chosen": True}, rows)
    keep_protocol(store, made)
    return made, unmatched


def export_split(store: str | Path | Store, target: str, protocol: str, out: str | Path) -> list[Path]:
    """Write a protocol of a store for somebody's tools; `emobox` is the one layout there is.

    Returns:
        The files.

    Raises:
        SplitError: there is no such layout or protocol, or a corpus has no name in it.
        StoreError: the store cannot be read, or `out` cannot be written.
    """
    if target != emobox.NAME:
        raise SplitError(f"splits can be exported in the layout of {emobox.NAME}, not of {target!r}")
    store, out = open_store(store), place(out)
    check_output(store.path, out / "data")
    return emobox.write_folds(store, load_protocol(store, protocol), out)


def import_table(
    store: str | Path | Store,
    corpus: str,
    table: str | Path | Mapping[str, str | Path],
    *,
    name: str | None = None,
) -> tuple[Protocol, list[str]]:
    """Take over a split that somebody wrote as a table, and write it into the store.

    Args:
        store: the store, or its folder.
        corpus: name of the corpus.
        table: csv, tsv, jsonl, json or Parquet with a row for each file: its id, path or name, its split and,
            if there, its fold. Or a list of files for each split: `{"train": path, "test": path}`.
        name: of the protocol (default `<corpus>_<name of the table>`).

    Returns:
        As `import_split`. Nothing is filled in: a row that the table does not name is in no split.

    Raises:
        CorpusNotFound, SplitError, StoreError: as `import_split`.
        LayoutError: a file cannot be read.
    """
    store = open_store(store)
    rows = rows_of(store, [corpus])
    if isinstance(table, Mapping):
        listed = read_lists({split: place(path) for split, path in table.items()})
        called = "lists"
    else:
        listed, called = read_table(place(table)), place(table).stem
    name = check_name(name or f"{corpus}_{re.sub(r'[^A-Za-z0-9_+-]+', '_', called).strip('_')}")
    draft, unmatched = by_name(store, corpus, listed, rows)
    made = finish(store, name, draft, {"kind": "import", "source": "table", "chosen": True}, rows)
    keep_protocol(store, made)
    return made, unmatched


def export_soft_labels(store: str | Path | Store, corpus: str, root: Path, out: Path) -> int:
    """Write EMO-SUPERB's distributions over a corpus's classes: a csv with the ids of the store.

    Returns:
        How many rows it has; names that fit no row of the store are left out.

    Raises:
        CorpusNotFound, SplitError, StoreError: as `import_split`; or `out` cannot be written.
    """
    store = open_store(store)
    known, shares = rows_by_id(store, *store.named([corpus])), soft_labels(corpus, root)
    ids = match(shares, known, corpus).ids
    rows = pd.DataFrame.from_dict({ids[name]: shares[name] for name in ids}, orient="index")
    write_text(out, rows.sort_index().to_csv(index_label="id", lineterminator="\n"))
    return len(rows)


def _from_files(
    store: Store, name: str, corpus: str, root: Path, rows: pd.DataFrame
) -> tuple[Draft, list[str]]:
    """The draft of a source's files, and the keys that fit no row."""
    source = SOURCES[name]
    entries = list(source.read(corpus, root))
    if source.by_name and not states_key(name, corpus):
        return by_name(store, corpus, Listed({"file": entries}), rows, fill=source.rest_is_train)
    key = key_of(name, corpus, source.key)
    return by_key(store, corpus, entries, key, rows, fill=source.rest_is_train)
