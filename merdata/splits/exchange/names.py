"""Which row is meant, where somebody's list names a file: by id, by file name, or by the end of a path."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath
from typing import NamedTuple

from merdata.corpora.walk import audio_stem
from merdata.store.ledger import NOT_ROWS
from merdata.store.store import Store
from merdata.utterance import file_of

PathParts = tuple[str, ...]
DEEPEST = 6  # parts of a path that are compared, from its end


class Matches(NamedTuple):
    """Names of a list -> ids of rows, in the store or dropped from it; and by what they were found."""

    ids: dict[str, str]
    how: str


def rows_by_id(store: Store, corpus: str) -> dict[str, str]:
    """Id -> source of all rows of a corpus, those too that are not in the store."""
    ledger = store.ledger(corpus, ["id", "source", "reason"]).to_pylist()
    return {row["id"]: file_of(row["source"] or "") for row in ledger if row["reason"] not in NOT_ROWS}


def match(names: Collection[str], sources: Mapping[str, str], corpus: str) -> Matches:
    """Find the row of each name, in the one way that finds most: ids, then ends of paths, the shorter first.

    A name that fits several rows, or a row that several names fit, is not matched.

    Args:
        names: ids, paths or file names, with or without ending, with any slashes.
        sources: id -> source of the corpus's rows.
        corpus: its name, with which ids begin.
    """
    given = {name: _parts(name) for name in names}
    ids = {id: _parts(id.removeprefix(f"{corpus}/")) for id in sources}
    paths = {id: _parts(source) for id, source in sources.items() if source}
    own = {
        name: parts[1:] if parts[:1] == (corpus,) and len(parts) > 1 else parts
        for name, parts in given.items()
    }
    best = Matches(_joined(own, own, ids), "id")
    for depth in range(1, DEEPEST + 1):
        ends = [{key: parts[-depth:] for key, parts in side.items()} for side in (own, paths)]
        found = _joined(own, *ends)
        if len(found) > len(best.ids):
            best = Matches(found, "file name" if depth == 1 else f"the last {depth} parts of the path")
    return best


def _joined(
    wholes: Mapping[str, PathParts], names: Mapping[str, PathParts], rows: Mapping[str, PathParts]
) -> dict[str, str]:
    """Name -> id, where the same end stands for one row, and for names that are the same as wholes."""
    row_of: dict[PathParts, list[str]] = {}
    for id, parts in rows.items():
        row_of.setdefault(parts, []).append(id)
    meant: dict[PathParts, set[PathParts]] = {}
    for name, parts in names.items():
        meant.setdefault(parts, set()).add(wholes[name])
    return {
        name: row_of[parts][0]
        for name, parts in names.items()
        if len(row_of.get(parts, ())) == 1 and len(meant[parts]) == 1
    }


def _parts(name: str) -> PathParts:
    """A path's parts without an audio ending; the form of accents, case and slashes do not matter."""
    plain = unicodedata.normalize("NFC", name.replace("\\", "/")).casefold()
    *folders, last = PurePosixPath(plain).parts or ("",)
    return (*folders, audio_stem(last) or last)
