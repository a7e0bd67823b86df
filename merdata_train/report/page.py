"""The page: one HTML file without scripts or network, whose confusion cells lead to their utterances."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
import pandas as pd
from jinja2 import Environment

from merdata_train.report.figures import DARK, LIGHT, Draw, counts_of, render
from merdata_train.report.lines import Line
from merdata_train.report.read import Matrix
from merdata_train.report.tables import caption, cells, header

SHOWN = 40  # utterances listed for one cell of a confusion matrix
SHADES = 10

Section = tuple[Matrix, list[Line], list[tuple[str, str, Draw]]]


def page(sections: Sequence[Section], texts: Mapping[str, str]) -> str:
    """The HTML of all suites.

    Args:
        sections: each suite with its lines and figures.
        texts: id -> transcript, where a store is at hand.
    """
    folder = files("merdata_train.report")
    style = folder.joinpath("page.css").read_text("utf-8")
    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        folder.joinpath("page.html.j2").read_text("utf-8")
    )
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    suites = [_section(*section, texts) for section in sections]
    return template.render(suites=suites, style=style, digest=digest, shown=SHOWN, texts=bool(texts))


def _section(
    matrix: Matrix, lines: list[Line], drawn: list[tuple[str, str, Draw]], texts: Mapping[str, str]
) -> dict[str, Any]:
    entries = matrix.of(matrix.reference)
    return {
        "name": matrix.suite.name,
        "title": matrix.suite.title,
        "header": header(matrix),
        "rows": list(cells(matrix, lines)),
        "caption": caption(matrix, lines),
        "figures": [
            {"name": name, "about": about, "light": _data(draw, LIGHT), "dark": _data(draw, DARK)}
            for name, about, draw in drawn
            if name != "confusion"  # the page has it as a table that leads somewhere
        ],
        "test": matrix.suite.test,
        "reference": matrix.reference,
        "seed": entries[0].seed,
        "runs": [entry.run.name for entry in entries if entry.seed == entries[0].seed],
        "confusion": _confusion(matrix),
        "parts": list(_utterances(matrix, texts)),
    }


def _data(draw: Draw, look: Any) -> str:
    return "data:image/png;base64," + base64.b64encode(render(draw, look)).decode()


def _confusion(matrix: Matrix) -> dict[str, Any]:
    names, counts = counts_of(matrix)
    totals = counts.sum(axis=1)
    shares = counts / np.maximum(totals, 1)[:, None]
    rows = [
        {
            "gold": gold,
            "n": int(totals[row]),
            "cells": [
                {
                    "count": int(counts[row, column]),
                    "percent": round(100 * float(shares[row, column])),
                    "shade": int(np.ceil(SHADES * shares[row, column])),
                    "anchor": _anchor(matrix, gold, said),
                }
                for column, said in enumerate(names)
            ],
        }
        for row, gold in enumerate(names)
    ]
    return {"classes": names, "rows": rows}


def _anchor(matrix: Matrix, gold: str, said: str) -> str:
    return f"{matrix.suite.name}-{gold}-{said}"


def _utterances(matrix: Matrix, texts: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """For each filled cell of the confusion matrix its utterances, those the model was surest of first."""
    entries = matrix.of(matrix.reference)
    first = [entry.run for entry in entries if entry.seed == entries[0].seed]
    rows = pd.concat([run.on(matrix.suite.test) for run in first], ignore_index=True)
    rows["p"] = rows[[f"p_{name}" for name in first[0].classes]].max(axis=1)
    rows = rows.sort_values(["p", "id"], ascending=[False, True])
    for (gold, said), cell in rows.groupby(["label", "predicted"]):
        listed = cell.head(SHOWN)
        yield {
            "anchor": _anchor(matrix, str(gold), str(said)),
            "gold": gold,
            "said": said,
            "n": len(cell),
            "rows": [
                {
                    "id": row.id,
                    "corpus": row.corpus,
                    "speaker": row.speaker,
                    "p": f"{row.p:.3f}",
                    "text": texts.get(str(row.id), ""),
                }
                for row in listed.itertuples()
            ],
        }
