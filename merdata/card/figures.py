"""The two figures of a store's card: classes by corpus, and durations."""

from __future__ import annotations

import io
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure

# Okabe and Ito's colours, told apart by all kinds of colour vision.
COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
FAINT = "#c8c8c8"
DPI = 144
WIDTH = 7.0  # inches
STYLE: dict[Any, Any] = {
    "font.size": 9, "axes.spines.top": False, "axes.spines.right": False, "axes.edgecolor": FAINT,
    "grid.color": FAINT, "grid.linewidth": 0.5, "legend.frameon": False, "text.parse_math": False,
}  # fmt: skip


def draw(figures: Mapping[str, Any]) -> dict[str, bytes]:
    """Path below the store -> PNG, of what `merdata.statistics` counted; none where matplotlib is missing."""
    if find_spec("matplotlib") is None:
        return {}
    pictures = {"figures/classes.png": _classes, "figures/durations.png": _durations}
    return {path: _png(make, figures) for path, make in pictures.items()}


def _png(make: Any, figures: Mapping[str, Any]) -> bytes:
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with rc_context(STYLE):
        figure = Figure(layout="constrained", dpi=DPI)
        FigureCanvasAgg(figure)
        make(figure, figures)
        stream = io.BytesIO()
        figure.savefig(stream, format="png", metadata={"Software": None})  # same figures, same bytes
    return stream.getvalue()


def _classes(figure: Figure, figures: Mapping[str, Any]) -> None:
    """A bar a corpus, in shares of its rows."""
    counts = figures["cross"]["class by corpus"]
    figure.set_size_inches(WIDTH, 0.9 + 0.32 * len(counts))
    axes = figure.add_subplot()
    totals = np.array([sum(of_class.values()) for of_class in counts.values()])
    left = np.zeros(len(counts))
    for at, name in enumerate(one["value"] for one in figures["by"]["class"]):
        colour = (
            COLOURS[figures["classes"].index(name) % len(COLOURS)] if name in figures["classes"] else FAINT
        )
        shares = 100 * np.array([of_class.get(name, 0) for of_class in counts.values()]) / totals
        axes.barh(range(len(counts)), shares, left=left, color=colour, label=name, height=0.72, zorder=at + 2)
        left += shares
    named = [f"{corpus} ({total:,})" for corpus, total in zip(counts, totals, strict=True)]
    axes.set_yticks(range(len(counts)), named)
    axes.invert_yaxis()
    axes.set_xlim(0, 100)
    axes.set_xlabel("percent of the corpus's utterances")
    axes.tick_params(axis="y", length=0)
    figure.legend(loc="outside upper center", ncols=4)


def _durations(figure: Figure, figures: Mapping[str, Any]) -> None:
    """A bar a bin; the last one holds all that is longer."""
    starts, rows = figures["durations"]["from"], figures["durations"]["rows"]
    width = starts[1] - starts[0]
    last = 1 + max(at for at, number in enumerate(rows) if number)
    figure.set_size_inches(WIDTH, 2.6)
    axes = figure.add_subplot()
    axes.bar(starts[:last], rows[:last], width, align="edge", color=COLOURS[0], edgecolor="white", zorder=2)
    axes.set_xlim(0, starts[last - 1] + width)
    axes.set_xlabel("seconds" + (f" (last bar: {starts[-1]:g} and more)" if rows[-1] else ""))
    axes.set_ylabel("utterances")
    axes.grid(axis="y", zorder=0)
