"""A table of recordings that somebody wrote: csv, tsv, jsonl, json or Parquet, its columns by usual names."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from merdata.corpora.csv_table import DELIMITERS, Row, parse_csv
from merdata.corpora.encodings import UTF8, Text, decode, languages_with_an_alphabet
from merdata.errors import LayoutError, OptionError, UnknownEncoding
from merdata.io.objects import Objects, parse_objects
from merdata.io.outside import cut, read_some
from merdata.io.parquet import open_table, read_open
from merdata.io.places import is_remote

ENDINGS = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet")
SPREADSHEETS = (".xlsx", ".xls", ".xlsm", ".ods")
MOST_BYTES = 1 << 30  # of a table: some ten million rows
SEPARATOR = re.compile(r"\Asep=.\r?\n", re.IGNORECASE)  # the first line of a csv that Excel wrote, perhaps
NOTHING = frozenset({"nan", "NaN"})  # a missing cell of a data frame that was written as text


@dataclass(frozen=True)
class TableFile:
    """A table, read.

    Attributes:
        path: of the file.
        names: our name of a column -> its name in the table.
        others: columns that nothing here uses.
        rows: by our names; cells are text without blanks around, empty where the table has none.
        encoding: of its text.
    """

    path: Path
    names: dict[str, str]
    others: list[str]
    rows: list[Row]
    encoding: str = UTF8[0]

    @cached_property
    def notes(self) -> tuple[str, ...]:
        """What its rows should say of how it was read."""
        other = f"encoding: {self.path.name} is {self.encoding}, not UTF-8"
        return () if self.encoding in UTF8 else (other,)

    def said(self) -> str:
        """Which columns were taken for what, in a sentence."""
        taken = ", ".join(
            ours if ours == theirs else f"{ours} = {theirs}" for ours, theirs in self.names.items()
        )
        rest = f"; not used: {cut(', '.join(self.others))}" if self.others else ""
        encoding = "" if self.encoding in UTF8 else f"; read as {self.encoding}"
        return f"{self.path.name}: columns {taken}{rest}{encoding}"


def read_table_file(path: Path, wanted: Collection[str], encoding: str | None = None) -> TableFile:
    """Read a table; its columns may have any of their usual names (`columns.yaml`).

    Args:
        path: the file.
        wanted: our names of the columns that are of use.
        encoding: of a text that is not UTF-8, where the user knows it.

    Raises:
        LayoutError: it cannot be read, or is not a table.
        OptionError: there is no such encoding.
    """
    if path.suffix.lower() in SPREADSHEETS:
        raise LayoutError(f"{path} is a spreadsheet: save its sheet as csv, and name that file")
    if path.suffix.lower() not in ENDINGS:
        raise LayoutError(f"{path} is not a table: its name must end in one of {', '.join(ENDINGS)}")
    if not is_remote(path) and path.exists() and not path.is_file():  # a pipe would be waited for
        raise LayoutError(f"cannot read {path}: it is not a regular file")
    try:
        header, rows, encoding = _read(path, wanted, encoding)
    except OSError as error:
        raise LayoutError(f"cannot read {path}: {error.strerror or error}") from error
    names = recognise(header, wanted)
    ours = {theirs: name for name, theirs in names.items()}
    known = [
        Row({ours[key]: _filled(cell) for key, cell in row.items() if key in ours}, row.where)
        for row in rows
        if any(map(str.strip, row.values()))  # spreadsheets leave rows of nothing but delimiters
    ]
    others = [name for name in header if name and name not in ours]
    return TableFile(path, names, others, known, encoding)


def recognise(header: Sequence[str], wanted: Collection[str]) -> dict[str, str]:
    """Our name of a column -> the column of a table that it is, by the order of `columns.yaml`."""
    there: dict[str, str] = {}
    for name in header:
        there.setdefault(_plain(name), name)
    taken: dict[str, str] = {}
    for ours, usual in usual_names().items():
        theirs = next((there[name] for name in usual if name in there), None) if ours in wanted else None
        if theirs is not None and theirs not in taken.values():
            taken[ours] = theirs
    return taken


def called(header: Iterable[str], ours: str) -> list[str]:
    """The columns of a header that have one of the usual names of ours."""
    return [name for name in header if _plain(name) in usual_names()[ours]]


@cache
def usual_names() -> dict[str, list[str]]:
    """Our name of a column -> its usual names, without case, blanks and signs."""
    text = (files(__package__) / "columns.yaml").read_text("utf-8")
    names: dict[str, list[str]] = yaml.safe_load(text)
    return names


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).lower()


def _read(path: Path, wanted: Collection[str], encoding: str | None) -> tuple[list[str], list[Row], str]:
    """The header of a table, its rows by the names there, and its encoding."""
    ending = path.suffix.lower()
    if ending == ".parquet":
        return *_with_header(_parquet(path), path), UTF8[0]
    content, told = read_text_file(path, encoding)
    text = SEPARATOR.sub("", content)
    if ending in (".csv", ".tsv"):
        header = _header(text, wanted)
        if not any(header):
            raise LayoutError(f"{path} is empty: it has no header")
        _check_once(header, wanted, path)
        return header, parse_csv(text, [name for name in header if name], str(path)), told
    try:
        rows = parse_objects(text, lines=ending != ".json")
    except ValueError as error:
        raise LayoutError(f"cannot read {path}: {error}") from error
    return *_with_header(_by_row(rows, wanted), path), told


def _by_row(rows: Objects, wanted: Collection[str]) -> Objects:
    """The rows of a JSON table; pandas writes an object for each column, with a value for each row."""
    columns = {row["key"]: row for row in rows if "key" in row}
    if not recognise(list(columns), wanted).keys() >= {"file", "label"}:
        return rows
    numbers = dict.fromkeys(number for cells in rows for number in cells if number != "key")
    return [{name: cells.get(number) for name, cells in columns.items()} for number in numbers]


def read_text_file(path: Path, encoding: str | None = None) -> Text:
    """The text of a table or list in any encoding that can be told.

    Raises:
        LayoutError: it cannot be read, is too large, or its encoding cannot be told.
        OptionError: the encoding that was named is not one.
        UnknownEncoding: nothing tells its encoding.
    """
    try:
        return decode(read_some(path, MOST_BYTES), languages_with_an_alphabet(), encoding)
    except LookupError as error:
        raise OptionError(f"option encoding: {error}; gb18030 is one that is known") from error
    except UnicodeDecodeError as error:
        raise LayoutError(f"cannot read {path}: it is not {error.encoding}") from error
    except OSError as error:
        raise LayoutError(f"cannot read {path}: {error.strerror or error}") from error
    except UnicodeError as error:
        raise UnknownEncoding(f"cannot read {path}: {error}; save the file as UTF-8") from error
    except ValueError as error:
        raise LayoutError(f"cannot read {path}: {error}") from error


def _header(text: str, wanted: Collection[str]) -> list[str]:
    """The names in the first line, by the delimiter with which most of them are usual ones."""
    first = text.lstrip("\r\n").partition("\n")[0].rstrip("\r")
    readings = [[cell.strip(' "') for cell in first.split(mark)] for mark in DELIMITERS]
    return max(readings, key=lambda cells: (len(recognise(cells, wanted)), len(cells)))


def _check_once(header: Sequence[str], wanted: Collection[str], path: Path) -> None:
    taken = recognise(header, wanted).values()
    twice = [name for name in taken if sum(name.lower() == other.lower() for other in header) > 1]
    if twice:
        raise LayoutError(f"{path} has two columns {cut(twice[0])}: rename one or take it away")


def _parquet(path: Path) -> list[dict[str, Any]]:
    import pyarrow as pa

    try:
        with open_table(path) as file:
            plain = [name for field in file.schema_arrow for name in _readable(field)]
            rows: list[dict[str, Any]] = read_open(file, path, plain).to_pylist()
    except pa.ArrowException as error:
        raise LayoutError(f"cannot read {path} as Parquet: {cut(error)}") from error
    return rows


def _readable(field: Any) -> Iterator[str]:
    """The column of a Parquet field, or of its part `path`, as `datasets` stores audio; none of bytes."""
    import pyarrow as pa

    if pa.types.is_struct(field.type):
        yield from (f"{field.name}.path" for part in field.type if part.name == "path")
    elif not pa.types.is_nested(field.type) and not pa.types.is_binary(field.type):
        yield field.name


def _with_header(rows: Sequence[dict[str, Any]], path: Path) -> tuple[list[str], list[Row]]:
    """Rows of any values as rows of text, each with all columns: objects may leave some out."""
    whole = _whole_numbers(rows)
    texts = [{str(name): _cell(value, name in whole) for name, value in row.items()} for row in rows]
    header = dict.fromkeys((name for cells in texts for name in cells), "")
    return list(header), [
        Row(header | cells, f"{path}, row {number}") for number, cells in enumerate(texts, start=1)
    ]


def _whole_numbers(rows: Sequence[dict[str, Any]]) -> set[str]:
    """Columns of whole numbers that a data frame has as floats, because cells are missing."""
    floats = {name for row in rows for name, value in row.items() if isinstance(value, float)}
    return {
        name
        for name in floats
        if any(_is_missing(row.get(name)) for row in rows)
        and all(
            _is_missing(value := row.get(name)) or (isinstance(value, float) and value.is_integer())
            for row in rows
        )
    }


def _is_missing(value: Any) -> bool:
    return value is None or value != value  # NaN


def _cell(value: Any, whole: bool) -> str:
    """A value as text; of an object its `path`, as of audio."""
    if isinstance(value, dict):
        value = value.get("path")
    if _is_missing(value):
        return ""
    return str(int(value) if whole else value)


def _filled(cell: str) -> str:
    cell = cell.strip()
    return "" if cell in NOTHING else cell
