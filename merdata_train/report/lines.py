"""The lines of a table: each cell over seeds and folds, its intervals, its difference from a reference."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from merdata_train.errors import RunError
from merdata_train.report.read import Entry, Matrix
from merdata_train.runs.compare import check_same_rows, correct_pairs
from merdata_train.runs.folder import ScoredRun
from merdata_train.scoring.metrics import METRICS
from merdata_train.scoring.results import Differences, Intervals, SetAccount, Spread, Value
from merdata_train.scoring.statistics import Ints, mean_intervals, mean_scores, over_runs, paired
from merdata_train.scoring.units import by_unit, over_sentences

BASELINES = {"chance": "chance", "majority": "always the majority", "text_prior": "text prior"}


@dataclass(frozen=True)
class Line:
    """One line of a table.

    Attributes:
        cell: its label, or that of a baseline.
        part: the fold, `pooled` or `mean of folds`; empty where there is one fold.
        protocol, split_hash: of the test rows.
        n, clusters, seeds: rows, resampled units (0 where nothing is resampled), seeds.
        values: by metric.
        against: metric -> difference from the reference, with interval and p; empty for none.
        sentences: whether sentences are resampled, for want of speakers.
    """

    cell: str
    part: str
    protocol: str
    split_hash: str
    n: int
    clusters: int
    seeds: tuple[int, ...]
    values: dict[str, Value]
    against: Differences = field(default_factory=dict)
    sentences: bool = False


@dataclass(frozen=True)
class LineRows:
    """The rows of one line: those of each seed, in the same order."""

    entries: list[Entry]
    counts: Ints  # [seeds, clusters, C, C]
    n: int
    sentences: bool


def is_main(line: Line, matrix: Matrix) -> bool:
    """Whether a line is a result of its own: a fold is, as a left-out corpus or on a curve; else the pool."""
    if matrix.suite.layout in ("corpora", "curve"):
        return bool(line.clusters) and not line.part.endswith("own classes")
    return bool(line.clusters) and line.part in ("", "pooled")


def lines_of(matrix: Matrix) -> list[Line]:
    """All lines of a suite's table, baselines last.

    Raises:
        ProtocolError: seeds or cells that are compared were scored on different rows.
    """
    lines = [*_lines(matrix), *_baselines(matrix)]
    correct_pairs([line.against for line in lines if line.against])
    return lines


def _lines(matrix: Matrix) -> Iterator[Line]:
    layouts = {"cells": _of_cell, "folds": _of_folds, "corpora": _of_corpora, "curve": _of_curve}
    for cell in matrix.cells:
        folds = matrix.folds_of(cell)
        parts = {fold: _part(matrix, matrix.of(cell, fold)) for fold in folds}
        if len(folds) == 1 and matrix.suite.layout != "curve":
            (part,) = parts.values()
            yield _line(matrix, cell, "", part)
        else:
            yield from layouts[matrix.suite.layout](matrix, cell, parts)


def _of_cell(matrix: Matrix, cell: str, parts: Mapping[int, LineRows]) -> Iterator[Line]:
    """The pool of all folds; while some are missing, those that there are."""
    pool = pooled(matrix, cell)
    if pool is None:
        yield from _of_folds(matrix, cell, parts)
    else:
        yield _line(matrix, cell, "pooled", pool)


def _of_folds(matrix: Matrix, cell: str, parts: Mapping[int, LineRows]) -> Iterator[Line]:
    """Each fold, their pool and their mean."""
    names = matrix.folds_of(cell)
    for fold, part in parts.items():
        yield _line(matrix, cell, names[fold], part, compared=False)
    pool = pooled(matrix, cell)
    if pool is not None:
        yield _line(matrix, cell, "pooled", pool)
    yield _mean_of_folds(matrix, cell, list(parts.values()))


def _of_corpora(matrix: Matrix, cell: str, parts: Mapping[int, LineRows]) -> Iterator[Line]:
    """Each left-out corpus, also among its own classes, and their mean."""
    names = matrix.folds_of(cell)
    for fold, part in parts.items():
        yield _line(matrix, cell, names[fold], part, compared=False)
        own = _part(matrix, part.entries, own_classes=True)
        if (own.counts != part.counts).any():
            yield _line(matrix, cell, f"{names[fold]}, own classes", own, compared=False)
    yield _mean_of_folds(matrix, cell, list(parts.values()))


def _of_curve(matrix: Matrix, cell: str, parts: Mapping[int, LineRows]) -> Iterator[Line]:
    """Each fold as a point of a curve: all are tested on the same rows."""
    names = matrix.folds_of(cell)
    first = next(iter(parts.values())).entries[0].run
    for fold, part in parts.items():
        check_same_rows(first, part.entries[0].run, matrix.suite.test)
        yield _line(matrix, cell, names[fold], part, fold=fold)


def _line(
    matrix: Matrix, cell: str, name: str, part: LineRows, compared: bool = True, fold: int | None = None
) -> Line:
    first = part.entries[0].run.metrics
    by_seed = _by_seed(part.counts)
    bounds = mean_intervals(part.counts)
    values = {metric: _value(over_runs(by_seed[metric]), metric, bounds) for metric in METRICS}
    seeds = tuple(sorted({entry.seed for entry in part.entries}))
    against = _against(matrix, cell, part, fold) if compared else {}
    facts = (first["protocol"], first["split_hash"], part.n, part.counts.shape[1], seeds)
    return Line(cell, name, *facts, values, against, part.sentences)


def _value(spread: Spread, metric: str, bounds: Intervals | None) -> Value:
    return {**spread, "bootstrap": bounds[metric] if bounds else None}


def _by_seed(counts: Ints) -> dict[str, list[float]]:
    of_seeds = [mean_scores(of_seed.sum(axis=0)[None]) for of_seed in counts]
    return {metric: [float(means[metric]) for means in of_seeds] for metric in METRICS}


def _against(matrix: Matrix, cell: str, part: LineRows, fold: int | None) -> Differences:
    """The difference from the cell's reference on the same rows; of cells of other splits there is none."""
    reference = matrix.reference_of(cell)
    if cell == reference or not matrix.comparable:
        return {}
    other = pooled(matrix, reference, fold)
    if other is None or matrix.split_of(cell) != matrix.split_of(reference):
        return {}
    theirs = {entry.fold: entry.run for entry in other.entries}
    for fold, run in {entry.fold: entry.run for entry in part.entries}.items():
        check_same_rows(theirs[fold], run, matrix.suite.test)
    return paired(other.counts, part.counts)


def _part(matrix: Matrix, entries: Sequence[Entry], own_classes: bool = False) -> LineRows:
    """The seeds of one cell and fold, on the suite's evaluation set."""
    test, first = matrix.suite.test, entries[0].run
    for entry in entries[1:]:
        check_same_rows(first, entry.run, test)
    counts = [by_unit(_rows(entry.run, test, own_classes), first.classes) for entry in entries]
    rows = first.on(test)
    return LineRows(list(entries), np.stack(counts), len(rows), over_sentences(rows))


def _rows(run: ScoredRun, test: str, own_classes: bool) -> pd.DataFrame:
    rows = run.on(test)
    return among_own(rows, run.classes) if own_classes else rows


def among_own(rows: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The rows with the best prediction among the classes that their gold labels have."""
    own = [name for name in classes if (rows["label"] == name).any()]
    best = rows[[f"p_{name}" for name in own]].to_numpy().argmax(axis=1)
    return rows.assign(predicted=[own[column] for column in best])


def pooled(
    matrix: Matrix, cell: str, fold: int | None = None, rows_of: Callable[[Entry], pd.DataFrame] | None = None
) -> LineRows | None:
    """The predictions of a fold, or of all together, by seed; None unless each seed has each fold.

    Args:
        matrix: of the cell.
        cell: its label.
        fold: one of its folds; None for all.
        rows_of: gives the rows of an entry (default: the suite's evaluation set).
    """
    entries = matrix.of(cell, fold)
    seeds = sorted({entry.seed for entry in entries})
    folds = matrix.folds_on(cell) if fold is None else [fold]
    if not entries or len(entries) != len(seeds) * len(folds):
        return None
    classes = entries[0].run.classes
    rows_of = rows_of or (lambda entry: entry.run.on(matrix.suite.test))
    pools = [pd.concat([rows_of(entry) for entry in entries if entry.seed == seed]) for seed in seeds]
    counts = np.stack([by_unit(rows, classes) for rows in pools])
    return LineRows(entries, counts, len(pools[0]), over_sentences(pools[0]))


def _mean_of_folds(matrix: Matrix, cell: str, parts: Sequence[LineRows]) -> Line:
    """Mean and spread over folds of the mean over seeds; no interval, because folds share train rows."""
    first = parts[0].entries[0].run.metrics
    of_folds = [_by_seed(part.counts) for part in parts]
    values = {metric: _mean_only([float(np.mean(fold[metric])) for fold in of_folds]) for metric in METRICS}
    n = sum(part.n for part in parts)
    name = f"mean of {len(parts)} {'corpora' if matrix.suite.layout == 'corpora' else 'folds'}"
    seeds = tuple(sorted({entry.seed for part in parts for entry in part.entries}))
    return Line(cell, name, first["protocol"], first["split_hash"], n, 0, seeds, values)


def _mean_only(values: Sequence[float]) -> Value:
    return {**over_runs(values), "interval": None, "bootstrap": None}


def _baselines(matrix: Matrix) -> Iterator[Line]:
    """For each split, of the train rows of its first cell; over folds, their mean."""
    if matrix.comparable:
        for cells in matrix.splits.values():
            reference = matrix.reference if matrix.reference in cells else cells[0]
            yield from _baselines_of(matrix, reference)


def _baselines_of(matrix: Matrix, cell: str) -> Iterator[Line]:
    of_folds = {entry.fold: entry.run for entry in reversed(matrix.of(cell))}
    runs = list(of_folds.values())
    accounts = [account_on(run, matrix.suite.test) for run in runs]
    n = sum(account["n"] for account in accounts)
    for key, label in BASELINES.items():
        scored = [account["baselines"][key] for account in accounts]
        values: dict[str, Value] = {
            metric: _mean_only([float(np.mean([scores[metric] for scores in scored]))])
            for metric in METRICS
            if all(metric in scores for scores in scored)
        }
        facts = (runs[0].metrics["protocol"], runs[0].metrics["split_hash"], n, 0, ())
        yield Line(label, "", *facts, values)


def account_on(run: ScoredRun, evaluation_set: str) -> SetAccount:
    """What metrics.json says of one evaluation set.

    Raises:
        RunError: the run has no rows of it.
    """
    account = run.metrics["sets"].get(evaluation_set)
    if account is None:
        raise RunError(f"{run.folder} has no test rows of {evaluation_set}: evaluate it again")
    return account
