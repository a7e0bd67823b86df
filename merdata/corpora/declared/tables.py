"""The table of a corpus's rows: csv, JSON, JSON lines or YAML, with a second one joined to it."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

import yaml

from merdata.corpora.declared.schema import Join, Table
from merdata.corpora.declared.template import Template
from merdata.corpora.tree import Tree, agreed
from merdata.corpora.walk import audio_stem
from merdata.errors import LayoutError, reason_of
from merdata.io.objects import Objects, as_objects, parse_objects
from merdata.io.strict_yaml import load_table

LINES, YAML = ".jsonl", (".yaml", ".yml")
OBJECTS = (".json", LINES, *YAML)
Cells = dict[str, "str | None"]  # column -> stripped cell; None for an empty one


@dataclass(frozen=True)
class Record:
    """A row of the table.

    Attributes:
        audio: name of its audio file, perhaps with folders, without ending.
        columns: its cells, and the name of the file without ending as `table`.
        path: the table's file.
        where: file and row, for messages.
        passed_over: why the row does not count, if so.
    """

    audio: str
    columns: Cells
    path: PurePosixPath
    where: str
    passed_over: str = ""


@dataclass(frozen=True)
class Records:
    """The rows of a table by the name of their audio.

    Attributes:
        by_stem: last part of the name -> rows.
        names: of the files, for notes.
    """

    by_stem: dict[str, list[Record]] = field(default_factory=dict)
    names: str = ""

    def __iter__(self) -> Iterator[Record]:
        """All rows."""
        for own in self.by_stem.values():
            yield from own

    def of(self, path: PurePosixPath, stem: str) -> list[Record]:
        """The rows of an audio file, several where they are spans of it.

        Its name must fit, and the folders that the table names, if they tell files of a name apart.
        """
        folders = f"/{path.parent}/{stem}"
        candidates = self.by_stem.get(stem, [])
        names = {record.audio for record in candidates}
        fitting = [name for name in names if folders.endswith(f"/{name}")] or (
            names if len(names) == 1 else ()
        )
        nearest = max(fitting, key=len, default=None)
        return [record for record in candidates if record.audio == nearest]


def read_records(tree: Tree, table: Table, columns: Sequence[str], cost: str) -> Records:
    """All rows of the table's files; a remark says what is missing and what that costs.

    Raises:
        LayoutError: a file cannot be read, or lacks one of the columns.
    """
    paths = _files(tree, table.file, cost)
    records = Records(names=", ".join(sorted({path.name for path in paths})) or table.file)
    join = _Joined(tree, table.join) if table.join and paths else None
    template = Template(table.audio)
    own = [*template.names, *table.where, *(table.join.by if table.join else ())]
    for path in paths:
        stem = path.stem.lower() if table.file.islower() else path.stem  # whatever a copy made of its case
        for place, row in enumerate(read_rows(tree, path, own, quotes=table.quotes)):
            cells = {**join.columns_of(row), **row} if join else row
            if place == 0 and not (join and join.is_missing):
                _check_columns(columns, cells, str(tree.root / path))
            cells["table"] = stem
            if audio := template.fill(cells):
                where = f"{tree.root / path}, row {place + 1}"
                record = Record(stem_of(audio), cells, path, where, _passed_over(cells, table))
                records.by_stem.setdefault(record.audio.rpartition("/")[2], []).append(record)
    return records


class _Joined:
    """The second table by the column that joins it."""

    def __init__(self, tree: Tree, join: Join) -> None:
        ((self._left, right),) = join.by.items()
        path = tree.metadata(join.file, "what it says of the rows is missing")
        self.is_missing = path is None
        rows = read_rows(tree, path, [right], quotes=True) if path else ()
        self._rows, twice = agreed((cells[right] or "", cells) for cells in rows)
        if twice:
            where = f"{tree.root / path}, column {right}" if path else ""
            raise LayoutError(f"{where}: two rows have {min(twice)!r} and say different things: delete one")
        self._columns: Cells = dict.fromkeys(next(iter(self._rows.values()), {}))

    def columns_of(self, row: Cells) -> Cells:
        return self._rows.get(row.get(self._left) or "", self._columns)


def _check_columns(columns: Sequence[str], cells: Cells, where: str) -> None:
    if missing := [column for column in columns if column not in cells]:
        there = ", ".join(cells) or "none"
        raise LayoutError(f"{where} has no column {', '.join(missing)}: its columns are {there}")


def _files(tree: Tree, name: str, cost: str) -> list[PurePosixPath]:
    """The table's files; copies of one that say the same count once."""
    if "*" not in name:
        path = tree.metadata(name, cost)
        return [path] if path else []
    wanted = re.compile(fnmatch.translate(name.lower()))
    names = sorted({path.name for path in tree.paths if wanted.fullmatch(path.name.lower())})
    if not names:
        tree.remarks.append(f"{name} is missing: {cost}")
    return [tree.one_of(tree.named(each)) for each in names]


def read_rows(tree: Tree, path: PurePosixPath, columns: Sequence[str], *, quotes: bool) -> Iterator[Cells]:
    """The rows of a table of any kind.

    Raises:
        LayoutError: it cannot be read, or is csv and lacks one of the columns.
    """
    if path.suffix.lower() in OBJECTS:
        for row in _objects(tree, path):
            yield {name: _text(value) for name, value in row.items()}
    else:
        for cells in tree.read_csv(path, columns, quotes=quotes):
            yield {name: value.strip() or None for name, value in cells.items()}


def _objects(tree: Tree, path: PurePosixPath) -> Objects:
    """The objects of a JSON or YAML file, one for each row."""
    text, ending = tree.read_text(path), path.suffix.lower()
    try:
        rows = as_objects(load_table(text)) if ending in YAML else parse_objects(text, lines=ending == LINES)
    except (ValueError, yaml.YAMLError) as error:
        raise LayoutError(f"cannot read {tree.root / path}: {reason_of(error)}") from error
    if not rows:
        tree.remarks.append(f"{path} has no rows: it says nothing")
    return rows


def _text(value: Any) -> str | None:
    """A cell of JSON as text; an empty one, `null` and a list or object are missing."""
    if value is None or value != value or isinstance(value, (list, dict)):  # NaN is not itself
        return None
    return str(value).strip() or None


def stem_of(audio: str) -> str:
    """The name of a row's audio without its ending, with `/` between folders."""
    folder, slash, name = audio.replace("\\", "/").removeprefix("./").rpartition("/")
    return f"{folder}{slash}{audio_stem(name) or name}"


def _passed_over(cells: Cells, table: Table) -> str:
    for column, wanted in table.where.items():
        if cells.get(column) not in wanted:
            return f"{column} is {cells.get(column) or 'empty'}"
    return ""
