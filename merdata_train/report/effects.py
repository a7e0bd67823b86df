"""Main effects of a factorial suite: what each level of a factor does on average over all other factors."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product

import numpy as np

from merdata_train.report.lines import LineRows, pooled
from merdata_train.report.read import Matrix
from merdata_train.report.tables import Grid, difference_of
from merdata_train.runs.compare import correct_pairs
from merdata_train.scoring.metrics import TITLES, brackets
from merdata_train.scoring.results import Differences, Intervals
from merdata_train.scoring.statistics import Ints, mean_intervals, mean_scores, paired


@dataclass(frozen=True)
class Effect:
    """A level of a factor: the mean over all cells that have it, and over their seeds.

    Attributes:
        factor, level: names of the axis and of its value.
        cells: how many have the level.
        scores, intervals: by metric; 95 % over the units of the suite's table.
        against: minus the cells with the factor's reference level, paired; empty for that level.
    """

    factor: str
    level: str
    cells: int
    scores: Mapping[str, float]
    intervals: Intervals | None
    against: Differences


def effects_of(matrix: Matrix) -> list[Effect]:
    """The effects of a suite with two factors or more, once all its cells have runs on the same rows.

    A mean over all combinations of the other factors is the main effect of a balanced factorial design
    (Montgomery 2017, Design and Analysis of Experiments, ch. 5).
    """
    suite = matrix.suite
    factors = {name: list(axis) for name, axis in suite.axes.items() if len(axis) > 1}
    labels = [label for label, _ in suite.cells()]
    parts = {label: pooled(matrix, label) for label in labels if label in matrix.cells}
    whole = {label: part for label, part in parts.items() if part is not None}
    if len(factors) < 2 or len(whole) < len(labels) or len(matrix.splits) > 1 or suite.layout == "curve":
        return []
    effects = [effect for factor in factors for effect in _of_factor(matrix, factor, whole)]
    correct_pairs([effect.against for effect in effects if effect.against])
    return effects


def _of_factor(matrix: Matrix, factor: str, parts: Mapping[str, LineRows]) -> Iterator[Effect]:
    axes = matrix.suite.axes
    place = list(axes).index(factor)
    levels = dict(zip(parts, (levels[place] for levels in product(*axes.values())), strict=True))
    counts = {
        level: np.concatenate([part.counts for label, part in parts.items() if levels[label] == level])
        for level in axes[factor]
    }
    reference = levels[matrix.reference]
    for level, own in counts.items():
        against = {} if level == reference else paired(counts[reference], own)
        cells = sum(other == level for other in levels.values())
        yield Effect(factor, level, cells, _scores(own), mean_intervals(own), against)


def _scores(counts: Ints) -> dict[str, float]:
    return {name: float(value) for name, value in mean_scores(counts.sum(axis=1)).items()}


def effects_grid(matrix: Matrix, effects: list[Effect]) -> Grid:
    """A row for each level of each factor."""
    suite, metric = matrix.suite, matrix.suite.metrics[0]
    head = [
        "factor",
        "level",
        "cells",
        *(TITLES[name] for name in suite.metrics),
        f"{TITLES[metric]}, effect",
    ]
    rows = [
        [
            effect.factor,
            effect.level,
            str(effect.cells),
            *(_bounded(effect, name) for name in suite.metrics),
            difference_of(effect.against[metric]) if effect.against else "reference",
        ]
        for effect in effects
    ]
    caption = (
        f"Test set {suite.test}. Each number is the mean over all cells that have the level, and over their "
        "seeds; the effect is minus the mean of the cells with the reference level, which differ in that "
        "factor alone. In brackets: 95 % intervals over the units of the suite's table, paired for effects; "
        "n.s.: p ≥ 0.05 after Holm over this table."
    )
    return Grid(f"{suite.name}-effects", f"{suite.title}: main effects", head, rows, caption, names=2)


def _bounded(effect: Effect, metric: str) -> str:
    bounds = (effect.intervals or {}).get(metric)
    return f"{effect.scores[metric]:.3f}" + brackets(bounds)
