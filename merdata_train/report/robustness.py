"""The ladder of each cell: scores on perturbed test rows beside the clean ones, as a table and as curves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from merdata.plugin import COLOURS, Draw
from merdata_train.features.perturbations import Perturbation, kinds
from merdata_train.report.lines import LineRows, pooled
from merdata_train.report.read import Entry, Matrix
from merdata_train.report.tables import Grid, difference_of
from merdata_train.runs.compare import correct_pairs
from merdata_train.runs.folder import evaluation_sets
from merdata_train.runs.robustness import read_steps
from merdata_train.scoring.metrics import TITLES, brackets
from merdata_train.scoring.results import Differences, Intervals
from merdata_train.scoring.statistics import mean_intervals, mean_scores, paired

ACROSS = 4  # panels in a row
Steps = dict[str, dict[Perturbation, pd.DataFrame]]  # run -> step -> rows of the test set


@dataclass(frozen=True)
class Point:
    """A cell at a step of the ladder: means over seeds, 95 % intervals, paired differences from clean."""

    scores: dict[str, float]
    intervals: Intervals | None
    against: Differences

    def shown(self, metric: str) -> str:
        bounds = (self.intervals or {}).get(metric)
        return f"{self.scores[metric]:.3f}" + brackets(bounds)


@dataclass(frozen=True)
class Curve:
    """A cell without a change, and at each step that all its runs have."""

    clean: Point
    steps: dict[Perturbation, Point]


def curves_of(matrix: Matrix) -> dict[str, Curve]:
    """Cell -> its curve, for cells that were perturbed; p-values are corrected over all of them.

    Folds are pooled. A suite whose folds have one test set has no curves: each row would count several times.
    """
    curves = {} if matrix.suite.layout == "curve" else dict(_curves(matrix))
    correct_pairs([point.against for curve in curves.values() for point in curve.steps.values()])
    return curves


def _curves(matrix: Matrix) -> Iterator[tuple[str, Curve]]:
    for cell in matrix.cells:
        entries, clean = matrix.of(cell), pooled(matrix, cell)
        kept = {entry.run.name: _on(entry, matrix.suite.test) for entry in entries}
        shared = [step for step in kept[entries[0].run.name] if all(step in own for own in kept.values())]
        if clean is not None and shared:
            steps = {step: _point(clean, _pooled(matrix, cell, kept, step)) for step in shared}
            yield cell, Curve(_point(clean, clean), steps)


def _on(entry: Entry, test: str) -> dict[Perturbation, pd.DataFrame]:
    return {step: dict(evaluation_sets(rows))[test] for step, rows in read_steps(entry.run).items()}


def _pooled(matrix: Matrix, cell: str, kept: Steps, step: Perturbation) -> LineRows:
    part = pooled(matrix, cell, rows_of=lambda entry: kept[entry.run.name][step])
    assert part is not None, "the clean scores of the same runs are pooled"
    return part


def _point(clean: LineRows, part: LineRows) -> Point:
    means = mean_scores(part.counts.sum(axis=1))
    return Point(
        {name: float(value) for name, value in means.items()},
        mean_intervals(part.counts),
        paired(clean.counts, part.counts) if part is not clean else {},
    )


def robustness_grid(matrix: Matrix, curves: dict[str, Curve]) -> Grid:
    """A row for each step, two columns for each cell: the score and its difference from clean."""
    suite, metric = matrix.suite, matrix.suite.metrics[0]
    title = TITLES[metric]
    head = ["perturbation", "level"]
    for cell in curves:
        head += [f"{cell}: {title}", f"{cell}: {title} − clean"]
    rows = [
        ["none", "clean", *(text for curve in curves.values() for text in (curve.clean.shown(metric), ""))]
    ]
    for step in _all_steps(curves):
        cells = [_cells(curve.steps.get(step), metric) for curve in curves.values()]
        rows.append([step.kind, step.shown, *itertools.chain.from_iterable(cells)])
    units = {step.kind: step.facts["unit"] for step in _all_steps(curves)}
    caption = (
        f"Test set {suite.test}: the same rows, changed; voices and words that are mixed in are those of "
        f"train rows. Levels: {'; '.join(f'{kind}: {unit}' for kind, unit in units.items())}. Means over "
        "seeds; in brackets 95 % intervals over the same units as in the table of the suite, paired for "
        "differences; n.s.: p ≥ 0.05 after Holm over this table."
    )
    return Grid(f"{suite.name}-robustness", f"{suite.title}, by perturbation", head, rows, caption, names=2)


def _all_steps(curves: dict[str, Curve]) -> list[Perturbation]:
    steps = {step for curve in curves.values() for step in curve.steps}
    order = list(kinds())
    return sorted(steps, key=lambda step: (order.index(step.kind), step.place))


def _cells(point: Point | None, metric: str) -> tuple[str, str]:
    return ("", "") if point is None else (point.shown(metric), difference_of(point.against[metric]))


def robustness_figure(matrix: Matrix, curves: dict[str, Curve]) -> tuple[str, str, Draw]:
    """Name, what it shows, and how it is drawn."""
    metric = matrix.suite.metrics[0]
    about = f"{TITLES[metric]} on {matrix.suite.test} by perturbation and level, 95 % intervals"
    return "robustness", about, lambda figure, _: _draw(figure, curves, metric)


def _draw(figure: Figure, curves: dict[str, Curve], metric: str) -> None:
    by_kind = {
        kind: list(steps) for kind, steps in itertools.groupby(_all_steps(curves), lambda step: step.kind)
    }
    down = -(-len(by_kind) // ACROSS)
    figure.set_size_inches(2.6 * min(ACROSS, len(by_kind)) + 0.6, 2.3 * down + 0.3)
    grid = figure.subplots(down, min(ACROSS, len(by_kind)), sharey=True, squeeze=False).ravel()
    for axes, (kind, steps) in zip(grid, by_kind.items(), strict=False):
        _panel(axes, kind, steps, curves, metric)
    for axes in grid[len(by_kind) :]:
        axes.set_visible(False)
    grid[0].set_ylim(0)
    grid[0].set_ylabel(TITLES[metric])
    if len(curves) > 1:
        grid[0].legend(fontsize=7)


def _panel(axes: Axes, kind: str, steps: list[Perturbation], curves: dict[str, Curve], metric: str) -> None:
    clean = Perturbation(kind, kinds()[kind]["clean"])
    steps = sorted({clean, *steps}, key=lambda step: step.place)
    for curve, (cell, colour) in zip(
        curves.values(), zip(curves, itertools.cycle(COLOURS), strict=False), strict=True
    ):
        points = [curve.clean if step.is_clean else curve.steps.get(step) for step in steps]
        there = [(place, point) for place, point in enumerate(points) if point is not None]
        means = np.array([point.scores[metric] for _, point in there])
        spans = [point.intervals[metric] if point.intervals else [np.nan] * 2 for _, point in there]
        away = np.abs(np.transpose(spans) - means)
        line = partial(axes.errorbar, color=colour, marker="o", ms=3, lw=1.1, capsize=2, label=cell)
        line([place for place, _ in there], means, yerr=away)
    axes.set_xticks(range(len(steps)), [step.shown for step in steps], fontsize=7)
    axes.set_title(kind, fontsize=9)
    axes.set_xlabel(kinds()[kind]["unit"], fontsize=7)
    axes.grid(zorder=0)
