"""Plain tables for a terminal, and the console that prints them."""

from __future__ import annotations

from rich import box
from rich.console import Console
from rich.table import Table

WIDE = 120  # for output that goes into a file or another program
MOST_LETTERS = 20  # of a shortened text


def console() -> Console:
    """A console for plain text; wide where its output is not a terminal."""
    plain = Console(highlight=False, markup=False)
    return plain if plain.is_terminal else Console(highlight=False, markup=False, width=WIDE)


def table(*columns: str, title: str | None = None) -> Table:
    """A plain table; columns whose name starts with `#` hold numbers, aligned to the right."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in columns:
        made.add_column(name.lstrip("#"), justify="right" if name.startswith("#") else "left")
    return made


def shortened(text: str) -> str:
    """The text, cut where it is longer than a narrow column."""
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
