"""The figures of a store's page, from what `merdata.statistics` counts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from merdata.page.look import COLOURS, Draw, Look
from merdata.stats import NO_SPLIT

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 5.6  # inches
LONGEST = 20  # characters of a name
SPLIT_COLOURS = {"train": COLOURS[0], "validation": COLOURS[1], "test": COLOURS[2], NO_SPLIT: COLOURS[6]}


def charts(figures: Mapping[str, Any]) -> Iterator[tuple[str, str, Draw]]:
    """Which distribution, what the figure shows, and how it is drawn."""
    by, cross = figures["by"], figures["cross"]
    of_class = _turned(cross["class by split"])
    splits = " and split" if figures["protocol"] else ""
    corpora = {one["value"]: cross["split by corpus"][one["value"]] for one in by["corpus"]}
    classes = {one["value"]: of_class[one["value"]] for one in by["class"]}
    yield "corpus", f"Utterances by corpus{splits}", lambda f, _: stacked(f, corpora)
    yield "class", f"Utterances by class{splits}", lambda f, _: stacked(f, classes)
    for name in ("split", "gender", "language"):
        yield name, f"Utterances by {name}", _bars(by[name])
    yield "speaker", "Utterances of each speaker, a dot a speaker", lambda f, _: dots(f, by["speaker"])
    yield "duration", "Utterances by duration", lambda f, k: histogram(f, k, figures["durations"])


def _bars(records: Sequence[Mapping[str, Any]]) -> Draw:
    rows = {one["value"]: {"": one["rows"]} for one in records}
    return lambda figure, _: stacked(figure, rows)


def _turned(counts: Mapping[str, Mapping[str, int]]) -> dict[str, dict[str, int]]:
    inner = dict.fromkeys(name for cells in counts.values() for name in cells)
    return {name: {outer: cells[name] for outer, cells in counts.items() if name in cells} for name in inner}


def stacked(figure: Figure, rows: Mapping[str, Mapping[str, int]]) -> None:
    """A horizontal bar a row, in parts by split where it has them."""
    figure.set_size_inches(WIDTH, 0.75 + 0.3 * len(rows))
    axes = figure.add_subplot()
    names = list(rows)
    left = np.zeros(len(names))
    for part in dict.fromkeys(part for cells in rows.values() for part in cells):
        counts = np.array([rows[name].get(part, 0) for name in names])
        colour = SPLIT_COLOURS.get(part, COLOURS[0])
        axes.barh(range(len(names)), counts, 0.7, left=left, color=colour, label=part, zorder=2)
        left += counts
    for at, total in enumerate(left):
        axes.annotate(f"{int(total):,}", (total, at), (4, 0), textcoords="offset points", va="center", size=8)
    axes.set_yticks(range(len(names)), [_short(name) for name in names])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=6)
    axes.grid(axis="x", zorder=0)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        figure.legend(loc="outside upper right", ncols=4, fontsize=8)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def dots(figure: Figure, speakers: Sequence[Mapping[str, Any]]) -> None:
    """How many rows each speaker has, corpus by corpus, on a logarithmic scale."""
    corpora = list(dict.fromkeys(one["corpus"] for one in speakers))
    figure.set_size_inches(WIDTH, 0.75 + 0.3 * len(corpora))
    axes = figure.add_subplot()
    for at, corpus in enumerate(corpora):
        rows = [one["rows"] for one in speakers if one["corpus"] == corpus]
        spread = np.linspace(-0.25, 0.25, len(rows)) if len(rows) > 1 else [0.0]
        axes.scatter(rows, at + np.asarray(spread), s=12, color=COLOURS[0], alpha=0.8, lw=0, zorder=2)
    axes.set_xscale("log")
    axes.set_xlim(left=0.8)  # whole decades, however alike the speakers are
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter("")
    axes.set_yticks(range(len(corpora)), corpora)
    axes.set_ylim(len(corpora) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("utterances")
    axes.grid(axis="x", zorder=0)


def histogram(figure: Figure, look: Look, durations: Mapping[str, Any]) -> None:
    """Rows by seconds; the last bar holds all longer ones."""
    figure.set_size_inches(WIDTH, 2.7)
    axes = figure.add_subplot()
    starts, rows = np.array(durations["from"]), np.array(durations["rows"])
    width = starts[1] - starts[0]
    axes.bar(starts, rows, width * 0.94, align="edge", color=COLOURS[0], zorder=2)
    axes.axvline(durations["median"], color=look.ink, lw=1, ls="--", zorder=3)
    axes.annotate(
        f"median {durations['median']:.2f} s",
        (durations["median"], 1),
        (4, -9),
        xycoords=("data", "axes fraction"),
        textcoords="offset points",
        size=8,
    )
    axes.set_xlim(0, starts[-1] + width)
    axes.yaxis.set_major_formatter("{x:,.0f}")
    axes.set_xlabel(f"seconds (the last bar: {starts[-1]:g} and more)")
    axes.grid(axis="y", zorder=0)
