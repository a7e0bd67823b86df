"""Coverage against risk of each cell: how accurate its surest rows are, as a table and as curves."""

from __future__ import annotations

import itertools
from collections.abc import Mapping

import pandas as pd
from matplotlib.figure import Figure

from merdata.plugin import COLOURS, Draw
from merdata_train.report.read import Entry, Matrix
from merdata_train.report.tables import Grid
from merdata_train.scoring.calibration import as_arrays, warmed
from merdata_train.scoring.coverage import coverage
from merdata_train.scoring.metrics import brackets
from merdata_train.scoring.results import Coverage, CoveragePoint

SHOWN = (0.2, 0.5, 0.8, 1.0)


def surest(matrix: Matrix) -> dict[str, Coverage]:
    """Cell -> its curve on the suite's test set: the first seed, all folds together (of a curve the last)."""
    curves = {}
    for cell in matrix.cells:
        last = max(matrix.folds_of(cell)) if matrix.suite.layout == "curve" else None
        entries = matrix.of(cell, last)
        rows = [_calibrated(entry, matrix) for entry in entries if entry.seed == entries[0].seed]
        curves[cell] = coverage(pd.concat(rows, ignore_index=True), entries[0].run.classes, 1.0)
    return curves


def _calibrated(entry: Entry, matrix: Matrix) -> pd.DataFrame:
    """The rows of an entry, with probabilities at the temperature of its own validation rows."""
    run = entry.run
    rows = run.on(matrix.suite.test)
    probabilities = warmed(as_arrays(rows, run.classes)[0], run.metrics["temperature"])
    return rows.assign(**{f"p_{name}": probabilities[:, number] for number, name in enumerate(run.classes)})


def coverage_grid(matrix: Matrix, curves: Mapping[str, Coverage]) -> Grid:
    """A row for each cell: accuracy of its surest rows, and the area under the curve of risk."""
    suite = matrix.suite
    head = ["", *(f"accuracy, surest {share:.0%}" for share in SHOWN), "AURC", "least possible AURC"]
    rows = [
        [
            cell,
            *(_bounded(point) for point in curve["points"] if point["coverage"] in SHOWN),
            f"{curve['aurc']:.3f}" + brackets(curve["aurc_interval"]),
            f"{curve['aurc_best']:.3f}",
        ]
        for cell, curve in curves.items()
    ]
    caption = (
        f"Test set {suite.test}, first seed. Rows by the calibrated probability of the predicted class. "
        "AURC: the mean over k of the error rate of the k surest rows, less is better; the last column is "
        "that of a model that is right as often, and surest where it is right. 95 % intervals over the same "
        "units as in the table of the suite."
    )
    return Grid(f"{suite.name}-coverage", f"{suite.title}, coverage and risk", head, rows, caption, names=1)


def _bounded(point: CoveragePoint) -> str:
    bounds = point["intervals"]
    return f"{point['accuracy']:.3f}" + brackets(bounds["accuracy"] if bounds else None)


def coverage_figure(matrix: Matrix, curves: Mapping[str, Coverage]) -> tuple[str, str, Draw]:
    """Name, what it shows, and how it is drawn."""
    about = f"Accuracy on {matrix.suite.test} of the rows that a model is surest of, 95 % interval"
    return "coverage", about, lambda figure, _: _draw(figure, curves)


def _draw(figure: Figure, curves: Mapping[str, Coverage]) -> None:
    figure.set_size_inches(5.6, 3.2)
    axes = figure.add_subplot()
    for (cell, curve), colour in zip(curves.items(), itertools.cycle(COLOURS), strict=False):
        shares = [100 * point["coverage"] for point in curve["points"]]
        axes.plot(shares, [point["accuracy"] for point in curve["points"]], color=colour, lw=1.3, label=cell)
        bounds = [point["intervals"]["accuracy"] for point in curve["points"] if point["intervals"]]
        if bounds:
            low, high = zip(*bounds, strict=True)
            axes.fill_between(shares, low, high, color=colour, alpha=0.15, lw=0)
    axes.set_xlabel("share of the rows, surest first (%)")
    axes.set_ylabel("accuracy")
    axes.set_ylim(0, 1.02)
    axes.grid(zorder=0)
    if len(curves) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, borderaxespad=0.2)
