"""The lines of a table: each cell over seeds and folds, its intervals, its difference from a reference."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from merdata_train.errors import RunError
from merdata_train.report.read import Entry, Matrix
from merdata_train.runs.compare import by_cluster, check_same_rows, correct_pairs
from merdata_train.runs.folder import ScoredRun
from merdata_train.scoring.metrics import METRICS
from merdata_train.scoring.results import Differences, Intervals, SetAccount, Spread, Value
from merdata_train.scoring.statistics import Ints, mean_intervals, mean_scores, over_runs, paired

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


@dataclass(frozen=True)
class Part:
    """The rows of one line: those of each seed, in the same order."""

    entries: list[Entry]
    counts: Ints  # [seeds, clusters, C, C]
    n: int


def is_main(line: Line, matrix: Matrix) -> bool:
    """Whether a line is a result of its own: a fold is, where it is a left-out corpus; else their pool."""
    if matrix.suite.table == "T6":
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
    folds = matrix.folds
    for cell in matrix.cells:
        parts = {fold: _part(matrix, matrix.of(cell, fold)) for fold in folds if matrix.of(cell, fold)}
        if len(folds) == 1:
            (part,) = parts.values()
            yield _line(matrix, cell, "", part)
            continue
        for fold, part in parts.items():
            yield _line(matrix, cell, folds[fold], part, compared=False)
            own = _part(matrix, part.entries, own_classes=True)
            if matrix.suite.table == "T6" and (own.counts != part.counts).any():
                yield _line(matrix, cell, f"{folds[fold]}, own classes", own, compared=False)
        pooled = _pooled(matrix, cell)
        if pooled is not None and matrix.suite.table != "T6":
            yield _line(matrix, cell, "pooled", pooled)
        yield _mean_of_folds(matrix, cell, list(parts.values()))


def _line(matrix: Matrix, cell: str, name: str, part: Part, compared: bool = True) -> Line:
    first = part.entries[0].run.metrics
    by_seed = _by_seed(part.counts)
    bounds = mean_intervals(part.counts)
    values = {metric: _value(over_runs(by_seed[metric]), metric, bounds) for metric in METRICS}
    seeds = tuple(sorted({entry.seed for entry in part.entries}))
    against = _against(matrix, cell, part) if compared else {}
    facts = (first["protocol"], first["split_hash"], part.n, part.counts.shape[1], seeds)
    return Line(cell, name, *facts, values, against)


def _value(spread: Spread, metric: str, bounds: Intervals | None) -> Value:
    return {**spread, "bootstrap": bounds[metric] if bounds else None}


def _by_seed(counts: Ints) -> dict[str, list[float]]:
    of_seeds = [mean_scores(of_seed.sum(axis=0)[None]) for of_seed in counts]
    return {metric: [float(means[metric]) for means in of_seeds] for metric in METRICS}


def _against(matrix: Matrix, cell: str, part: Part) -> Differences:
    """The difference from the cell's reference on the same rows."""
    reference = matrix.reference_of(cell)
    if cell == reference or not matrix.comparable:
        return {}
    other = _pooled(matrix, reference)
    if other is None:
        return {}
    theirs = {entry.fold: entry.run for entry in other.entries}
    for fold, run in {entry.fold: entry.run for entry in part.entries}.items():
        check_same_rows(theirs[fold], run, matrix.suite.test)
    return paired(other.counts, part.counts)


def _part(matrix: Matrix, entries: Sequence[Entry], own_classes: bool = False) -> Part:
    """The seeds of one cell and fold, on the suite's evaluation set."""
    test, first = matrix.suite.test, entries[0].run
    for entry in entries[1:]:
        check_same_rows(first, entry.run, test)
    counts = [by_cluster(_rows(entry.run, test, own_classes), first.classes) for entry in entries]
    return Part(list(entries), np.stack(counts), len(first.on(test)))


def _rows(run: ScoredRun, test: str, own_classes: bool) -> pd.DataFrame:
    rows = run.on(test)
    return among_own(rows, run.classes) if own_classes else rows


def among_own(rows: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """The rows with the best prediction among the classes that their gold labels have."""
    own = [name for name in classes if (rows["label"] == name).any()]
    best = rows[[f"p_{name}" for name in own]].to_numpy().argmax(axis=1)
    return rows.assign(predicted=[own[column] for column in best])


def _pooled(matrix: Matrix, cell: str) -> Part | None:
    """The predictions of all folds together, by seed; None unless each seed has each fold."""
    entries = matrix.of(cell)
    seeds = sorted({entry.seed for entry in entries})
    if len(entries) != len(seeds) * len(matrix.folds):
        return None
    classes = entries[0].run.classes
    pools = [
        pd.concat([entry.run.on(matrix.suite.test) for entry in entries if entry.seed == seed])
        for seed in seeds
    ]
    return Part(entries, np.stack([by_cluster(rows, classes) for rows in pools]), len(pools[0]))


def _mean_of_folds(matrix: Matrix, cell: str, parts: Sequence[Part]) -> Line:
    """Mean and spread over folds of the mean over seeds; no interval, because folds share train rows."""
    first = parts[0].entries[0].run.metrics
    of_folds = [_by_seed(part.counts) for part in parts]
    values = {metric: _mean_only([float(np.mean(fold[metric])) for fold in of_folds]) for metric in METRICS}
    n = sum(part.n for part in parts)
    name = f"mean of {len(parts)} {'corpora' if matrix.suite.table == 'T6' else 'folds'}"
    seeds = tuple(sorted({entry.seed for part in parts for entry in part.entries}))
    return Line(cell, name, first["protocol"], first["split_hash"], n, 0, seeds, values)


def _mean_only(values: Sequence[float]) -> Value:
    return {**over_runs(values), "interval": None, "bootstrap": None}


def _baselines(matrix: Matrix) -> Iterator[Line]:
    """Of the reference cell's train rows; over folds, their mean. None for cells of different rows."""
    if not matrix.comparable:
        return
    of_folds = {entry.fold: entry.run for entry in reversed(matrix.of(matrix.reference))}
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
