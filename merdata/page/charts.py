"""The charts of a store's page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from merdata.page.look import COLOURS, GREY, Draw, Look
from merdata.stats import NO_SPLIT, Cross, Durations, Figures, Group
from merdata.store.protocol import SPLITS
from merdata.tables.table import shortened

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 5.6  # inches
SPLIT_COLOURS = dict(zip(SPLITS, COLOURS, strict=False)) | {NO_SPLIT: GREY}


def charts(figures: Figures) -> Iterator[tuple[str, str, Draw]]:
    """Name, title and drawing of each figure."""
    by, cross = figures["by"], figures["cross"]
    of_class = _turned(cross["class by split"])
    splits = " and split" if figures["protocol"] else ""
    corpora = {group["value"]: cross["split by corpus"][group["value"]] for group in by["corpus"]}
    classes = {group["value"]: of_class[group["value"]] for group in by["class"]}
    yield "corpus", f"Utterances by corpus{splits}", lambda f, _: stacked(f, corpora)
    yield "class", f"Utterances by class{splits}", lambda f, _: stacked(f, classes)
    for name in ("split", "gender", "language"):
        yield name, f"Utterances by {name}", _bars(by[name])
    yield "speaker", "Utterances of each speaker, one dot for each", lambda f, _: dots(f, by["speaker"])
    yield "duration", "Utterances by duration", lambda f, k: histogram(f, k, figures["durations"])


def _bars(groups: Sequence[Group]) -> Draw:
    rows = {group["value"]: {"": group["rows"]} for group in groups}
    return lambda figure, _: stacked(figure, rows)


def _turned(counts: Cross) -> Cross:
    """Inner value -> outer value -> rows."""
    inner = dict.fromkeys(name for cells in counts.values() for name in cells)
    return {name: {outer: cells[name] for outer, cells in counts.items() if name in cells} for name in inner}


def stacked(figure: Figure, rows: Cross) -> None:
    """A horizontal bar for each row, divided by split where the row is."""
    figure.set_size_inches(WIDTH, 0.75 + 0.3 * len(rows))
    axes = figure.add_subplot()
    names = list(rows)
    left = np.zeros(len(names))
    for part in dict.fromkeys(part for cells in rows.values() for part in cells):
        counts = np.array([rows[name].get(part, 0) for name in names])
        colour = SPLIT_COLOURS.get(part, COLOURS[0])
        axes.barh(range(len(names)), counts, 0.7, left=left, color=colour, label=part, zorder=2)
        left += counts
    for row, total in enumerate(left):
        axes.annotate(
            f"{int(total):,}", (total, row), (4, 0), textcoords="offset points", va="center", size=8
        )
    axes.set_yticks(range(len(names)), [shortened(name) for name in names])
    axes.invert_yaxis()
    axes.margins(x=0.12)
    axes.tick_params(axis="y", length=0)
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.locator_params(axis="x", nbins=6)
    axes.grid(axis="x", zorder=0)
    if len(axes.get_legend_handles_labels()[1]) > 1:
        figure.legend(loc="outside upper right", ncols=4, fontsize=8)


def dots(figure: Figure, speakers: Sequence[Group]) -> None:
    """How many rows each speaker has, corpus by corpus, on a logarithmic scale."""
    corpora = list(dict.fromkeys(speaker["corpus"] for speaker in speakers))
    figure.set_size_inches(WIDTH, 0.75 + 0.3 * len(corpora))
    axes = figure.add_subplot()
    for line, corpus in enumerate(corpora):
        rows = [speaker["rows"] for speaker in speakers if speaker["corpus"] == corpus]
        spread = np.linspace(-0.25, 0.25, len(rows)) if len(rows) > 1 else [0.0]
        axes.scatter(rows, line + np.asarray(spread), s=12, color=COLOURS[0], alpha=0.8, lw=0, zorder=2)
    axes.set_xscale("log")
    axes.set_xlim(left=0.8)  # whole decades, however alike the speakers are
    axes.xaxis.set_major_formatter("{x:,.0f}")
    axes.xaxis.set_minor_formatter("")
    axes.set_yticks(range(len(corpora)), corpora)
    axes.set_ylim(len(corpora) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.set_xlabel("utterances")
    axes.grid(axis="x", zorder=0)


def histogram(figure: Figure, look: Look, durations: Durations) -> None:
    """Rows by seconds; the last bar holds all longer utterances."""
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
    axes.set_xlabel(f"seconds (last bar: {starts[-1]:g} and more)")
    axes.grid(axis="y", zorder=0)
