"""What ships, on a terminal. Nothing here loads torch or pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from merdata import plugin

WIDE = 140


def console() -> Console:
    """A console for tables that are wider than a terminal."""
    return plugin.console(WIDE)


def suites(shipped: Sequence[Mapping[str, str]]) -> None:
    """The suites that ship."""
    _table(shipped, {"name": "name", "title": "what it compares"})


def recipes(shipped: Sequence[Mapping[str, str]]) -> None:
    """The recipes that ship."""
    columns = {"name": "name", "model": "model", "modalities": "modalities", "about": "what it is"}
    _table(shipped, columns)


def _table(rows: Sequence[Mapping[str, str]], columns: Mapping[str, str]) -> None:
    """Print rows; `columns` has the heading of each key."""
    table = Table(*columns.values(), box=box.SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(row[key] for key in columns))
    console().print(table)
