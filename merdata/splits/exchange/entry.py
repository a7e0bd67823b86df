"""A row as somebody else's split names it, and the files that they are read from."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from merdata.corpora.corpus import Key
from merdata.corpora.registry import get_corpus, registry
from merdata.errors import CorpusNotFound, SplitError
from merdata.io.outside import parse_json, read_some

OurRow = Any  # a row of ours, as DataFrame.itertuples gives it (`StoredRow` with more columns)


@dataclass(frozen=True)
class Entry:
    """A line of a published split.

    Attributes:
        fold: from 1.
        split: in our words.
        key: their name of the row.
        file: path or name of its audio file, or an id, as they write it.
    """

    fold: int
    split: str
    key: str
    file: str


def states_key(source: str, corpus: str) -> bool:
    """Whether a corpus states what a source calls its rows."""
    known = registry().get(corpus)
    return known is not None and source in known.keys


def key_of(source: str, corpus: str, default: Key | None = None) -> Key:
    """What a source calls a row of a corpus, as the corpus states it.

    Raises:
        SplitError: the corpus does not state it, and there is no default.
    """
    try:
        key = get_corpus(corpus).keys.get(source, default)
    except CorpusNotFound:  # a store of a package that is not installed here
        key = default
    if key is None:
        known = [name for name, one in registry().items() if source in one.keys]
        raise SplitError(f"the names that {source} uses are known for {', '.join(known)}, not for {corpus}")
    return key


def stem(path: str) -> str:
    """The last part of an id or a path, without its suffix."""
    return PurePosixPath(path).stem


def read_json(path: Path, *, lines: bool = False) -> Any:
    """A JSON file, or one JSON value a line.

    Raises:
        SplitError: it is missing, or is not JSON.
    """
    try:
        data = read_some(path)
        if not lines:
            return parse_json(data, finite=False)
        return [parse_json(line, finite=False) for line in data.splitlines() if line.strip()]
    except OSError as error:
        raise SplitError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SplitError(f"{path} is not JSON: {error}") from error
