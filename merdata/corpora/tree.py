"""The files of a corpus folder, and its text and csv files as rows."""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from merdata.errors import CorpusNotFound, LayoutError
from merdata.io.places import is_remote, listing, read_bytes

AUDIO = (".wav", ".mp4", ".flac")
Row = dict[str, str]


@dataclass(frozen=True)
class Tree:
    """The visible files below a corpus folder, as sorted paths relative to it, and the reader's options."""

    root: Path
    paths: tuple[PurePosixPath, ...]
    options: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def walk(cls, root: Path, options: Mapping[str, str] | None = None) -> Tree:
        """Walk a folder.

        Raises:
            CorpusNotFound: there is no such folder, or it may not be read.
        """
        if is_remote(root):
            return cls(root, tuple(sorted(_visible(listing(root)))) or _nothing(root), options or {})
        if not root.is_dir():
            raise CorpusNotFound(f"there is no folder {root}")
        try:
            names = sorted(_visible_files(root), key=lambda name: name.split("/"))
            return cls(root, tuple(map(PurePosixPath, names)), options or {})
        except PermissionError as error:
            raise CorpusNotFound(f"no permission to read {error.filename}") from error

    def matching(self, pattern: re.Pattern[str]) -> Iterator[tuple[PurePosixPath, re.Match[str]]]:
        """Files whose name (the last part of the path) matches the whole pattern, in sorted order."""
        for path in self.paths:
            match = pattern.fullmatch(path.name)
            if match:
                yield path, match

    def named(self, name: str) -> PurePosixPath | None:
        """The first file of that name, whatever its case, nearest to the root."""
        found = [path for path in self.paths if path.name.lower() == name.lower()]
        return min(found, key=lambda path: (len(path.parts), path), default=None)

    def read_csv(self, path: PurePosixPath, columns: Iterable[str]) -> list[Row]:
        """Rows of a csv file in UTF-8 or cp1252.

        Raises:
            LayoutError: it cannot be read, or lacks one of the columns.
        """
        return parse_csv(self.read_text(path), columns, self.root / path)

    def read_text(self, path: PurePosixPath) -> str:
        """A text file, as UTF-8 (with or without BOM) or else cp1252.

        Raises:
            LayoutError: it cannot be read.
        """
        try:
            data = read_bytes(self.root / path)
        except OSError as error:
            raise LayoutError(f"cannot read {self.root / path}: {error.strerror}") from error
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("cp1252", "replace")


def parse_csv(text: str, columns: Iterable[str], where: Path) -> list[Row]:
    """Rows of a csv text.

    Raises:
        LayoutError: it is no csv with these columns, or a row has too few or too many cells.
    """
    if "\0" in text:
        raise LayoutError(f"{where} holds NUL characters: it is no csv in UTF-8 or cp1252")
    # newline="" leaves line ends to csv: str.splitlines would break rows at U+0085.
    reader = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [name for name in columns if name not in (reader.fieldnames or [])]
        rows = list(reader)
    except csv.Error as error:
        raise LayoutError(f"{where}, line {reader.line_num}: {error}") from error
    if missing:
        raise LayoutError(f"{where} is not the csv expected: it has no column {', '.join(missing)}")
    for number, row in enumerate(rows, start=1):
        if None in row or None in row.values():
            raise LayoutError(f"{where}, row {number}: not as many cells as the header has columns")
    return rows


def _visible_files(root: Path) -> Iterator[str]:
    """Paths below root; macOS leaves `._name` beside files and `__MACOSX` beside folders.

    A folder that is named like an audio file is listed as one: a corpus then has that row, and it is refused.
    """
    for top, folders, names in os.walk(root, onerror=_raise):
        folders[:] = [name for name in folders if not name.startswith((".", "__MACOSX"))]
        below = "" if top == os.fspath(root) else f"{Path(top).relative_to(root).as_posix()}/"
        names += [name for name in folders if name.lower().endswith(AUDIO)]
        yield from (f"{below}{name}" for name in names if not name.startswith("."))


def _visible(names: Iterable[str]) -> Iterator[PurePosixPath]:
    """The same of a listing."""
    for path in map(PurePosixPath, names):
        folders = path.parts[:-1]
        if not path.name.startswith(".") and not any(one.startswith((".", "__MACOSX")) for one in folders):
            yield path


def _nothing(root: Path) -> tuple[PurePosixPath, ...]:
    raise CorpusNotFound(f"there is nothing below {root}")


def _raise(error: OSError) -> None:
    raise error
