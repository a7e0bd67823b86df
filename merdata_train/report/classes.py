"""The report by class: precision, recall and F1 of each cell, its easiest and its hardest class."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from merdata_train.report.lines import LineRows, pooled
from merdata_train.report.read import Matrix
from merdata_train.report.tables import Grid
from merdata_train.scoring.metrics import FEWEST_CLUSTERS, brackets, per_class, resampled, span

KINDS = ("precision", "recall", "f1")
TITLES = ("precision", "recall", "F1")


@dataclass(frozen=True)
class ClassLine:
    """One class of a cell: mean over seeds, and 95 % intervals where there are units to resample."""

    name: str
    support: int
    means: dict[str, float]
    spans: dict[str, list[float]]

    def shown(self, kind: str) -> str:
        bounds = self.spans.get(kind)
        return f"{self.means[kind]:.3f}" + brackets(bounds)


def classes_grid(matrix: Matrix) -> Grid:
    """A row for each cell and class, all folds together (of a curve the last).

    The caption names the easiest and the hardest class by F1.
    """
    rows, said = [], []
    for cell, part in _parts(matrix):
        lines = class_lines(part, matrix.of(cell)[0].run.classes)
        rows += [[cell, line.name, f"{line.support:,}", *map(line.shown, KINDS)] for line in lines]
        said.append(f"{cell}: {_extremes(lines)}")
    suite = matrix.suite
    caption = (
        f"Test set {suite.test}, means over seeds, 95 % intervals over the same units as in the table above. "
        f"Easiest and hardest class by F1: {'; '.join(said)}."
    )
    head = [" and ".join(suite.axes), "class", "n", *TITLES]
    return Grid(f"{suite.name}-classes", f"{suite.title}, by class", head, rows, caption, names=2)


def _parts(matrix: Matrix) -> Iterator[tuple[str, LineRows]]:
    for cell in matrix.cells:
        last = max(matrix.folds_of(cell)) if matrix.suite.layout == "curve" else None
        part = pooled(matrix, cell, last)
        if part is not None:
            yield cell, part


def class_lines(part: LineRows, classes: tuple[str, ...]) -> list[ClassLine]:
    """The classes that have test rows."""
    means = {kind: values.mean(axis=0) for kind, values in per_class(part.counts.sum(axis=1)).items()}
    spans: dict[str, list[list[float]]] = {}
    if part.counts.shape[1] >= FEWEST_CLUSTERS:
        (drawn,) = resampled(part.counts)
        by_kind = per_class(drawn)
        spans = {kind: [span(column) for column in by_kind[kind].mean(axis=0).T] for kind in KINDS}
    return [
        ClassLine(
            name,
            int(means["support"][number]),
            {kind: float(means[kind][number]) for kind in KINDS},
            {kind: bounds[number] for kind, bounds in spans.items()},
        )
        for number, name in enumerate(classes)
        if means["support"][number]
    ]


def _extremes(lines: list[ClassLine]) -> str:
    """The classes of highest and lowest F1; "not told apart" where their intervals overlap."""
    values = np.array([line.means["f1"] for line in lines])
    best, worst = lines[int(values.argmax())], lines[int(values.argmin())]
    text = f"{best.name} {best.shown('f1')}, {worst.name} {worst.shown('f1')}"
    low, high = best.spans.get("f1"), worst.spans.get("f1")
    return f"{text} (not told apart)" if low and high and low[0] <= high[1] else text
