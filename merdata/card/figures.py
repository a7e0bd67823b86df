"""The two figures of a store's card: classes by corpus, and durations."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np

from merdata.page.look import COLOURS, GREY, LIGHT, Look, render_figure
from merdata.stats import Figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

WIDTH = 7.0  # inches


def draw(figures: Figures) -> dict[str, bytes]:
    """Path below the store -> PNG; nothing where matplotlib is not installed."""
    if find_spec("matplotlib") is None:
        return {}
    return {
        "figures/classes.png": render_figure(lambda figure, _: _classes(figure, figures), LIGHT),
        "figures/durations.png": render_figure(lambda figure, look: _durations(figure, look, figures), LIGHT),
    }


def _classes(figure: Figure, figures: Figures) -> None:
    """A bar for each corpus, in shares of its rows."""
    counts = figures["cross"]["class by corpus"]
    figure.set_size_inches(WIDTH, 0.9 + 0.32 * len(counts))
    axes = figure.add_subplot()
    totals = np.array([sum(of_class.values()) for of_class in counts.values()])
    left = np.zeros(len(counts))
    for layer, name in enumerate((group["value"] for group in figures["by"]["class"]), 2):
        known = name in figures["classes"]
        colour = COLOURS[figures["classes"].index(name) % len(COLOURS)] if known else GREY
        shares = 100 * np.array([of_class.get(name, 0) for of_class in counts.values()]) / totals
        axes.barh(range(len(counts)), shares, left=left, color=colour, label=name, height=0.72, zorder=layer)
        left += shares
    named = [f"{corpus} ({total:,})" for corpus, total in zip(counts, totals, strict=True)]
    axes.set_yticks(range(len(counts)), named)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent of the utterances of the corpus")
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=4)


def _durations(figure: Figure, look: Look, figures: Figures) -> None:
    """A bar for each bin; the last bin holds all longer utterances."""
    starts, rows = figures["durations"]["from"], figures["durations"]["rows"]
    width = starts[1] - starts[0]
    end = 1 + max(index for index, count in enumerate(rows) if count)
    figure.set_size_inches(WIDTH, 2.6)
    axes = figure.add_subplot()
    axes.bar(starts[:end], rows[:end], width, align="edge", color=COLOURS[0], edgecolor=look.paper, zorder=2)
    axes.set_xlim(0, starts[end - 1] + width)
    axes.set_xlabel("seconds" + (f" (last bar: {starts[-1]:g} and more)" if rows[-1] else ""))
    axes.set_ylabel("utterances")
    axes.grid(axis="y", zorder=0)
