"""Which file of a folder a table means: by a path that is relative, absolute, with backslashes, or cut."""

from __future__ import annotations

import ntpath
import os
import posixpath
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath

from merdata.corpora.account import some
from merdata.corpora.csv_table import Row
from merdata.corpora.tree import Tree
from merdata.corpora.walk import audio_stem, split_ending
from merdata.errors import LayoutError

SAMPLE = 1_000  # paths of a table, evenly spaced, that tell how all are meant


@dataclass
class Sources:
    """The files of a folder by what a table may call them.

    Attributes:
        tree: the folder.
        table: the table's own path.
        strip: what absolute paths begin with, where the files were moved.
        tally: how files were found, where it was not by their path.
        shared: name without a folder -> the files that have it, where these are several.
    """

    tree: Tree
    table: Path
    strip: str = ""
    tally: Counter[str] = field(default_factory=Counter)
    shared: dict[str, list[str]] = field(default_factory=dict)

    @cached_property
    def _stems(self) -> dict[str, list[str]]:
        """Path without the ending of an audio file -> paths."""
        stems: dict[str, list[str]] = {}
        for path in map(str, self.tree.paths):
            folder, slash, last = path.rpartition("/")
            if (stem := audio_stem(last)) is not None:
                stems.setdefault(f"{folder}{slash}{stem}", []).append(path)
        return stems

    @cached_property
    def _cases(self) -> dict[str, list[str]]:
        """Path of an audio file in any spelling, with its ending and without -> paths."""
        cases: dict[str, list[str]] = {}
        for stem, paths in self._stems.items():
            for name in {_spelled(stem), *map(_spelled, paths)}:
                cases.setdefault(name, []).extend(paths)
        return cases

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        """Name of an audio file, with its ending and without -> paths."""
        names: dict[str, list[str]] = {}
        for path in self.tree.paths:
            if (stem := audio_stem(path.name)) is not None:
                for name in {path.name, stem}:
                    names.setdefault(name, []).append(str(path))
        return names

    def find(self, rows: Sequence[Row]) -> list[tuple[str, str | None]]:
        """For each row the path that the table means, and the file, or None if there is none.

        Raises:
            LayoutError: a row has no file, or a path that leads out of the folder.
        """
        given = [self._relative(row) for row in rows]
        base = self._base(given)
        return [self._row(row, base(path), path) for row, path in zip(rows, given, strict=True)]

    def _row(self, row: Row, path: str, given: str) -> tuple[str, str | None]:
        found = self._found(path, given)
        if found[1] is None and folder_of(row):  # the column is something else, or the files were moved
            alone = self._found(row["file"], row["file"])
            return found if alone[1] is None else alone
        return found

    def _relative(self, row: Row) -> str:
        """A row's path with slashes, relative to the folder."""
        text = row.get("file", "")
        if not text:
            raise LayoutError(f"{row.where} has no file: write its path, or delete the row")
        path = f"{folder_of(row)}{text}".replace("\\", "/").removeprefix("file://")
        if self.strip and path.startswith(self.strip):
            return path[len(self.strip) :].lstrip("/")
        if path.startswith("/") or ntpath.splitdrive(path)[0]:
            return self._below(path, row)
        path = posixpath.normpath(path)
        return self._climbed(path, row) if path.startswith("../") else path

    def _climbed(self, path: str, row: Row) -> str:
        """A path that goes up, from the folder or from that of the table, and comes down in the folder."""
        if isinstance(self.tree.root, Path):
            root = self.tree.root.absolute()
            for start in (root, self.table.absolute().parent):
                inside = os.path.relpath(start / path, root).replace("\\", "/")
                if not inside.startswith("../"):
                    return inside
        raise LayoutError(
            f"{row.where}: {path} leads out of {self.tree.root}: pass the folder above as --source"
        )

    def _below(self, path: str, row: Row) -> str:
        roots = {str(self.tree.root).replace("\\", "/"), str(self.tree.root.absolute()).replace("\\", "/")}
        if isinstance(self.tree.root, Path):
            roots.add(str(self.tree.root.resolve()).replace("\\", "/"))
        for root in roots:
            if path.startswith(f"{root}/"):
                return path[len(root) + 1 :]
        raise LayoutError(
            f"{row.where}: {path} is not below {self.tree.root}: pass --source FOLDER that holds them; "
            f"if they were moved, say what their paths began with: --option {self.tree.corpus}.root=FOLDER"
        )

    def _base(self, given: Sequence[str]) -> Base:
        """The way to read all paths of the table with which most files are found."""
        folders = {path.rpartition("/")[0] for path in given}
        common = posixpath.commonpath(folders) if all(folders) else ""
        bases = [Base()]
        own = self._folder_of_table()
        bases += [Base(before=own)] if own else []
        parts = PurePosixPath(common).parts
        bases += [Base(without="/".join(parts[: depth + 1])) for depth in range(len(parts))]
        some = given[:: max(1, len(given) // SAMPLE)]

        def exist(base: Base) -> Iterator[bool]:
            return (self._exact(base(path)) is not None for path in some)

        return next((base for base in bases if all(exist(base))), None) or max(
            bases, key=lambda base: sum(exist(base))
        )

    def _folder_of_table(self) -> str:
        own = self.path_of_table()
        return str(own.parent) if own and own.parent.parts else ""

    def path_of_table(self) -> PurePosixPath | None:
        """The table's path below the folder, or None if it lies elsewhere."""
        try:
            return PurePosixPath(self.table.absolute().relative_to(self.tree.root.absolute()).as_posix())
        except ValueError:
            return None

    def _exact(self, path: str) -> str | None:
        if path in self.tree.names:
            return path
        own = self._stems.get(path, [])
        return own[0] if len(own) == 1 else None

    def _found(self, path: str, given: str) -> tuple[str, str | None]:
        if path in self.tree.names:
            return path, path
        if (file := self._exact(path)) is not None:
            self.tally["without their ending"] += 1
            return path, file
        other = self._stems.get(
            str(PurePosixPath(path).parent / split_ending(PurePosixPath(path).name)[0]), []
        )
        if len(other) == 1:
            self.tally["with another ending"] += 1
            return path, other[0]
        if len(other := self._cases.get(_spelled(path), [])) == 1:
            self.tally["by capitals or accents that are spelled in another way"] += 1
            return path, other[0]
        named = self._names.get(given, []) if "/" not in given else []
        if len(named) == 1:
            self.tally["in a folder that the table does not name"] += 1
            return path, named[0]
        if named:
            self.shared[given] = named
        return path, None

    def said(self, found: Sequence[tuple[str, str | None]]) -> list[str]:
        """Remarks on files that were not found by their path, and on those that do not exist."""
        missing = [path for path, file in found if file is None]
        said = [f"files found {how}: {number:,}" for how, number in self.tally.items()]
        if self.shared:
            name, files = next(iter(self.shared.items()))
            said.append(
                f"names that several files have: {len(self.shared):,}, such as {name} ({some(files)}): write "
                "the folder too, or a column `folder`"
            )
        return said + ([f"files that do not exist: {len(missing):,}, {some(missing)}"] if missing else [])


def _spelled(path: str) -> str:
    """A path in small letters, its accents joined to their letters: a Mac writes them apart."""
    return unicodedata.normalize("NFC", path).casefold()


def folder_of(row: Row) -> str:
    """What the column `folder` puts before a file that is named without one."""
    folder = row.get("folder", "").rstrip("/\\")
    return f"{folder}/" if folder and not {"/", "\\"} & set(row.get("file", "")) else ""


@dataclass(frozen=True)
class Base:
    """How the paths of a table become paths below the folder."""

    before: str = ""
    without: str = ""

    def __call__(self, path: str) -> str:
        if self.without:
            return path.removeprefix(f"{self.without}/")
        return f"{self.before}/{path}" if self.before else path
