"""Plain tables for a terminal, and the console that prints them."""

from __future__ import annotations

from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from merdata.escaping import HIDDEN, printable

WIDE = 120  # for output that goes into a file or another program
MOST_LETTERS = 20  # of a shortened text


class PlainConsole(Console):
    """A console that prints text as it is: no markup, no highlighting, no control characters."""

    def __init__(self, wide: int) -> None:
        super().__init__(highlight=False, markup=False)
        if not self.is_terminal:
            self.width = wide

    def render_str(self, text: str, **options: Any) -> Text:
        """The text of a cell or a line; line ends stay."""
        return super().render_str("\n".join(map(_shown, text.split("\n"))), **options)


def _shown(line: str) -> str:
    return printable(line) if HIDDEN.search(line) else line


def console(wide: int = WIDE) -> PlainConsole:
    """A console for stdout, `wide` characters wide where that is not a terminal."""
    return PlainConsole(wide)


def table(*columns: str, title: str | None = None) -> Table:
    """A plain table; columns whose name starts with `#` hold numbers, aligned to the right."""
    made = Table(box=box.SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in columns:
        made.add_column(name.lstrip("#"), justify="right" if name.startswith("#") else "left")
    return made


def shortened(text: str) -> str:
    """The text, cut where it is longer than a narrow column."""
    text = printable(text)
    return text if len(text) <= MOST_LETTERS else f"{text[: MOST_LETTERS - 1]}…"
