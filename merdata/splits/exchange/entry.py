"""A row as somebody else's split names it, and the files that they are read from."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from merdata.errors import SplitError

Row = Any  # a row of ours, as DataFrame.itertuples gives it


@dataclass(frozen=True)
class Entry:
    """A line of a published split.

    Attributes:
        fold: from 1.
        split: in our words.
        key: their name of the row.
        file: name of its audio file without suffix, which tells rows with one key apart.
    """

    fold: int
    split: str
    key: str
    file: str


def stem(path: str) -> str:
    """The last part of an id or a path, without its suffix."""
    return PurePosixPath(path).stem


def read_json(path: Path, *, lines: bool = False) -> Any:
    """A JSON file, or one JSON value a line.

    Raises:
        SplitError: it is not there, or no JSON.
    """
    try:
        text = path.read_text("utf-8")
        return [json.loads(line) for line in text.splitlines() if line.strip()] if lines else json.loads(text)
    except OSError as error:
        raise SplitError(f"cannot read {path}: {error.strerror}") from error
    except ValueError as error:
        raise SplitError(f"{path} is no JSON: {error}") from error
