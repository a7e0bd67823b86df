"""Columns of a table as a corpus needs them: seconds, ends from durations, turns, codes of languages."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from merdata.corpora.csv_table import Row
from merdata.corpora.languages import language_code
from merdata.errors import LayoutError
from merdata.own.tables import TableFile

TIMES = ("start", "end", "duration")
TIME = re.compile(r"day|:|NaT")


def with_derived(table: TableFile) -> TableFile:
    """The table with what follows from its columns.

    Raises:
        LayoutError: a start or duration is not a number, or a language is neither a code nor a known name.
    """
    return _with_languages(_with_turns(_with_ends(_with_seconds(table))))


def _with_seconds(table: TableFile) -> TableFile:
    """Times that data frames write, such as `0 days 00:00:01.5`, as seconds."""
    there = [name for name in TIMES if name in table.names]
    times = [name for name in there if any(TIME.search(row[name]) for row in table.rows)]
    return _each(table, lambda row: {name: _seconds(row[name]) for name in times}) if times else table


def _seconds(cell: str) -> str:
    if not TIME.search(cell):
        return cell
    import pandas as pd  # half a second, which few tables need

    try:
        time = pd.to_timedelta(cell)
    except ValueError:
        return cell  # a fault, which the reader names
    return "" if pd.isna(time) else _decimal(time.total_seconds())


def _decimal(seconds: float) -> str:
    """To the millionth of a second, without zeros at the end."""
    return f"{seconds:.6f}".rstrip("0").rstrip(".")


def _with_ends(table: TableFile) -> TableFile:
    """Where rows have a start and a duration but no end, the end is their sum."""
    names = dict(table.names)
    theirs = names.pop("duration", None)
    if theirs is None:
        return table
    if "start" not in names or "end" in names:  # it says how long the file is
        return replace(table, names=names, others=[*table.others, theirs])
    return replace(_each(table, _ended), names=names | {"end": f"start + {theirs}"})


def _ended(row: Row) -> dict[str, str]:
    if not (row.get("start") and row.get("duration")):
        return {"end": ""}
    return {"end": _decimal(row.number("start") + row.number("duration"))}


def _with_turns(table: TableFile) -> TableFile:
    """Where dialogues have no turns, numbers that repeat are not ids but turns, as MELD's `Utterance_ID`."""
    names = dict(table.names)
    if not {"id", "dialogue", "file"} <= names.keys() or "turn" in names:
        return table
    ids = [row["id"] for row in table.rows]
    if len(set(ids)) == len(ids) or not all(map(str.isdecimal, ids)):
        return table
    names["turn"] = names.pop("id")
    return replace(_each(table, lambda row: {"turn": row["id"]}), names=names)


def _with_languages(table: TableFile) -> TableFile:
    return _each(table, lambda row: {"language": _code(row)}) if "language" in table.names else table


def _each(table: TableFile, more: Callable[[Row], dict[str, str]]) -> TableFile:
    return replace(table, rows=[_changed(row, more(row)) for row in table.rows])


def _changed(row: Row, cells: dict[str, str]) -> Row:
    return row if cells.items() <= row.items() else Row({**row, **cells}, row.where)


def _code(row: Row) -> str:
    word = row["language"]
    code = language_code(word) if word else ""
    if code is None:
        raise LayoutError(f"{row.where}, column language: {word!r} is not a code, such as en")
    return code
