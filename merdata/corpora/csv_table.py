"""A csv text as rows by column, whose faults are told by file, row, column, value and what was expected."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from merdata.errors import LayoutError
from merdata.io.outside import cut

UNFINISHED = 'a cell begins with " and does not end with one'
UNDOUBLED = 'in a cell between quotes, each " must be written twice'
DELIMITERS = ",;\t|"  # spreadsheets of some countries write semicolons


class Row(dict[str, str]):
    """A row by column.

    Attributes:
        where: its file and number, for messages; the first row below the header is row 1.
    """

    __slots__ = ("where",)

    def __init__(self, cells: Mapping[str, str] | Iterable[tuple[str, str]], where: str) -> None:
        super().__init__(cells)
        self.where = where

    def integer(self, column: str) -> int:
        """The whole number in a column; `3.0`, which data frames write, is one too.

        Raises:
            LayoutError: it is something else.
        """
        try:
            number = float(self[column])
            if number.is_integer():
                return int(number)
        except (ValueError, OverflowError):
            pass
        raise LayoutError(f"{self.where}, column {column}: {self[column]!r} is not a whole number")

    def number(self, column: str) -> float:
        """The number in a column, with a point or a comma.

        Raises:
            LayoutError: it is something else, or not finite.
        """
        try:
            number = float(self[column].replace(",", "."))
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise LayoutError(f"{self.where}, column {column}: {self[column]!r} is not a number")
        return number


def parse_csv(text: str, columns: Sequence[str], where: str, *, quotes: bool = True) -> list[Row]:
    """Rows of a csv text; its columns may be in any order, case and number.

    Args:
        text: the whole file.
        columns: that it must have.
        where: its path, for messages.
        quotes: whether cells are in quotes where they need it; else a quote is a character like others.

    Raises:
        LayoutError: it is not a csv file with these columns, or a row has too few or too many cells.
    """
    # newline="" leaves line ends to csv: str.splitlines would break rows at U+0085.
    form: Any = {"delimiter": _delimiter(text, columns), "strict": True}
    if not quotes:
        form |= {"quoting": csv.QUOTE_NONE}
    reader = csv.reader(io.StringIO(text, newline=""), **form)
    rows: list[Row] = []
    header: list[str] | None = None
    try:
        for cells in reader:
            if not cells:
                continue
            if header is None:
                header = _header(cells, columns)
                _check_columns(header, columns, where)
            else:
                at = f"{where}, row {len(rows) + 1}"
                fitted = cells if len(cells) == len(header) else _fitted(cells, header, at)
                rows.append(Row(zip(header, fitted, strict=True), at))
    except csv.Error as error:
        what = (
            UNFINISHED
            if "end of data" in str(error)
            else UNDOUBLED
            if "expected after" in str(error)
            else error
        )
        at = f"row {len(rows) + 1}, line {reader.line_num}" if header else f"line {reader.line_num}"
        raise LayoutError(f"{where}, {at}: {what}") from error
    if header is None:
        _check_columns([], columns, where)
    return rows


def _delimiter(text: str, columns: Sequence[str]) -> str:
    """The one by which the first line has most of the columns."""
    first = text.lstrip("\r\n").partition("\n")[0].lower()
    wanted = {column.lower() for column in columns}
    fitting = {mark: len(wanted & {cell.strip(' "\r') for cell in first.split(mark)}) for mark in DELIMITERS}
    return max(DELIMITERS, key=fitting.__getitem__)


def _header(cells: Sequence[str], columns: Sequence[str]) -> list[str]:
    """The names of the columns, those that are wanted as they are spelled here."""
    spelled = {column.lower(): column for column in columns}
    return [spelled.get(cell.strip().lower(), cell.strip()) for cell in cells]


def _check_columns(header: Sequence[str], columns: Sequence[str], where: str) -> None:
    missing = [column for column in columns if column not in header]
    if missing:
        there = cut(", ".join(header)) or "none"
        raise LayoutError(f"{where} has no column {', '.join(missing)}: its columns are {there}")


def _fitted(cells: list[str], header: Sequence[str], where: str) -> list[str]:
    """As many cells as the header has columns, without the empty ones that spreadsheets add at the end."""
    beyond = cells[len(header) :]
    if len(cells) < len(header) or any(cell.strip() for cell in beyond):
        wrong = f"{len(cells)} cells, where the header has {len(header)} columns"
        raise LayoutError(f"{where}: {wrong}: {cells!r:.80}")
    return cells[: len(header)]
