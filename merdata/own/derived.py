"""Columns of a table that follow from others: ends from durations, turns from numbers, languages as codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from merdata.corpora.csv_table import Row
from merdata.corpora.languages import language_code
from merdata.errors import LayoutError
from merdata.own.tables import TableFile


def with_derived(table: TableFile) -> TableFile:
    """The table with what follows from its columns.

    Raises:
        LayoutError: a start or duration is not a number, or a language is neither a code nor a known name.
    """
    return _with_languages(_with_turns(_with_ends(table)))


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
    return {"end": f"{round(row.number('start') + row.number('duration'), 6):g}"}


def _with_turns(table: TableFile) -> TableFile:
    """Where dialogues have no turns, numbers that repeat are not ids but turns, as MELD's `Utterance_ID`."""
    names, ids = dict(table.names), [row.get("id", "") for row in table.rows]
    counted = all(id.isdecimal() for id in ids) and len(set(ids)) < len(ids)
    if not counted or "dialogue" not in names or "turn" in names or "file" not in names:
        return table
    names["turn"] = names.pop("id")
    return replace(_each(table, lambda row: {"turn": row["id"]}), names=names)


def _with_languages(table: TableFile) -> TableFile:
    return _each(table, lambda row: {"language": _code(row)}) if "language" in table.names else table


def _each(table: TableFile, more: Callable[[Row], dict[str, str]]) -> TableFile:
    return replace(table, rows=[Row({**row, **more(row)}, row.where) for row in table.rows])


def _code(row: Row) -> str:
    word = row["language"]
    code = language_code(word) if word else ""
    if code is None:
        raise LayoutError(f"{row.where}, column language: {word!r} is not a code, such as en")
    return code
