"""What ships, on a terminal. Nothing here loads torch or pandas."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table

from merdata import plugin

WIDE = 140


def console() -> Console:
    """A console for tables that are wider than a terminal."""
    return plugin.console(WIDE)


def suites(shipped: Sequence[dict[str, str]]) -> None:
    """The suites that ship."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("name", "what it compares"):
        table.add_column(name)
    for suite in shipped:
        table.add_row(suite["name"], suite["title"])
    console().print(table)


def recipes(shipped: Sequence[dict[str, str]]) -> None:
    """The recipes that ship."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("name", "model", "modalities", "what it is"):
        table.add_column(name)
    for recipe in shipped:
        table.add_row(recipe["name"], recipe["model"], recipe["modalities"], recipe["about"])
    console().print(table)
