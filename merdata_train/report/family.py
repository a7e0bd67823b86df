"""One table of a suite over several test sets side by side, with the published scores set apart."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from merdata_train.errors import RunError
from merdata_train.report.lines import Line, is_main
from merdata_train.report.read import Entry, Matrix
from merdata_train.report.tables import SHORT, Grid, number_of
from merdata_train.runs.folder import DOMAINS
from merdata_train.runs.looks import counted
from merdata_train.runs.suite import Suite
from merdata_train.scoring.metrics import TITLES, confusion, scores

PUBLISHED = "published"


@dataclass(frozen=True)
class Tested:
    """A suite on one of its test sets."""

    matrix: Matrix
    lines: list[Line]

    @property
    def by_cell(self) -> dict[str, Line]:
        """The main line of each cell, and the baselines."""
        lines = [line for line in self.lines if is_main(line, self.matrix) or not line.seeds]
        return {line.cell: line for line in lines}


def by_test(matrix: Matrix) -> list[Matrix]:
    """The suite on each of its test sets that all its runs have; itself, where it has one.

    Raises:
        RunError: the runs have none of them in common.
    """
    suite = matrix.suite
    if not suite.beside:
        return [matrix]
    tests = [
        test
        for test in (suite.test, *suite.beside)
        if all(entry.run.metrics["sets"].get(test) for entry in matrix.entries)
    ]
    if not tests:
        asked = ", ".join((suite.test, *suite.beside))
        raise RunError(
            f"suite {suite.name}: its runs have none of {asked} in common: make a suite of each set"
        )
    return [
        replace(
            matrix,
            suite=suite.model_copy(
                update={
                    "name": f"{suite.name}-{test}",
                    "title": f"{suite.title}, {test}",
                    "test": test,
                    "beside": [],
                }
            ),
        )
        for test in tests
    ]


def side_by_side(suite: Suite, tested: Sequence[Tested]) -> Grid:
    """A row per cell: what it is, then each test set, then what was published of it."""
    tests = {part.matrix.suite.test: part.by_cell for part in tested}
    cells = dict.fromkeys(cell for lines in tests.values() for cell in lines)
    head = [" and ".join(suite.axes), "what it is", "protocol", "split", "seeds"]
    for test in tests:
        head += [f"{test} n", *(f"{test} {TITLES[metric]}" for metric in suite.metrics)]
    if suite.published:
        head += [f"{PUBLISHED}: {test} {TITLES[metric]}" for test in tests for metric in suite.metrics]
    rows = [_row(suite, cell, tests) for cell in cells]
    return Grid(suite.name, suite.title, head, rows, _caption(suite, tested), names=5)


def _row(suite: Suite, cell: str, tests: Mapping[str, Mapping[str, Line]]) -> list[str]:
    first = next(lines[cell] for lines in tests.values() if cell in lines)
    row = [cell, suite.about(cell), first.protocol, first.split_hash[:SHORT], str(len(first.seeds) or "")]
    for lines in tests.values():
        values = lines[cell].values if cell in lines else {}
        row.append(f"{lines[cell].n:,}" if cell in lines else "")
        row += [number_of(values.get(metric)) for metric in suite.metrics]
    if suite.published:
        known = suite.published.scores.get(cell, {})
        row += [
            f"{known[test][metric]:.4f}" if metric in known.get(test, {}) else ""
            for test in tests
            for metric in suite.metrics
        ]
    return row


def _caption(suite: Suite, tested: Sequence[Tested]) -> str:
    parts = [
        "Mean ± standard deviation (n − 1) over seeds; in brackets 95 % intervals of the mean over seeds, "
        "resampling dialogues (conversational) or speakers (acted)."
    ]
    if suite.published:
        here = {part.matrix.suite.test: max(line.n for line in part.lines) for part in tested}
        sizes = [
            f"{test} had {n:,} rows there and has {here[test]:,} here"
            for test, n in suite.published.n.items()
            if test in here
        ]
        parts.append(
            f"Set apart as {PUBLISHED}: {suite.published.title}, which are scores on other rows "
            f"({'; '.join(sizes)}) and not to be compared digit by digit."
        )
    best = best_tradeoff(tested[0].matrix) if tested else None
    if best is not None:
        cell, value = best
        reached = [
            f"{part.matrix.suite.test} UAR {part.by_cell[cell].values['uar']['mean']:.3f}" for part in tested
        ]
        published = suite.published.best if suite.published else None
        parts.append(
            f"Best trade-off by validation (mean of acted and conversational UAR, {value:.3f}): {cell}, with "
            f"{', '.join(reached)}" + (f"; published: {published}." if published else ".")
        )
    parts += [counted(looks) for looks in (tested[0].matrix.looks if tested else ()) if looks]
    if tested and tested[0].matrix.missing:
        parts.append(f"Not scored yet: {'; '.join(tested[0].matrix.missing)}.")
    return " ".join(parts)


def best_tradeoff(matrix: Matrix) -> tuple[str, float] | None:
    """The cell with the highest mean of acted and conversational validation UAR, over its runs.

    Returns:
        Cell and mean; None where the validation rows are of one domain.
    """
    values = {cell: [_tradeoff(entry) for entry in matrix.of(cell)] for cell in matrix.cells}
    means = {cell: float(np.mean(own)) for cell, own in values.items()}
    known = {cell: mean for cell, mean in means.items() if not np.isnan(mean)}
    return max(known.items(), key=lambda item: item[1]) if known else None


def _tradeoff(entry: Entry) -> float:
    rows, classes = entry.run.validation, entry.run.classes
    domains = [rows[rows["domain"] == domain] for domain in DOMAINS.values()]
    if any(own.empty for own in domains):
        return float("nan")
    return float(np.mean([_uar(own, classes) for own in domains]))


def _uar(rows: pd.DataFrame, classes: Sequence[str]) -> float:
    counts = confusion(rows["label"].tolist(), rows["predicted"].tolist(), classes)
    return float(scores(counts)["uar"])


def grid_csv(grid: Grid) -> str:
    """The cells of a table as they are shown."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows([grid.head, *grid.rows])
    return text.getvalue()
