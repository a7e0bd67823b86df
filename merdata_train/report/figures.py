"""Figures for light and dark pages: confusion, scores with intervals, F1 by class, learning curves."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from merdata.plugin import COLOURS, Draw, Look
from merdata_train.report.lines import Line, is_main
from merdata_train.report.read import Matrix
from merdata_train.scoring.checks import best_epoch
from merdata_train.scoring.metrics import TITLES, confusion, per_class
from merdata_train.scoring.results import Epoch


def figures(matrix: Matrix, lines: Sequence[Line]) -> Iterator[tuple[str, str, Draw]]:
    """Name, what it shows, and how it is drawn, of each figure of a suite."""
    test, reference = matrix.suite.test, matrix.reference
    metric = TITLES[matrix.suite.metrics[0]]
    about = f"{metric} on {test}: mean over seeds and 95 % interval"
    if matrix.suite.layout == "curve":
        yield "curve", about, lambda f, k: curve(f, k, matrix, lines)
    else:
        yield "scores", about, lambda f, k: scores(f, k, matrix, lines)
    seed = matrix.of(reference)[0].seed
    about = f"Confusion on {test}, {reference}, seed {seed}: share of the gold class, and rows"
    yield "confusion", about, lambda f, k: confusions(f, k, matrix)
    yield "classes", f"F1 by class on {test}, mean over seeds", lambda f, k: classes(f, k, matrix)
    about = f"Validation {metric} by epoch, one line per run; the dot is the chosen epoch"
    yield "learning", about, lambda f, k: learning(f, k, matrix)
    about = "Loss by epoch, first seed and fold: train, all losses (line); validation, -log p (dashes)"
    yield "losses", about, lambda f, _: losses(f, matrix)


def scores(figure: Figure, look: Look, matrix: Matrix, lines: Sequence[Line]) -> None:
    """One bar per line of the table with its interval; the baselines as dashed lines."""
    metric = matrix.suite.metrics[0]
    bars = [line for line in lines if is_main(line, matrix)]
    by_part = matrix.suite.layout == "corpora" and len(matrix.cells) == 1
    labels = [line.part if by_part else line.cell for line in bars]
    figure.set_size_inches(max(3.6, 0.62 * len(bars) + 2.4), 3.2)
    axes = figure.add_subplot()
    means = np.array([line.values[metric]["mean"] for line in bars])
    spans = [line.values[metric]["bootstrap"] for line in bars]
    away = [abs(np.array(span or [np.nan] * 2) - mean) for span, mean in zip(spans, means, strict=True)]
    tops = [span[1] if span else mean for span, mean in zip(spans, means, strict=True)]
    colours = [COLOURS[matrix.cells.index(line.cell) % len(COLOURS)] for line in bars]
    axes.bar(range(len(bars)), means, color=colours, width=0.62, zorder=2)
    whiskers: dict[str, Any] = {"ecolor": look.ink, "capsize": 4, "lw": 1.1, "zorder": 3}
    axes.errorbar(range(len(bars)), means, yerr=np.transpose(away), fmt="none", **whiskers)
    for place, (mean, top) in enumerate(zip(means, tops, strict=True)):
        axes.annotate(f"{mean:.3f}", (place, top), (0, 4), textcoords="offset points", ha="center", size=8)
    baselines = _of_reference(matrix, lines, metric)
    _baselines(axes, look, baselines, metric)
    slanted = max(map(len, labels)) > 9 and len(labels) > 4
    axes.set_xticks(
        range(len(bars)), labels, rotation=35 if slanted else 0, ha="right" if slanted else "center"
    )
    axes.set_ylabel(TITLES[metric])
    shown = [line.values[metric]["mean"] for line in baselines]
    axes.set_ylim(0, min(1.05, max([*shown, *(1.12 * top for top in tops)]) * 1.06))
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", zorder=0)


def curve(figure: Figure, look: Look, matrix: Matrix, lines: Sequence[Line]) -> None:
    """The metric of every cell along the folds, all tested on the same rows, with intervals."""
    metric = matrix.suite.metrics[0]
    figure.set_size_inches(5.6, 3.4)
    axes = figure.add_subplot()
    for cell, colour in zip(matrix.cells, itertools.cycle(COLOURS), strict=False):
        numbers = {name: number for number, name in matrix.folds_of(cell).items()}
        own = [line for line in lines if line.cell == cell and is_main(line, matrix)]
        places = [numbers[line.part] for line in own]
        means = np.array([line.values[metric]["mean"] for line in own])
        spans = [line.values[metric]["bootstrap"] or [np.nan] * 2 for line in own]
        away = np.abs(np.transpose(spans) - means)
        axes.errorbar(places, means, yerr=away, color=colour, marker="o", ms=4, lw=1.2, capsize=3, label=cell)
    axes.set_xlabel(matrix.suite.along)
    axes.set_ylabel(TITLES[metric])
    axes.set_xticks(sorted({number for cell in matrix.cells for number in matrix.folds_of(cell)}))
    _baselines(axes, look, _of_reference(matrix, lines, metric), metric)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, borderaxespad=0.2)
    axes.grid(zorder=0)


def _of_reference(matrix: Matrix, lines: Sequence[Line], metric: str) -> list[Line]:
    """The baselines on the split of the reference cell."""
    split = matrix.split_of(matrix.reference)
    return [line for line in lines if not line.seeds and metric in line.values and line.split_hash == split]


def _baselines(axes: Axes, look: Look, baselines: Sequence[Line], metric: str) -> None:
    styles = ("--", ":", "-.")
    for line, style in zip(baselines, styles, strict=False):
        value = line.values[metric]["mean"]
        axes.axhline(
            value, ls=style, lw=1.1, color=look.ink, alpha=0.75, zorder=4, label=f"{line.cell} {value:.3f}"
        )
    if baselines:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=8, borderaxespad=0.2)


def confusions(figure: Figure, look: Look, matrix: Matrix) -> None:
    """Gold by predicted of the reference cell's first seed: shares of the row, and counts."""
    names, counts = counts_of(matrix)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    figure.set_size_inches(0.72 * len(names) + 1.7, 0.62 * len(names) + 1.0)
    axes = figure.add_subplot()
    drawn = axes.imshow(shares, cmap=look.heat, vmin=0, vmax=1, aspect="auto")
    for row, column in np.ndindex(*shares.shape):
        if not counts[row, column]:
            axes.text(column, row, "·", ha="center", va="center", color="#888888")
            continue
        red, green, blue, _ = drawn.cmap(drawn.norm(shares[row, column]))
        ink = "#111111" if 0.299 * red + 0.587 * green + 0.114 * blue > 0.55 else "#f5f5f5"
        here: dict[str, Any] = {"ha": "center", "va": "center", "color": ink}
        axes.text(column, row - 0.13, f"{100 * shares[row, column]:.0f} %", size=9, **here)
        axes.text(column, row + 0.24, f"{counts[row, column]:,}", size=6.5, **here)
    axes.set_xticks(range(len(names)), names, rotation=35, ha="right", rotation_mode="anchor")
    axes.set_yticks(
        range(len(names)),
        [f"{name} ({rows:,})" for name, rows in zip(names, counts.sum(axis=1), strict=True)],
    )
    axes.set_xlabel("predicted")
    axes.set_ylabel("gold")
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def counts_of(matrix: Matrix) -> tuple[tuple[str, ...], Any]:
    """Classes and confusion counts of the reference cell's first seed, all its folds together."""
    entries = matrix.of(matrix.reference)
    first = [entry.run for entry in entries if entry.seed == entries[0].seed]
    rows = [run.on(matrix.suite.test) for run in first]
    names = first[0].classes
    return names, sum(confusion(fold["label"].tolist(), fold["predicted"].tolist(), names) for fold in rows)


def classes(figure: Figure, look: Look, matrix: Matrix) -> None:
    """F1 of each class, one bar per cell, with the standard deviation over seeds (and folds)."""
    names = matrix.entries[0].run.classes
    figure.set_size_inches(max(4.5, 0.95 * len(names) + 1.2), 3.2)
    axes = figure.add_subplot()
    width = 0.8 / len(matrix.cells)
    for number, cell in enumerate(matrix.cells):
        scored = np.array([_f1(entry.run.on(matrix.suite.test), names) for entry in matrix.of(cell)])
        places = np.arange(len(names)) + (number - (len(matrix.cells) - 1) / 2) * width
        known = np.ma.masked_invalid(scored)  # a fold without rows of a class has no F1 of it
        spread = known.std(axis=0, ddof=1).filled(0) if len(known) > 1 else None
        bar: dict[str, Any] = {"ecolor": look.ink, "error_kw": {"lw": 0.9, "capsize": 2}}
        axes.bar(
            places,
            known.mean(axis=0).filled(0),
            width * 0.92,
            yerr=spread,
            label=cell,
            color=COLOURS[number % len(COLOURS)],
            zorder=2,
            **bar,
        )
    axes.set_xticks(range(len(names)), names)
    axes.set_ylabel("F1")
    axes.set_ylim(0)
    axes.tick_params(axis="x", length=0)
    axes.grid(axis="y", zorder=0)
    if len(matrix.cells) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0.2)


def _f1(rows: Any, names: Sequence[str]) -> Any:
    by_class = per_class(confusion(rows["label"].tolist(), rows["predicted"].tolist(), names))
    return np.where(by_class["support"] > 0, by_class["f1"], np.nan)


def learning(figure: Figure, look: Look, matrix: Matrix) -> None:
    """The validation metric of every epoch, stages one after another, the chosen epoch as a dot."""
    metric = matrix.suite.metrics[0]
    figure.set_size_inches(5.6, 3.2)
    axes = figure.add_subplot()
    for cell, colour in zip(matrix.cells, itertools.cycle(COLOURS), strict=False):
        for number, entry in enumerate(matrix.of(cell)):
            values = [epoch["validation"][metric] for epoch in entry.run.history]
            line: dict[str, Any] = {"color": colour, "lw": 1, "alpha": 0.75}
            axes.plot(range(1, len(values) + 1), values, label=cell if number == 0 else None, **line)
            chosen = _chosen(entry.run.history)
            axes.plot(chosen + 1, values[chosen], "o", color=colour, ms=4, mec=look.ink, mew=0.5)
    axes.set_xlabel("epoch")
    axes.set_ylabel(f"validation {TITLES[metric]}")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(zorder=0)
    if len(matrix.cells) > 1:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0.2)


def _chosen(history: list[Epoch]) -> int:
    best = best_epoch(history)
    return next(number for number, epoch in enumerate(history) if epoch is best)


def losses(figure: Figure, matrix: Matrix) -> None:
    """The loss of every epoch on train and, where the history has it, on validation rows."""
    figure.set_size_inches(5.6, 3.2)
    axes = figure.add_subplot()
    for cell, colour in zip(matrix.cells, itertools.cycle(COLOURS), strict=False):
        history = matrix.of(cell)[0].run.history
        epochs = range(1, len(history) + 1)
        axes.plot(epochs, [epoch["loss"] for epoch in history], color=colour, lw=1.1, label=cell)
        validation = [epoch.get("validation_loss", np.nan) for epoch in history]
        axes.plot(epochs, validation, color=colour, lw=1.1, ls="--")
    axes.set_xlabel("epoch")
    axes.set_ylabel("loss")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.grid(zorder=0)
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1), borderaxespad=0.2)
