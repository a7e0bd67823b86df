"""The page around its content: one file, no network, everything escaped, a strict Content Security Policy."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any, TypedDict
from urllib.parse import quote, urlencode

import jinja2
from rich.table import Table

from merdata.escaping import printable
from merdata.page.table import PageColumn, pack

SHADES = 10  # of a matrix's cells, as page.css has them


class MatrixCell(TypedDict):
    """A count, its share of the row, and the fragment that filters by its utterances."""

    count: int
    percent: int
    shade: int
    href: str


class MatrixRow(TypedDict):
    """A row of a matrix; `n` is its sum."""

    name: str
    n: int
    cells: list[MatrixCell]


class LinkedMatrix(TypedDict):
    """What the template's macro `matrix` shows; `corner` names the rows and the columns."""

    corner: str
    columns: list[str]
    rows: list[MatrixRow]


class TableCells(TypedDict):
    """What the template's macro `table` shows; `numeric` says which columns are numbers."""

    header: list[str]
    numeric: list[bool]
    rows: list[tuple[str, ...]]


def html_page(template: str, columns: Sequence[PageColumn], clips: Mapping[str, str], **content: Any) -> str:
    """A page.

    Args:
        template: a Jinja template that extends `page.html.j2` and fills its block `content`.
        columns: the table of utterances; its column `clip` names the clip of each row.
        clips: clip -> FLAC in base64. A clip that is not in it is a file beside the page.
        content: the variables of the template.
    """
    folder = files("merdata.page")
    shared = {name: folder.joinpath(name).read_text("utf-8") for name in ("page.html.j2", "parts.html.j2")}
    style, script = (folder.joinpath(name).read_text("utf-8") for name in ("page.css", "page.js"))
    environment = jinja2.Environment(
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        finalize=_printable,
        loader=jinja2.DictLoader(shared),
    )
    environment.filters["thousands"] = "{:,}".format
    environment.filters["cells"] = table_cells
    return environment.from_string(template).render(
        content,
        style=style,
        script=script,
        style_hash=_sha256(style),
        script_hash=_sha256(script),
        packed=pack(columns),
        clips=dict(clips),
    )


def _printable(value: Any) -> Any:
    """Text without characters that act unseen; autoescape does the rest."""
    return printable(value) if type(value) is str else value


def link(**wanted: str) -> str:
    """The fragment that filters the page's utterances by these values of these columns."""
    return "#" + urlencode(wanted, quote_via=quote)


def linked_matrix(
    rows: Mapping[str, Mapping[str, int]],
    columns: Sequence[str],
    row_name: str,
    column_name: str,
    **fixed: str,
) -> LinkedMatrix:
    """Counts as a matrix whose cells link to their utterances; shaded by their share of the row.

    Args:
        rows: row -> column -> count.
        columns: their order.
        row_name: the column of the table of utterances that a row filters by.
        column_name: the column that a column filters by.
        fixed: other columns to filter by, and their values.
    """
    return {
        "corner": f"{row_name} \\ {column_name}",
        "columns": list(columns),
        "rows": [
            {
                "name": name,
                "n": sum(counts.values()),
                "cells": [
                    _cell(
                        counts.get(column, 0),
                        sum(counts.values()),
                        link(**fixed, **{row_name: name, column_name: column}),
                    )
                    for column in columns
                ],
            }
            for name, counts in rows.items()
        ],
    }


def table_cells(table: Table) -> TableCells:
    """A table of the terminal for the page."""
    return {
        "header": [str(column.header) for column in table.columns],
        "numeric": [column.justify == "right" for column in table.columns],
        "rows": list(zip(*(map(str, column.cells) for column in table.columns), strict=True)),
    }


def _cell(count: int, total: int, href: str) -> MatrixCell:
    percent = 100 * count / total if total else 0.0
    shade = -(-count * SHADES // total) if total else 0  # rounded up, so that no count is invisible
    return {"count": count, "percent": round(percent), "shade": shade, "href": href}


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
