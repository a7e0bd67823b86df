"""Tables in Markdown, CSV and LaTeX (booktabs): each line has its protocol, split, n, seeds."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from merdata import plugin
from merdata_train.report.lines import Line, account_on, is_main
from merdata_train.report.read import Matrix
from merdata_train.runs.looks import counted
from merdata_train.scoring.metrics import METRICS, TITLES, brackets
from merdata_train.scoring.results import Difference, Value
from merdata_train.scoring.units import OVER_SENTENCES

COLUMNS = (
    "suite", "layout", "cell", "part", "test", "protocol", "split", "n", "clusters", "seeds", "metric",
    "mean", "std", "t_low", "t_high", "low", "high", "reference", "difference", "difference_low",
    "difference_high", "relative", "p", "p_holm", "significant",
)  # fmt: skip
NAMES = 3  # columns before the numbers
SHORT = 12  # characters of a hash


@dataclass(frozen=True)
class Grid:
    """A table as text.

    Attributes:
        name: of its files.
        title: above it.
        head: names of the columns.
        rows: as long as `head`.
        caption: below it.
        names: how many columns come before the numbers.
    """

    name: str
    title: str
    head: list[str]
    rows: list[list[str]]
    caption: str
    names: int = NAMES


def grid_of(matrix: Matrix, lines: Sequence[Line]) -> Grid:
    """The table of a suite on its test set."""
    suite = matrix.suite
    return Grid(suite.name, suite.title, header(matrix), list(cells(matrix, lines)), caption(matrix, lines))


def markdown(grid: Grid) -> str:
    """A table with title and caption."""
    rule = ["---"] * grid.names + ["---:"] * (len(grid.head) - grid.names)
    body = [[*map(plugin.markdown, row[: grid.names]), *row[grid.names :]] for row in grid.rows]
    rows: list[list[str]] = [[*map(plugin.markdown, grid.head)], rule, *body]
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    return f"### {plugin.markdown(grid.title)}\n\n{table}\n\n{plugin.markdown(grid.caption)}\n"


def latex(grid: Grid) -> str:
    """A table environment; needs the package booktabs."""
    body = [" & ".join(map(plugin.latex, row)) + r" \\" for row in [grid.head, *grid.rows]]
    return "\n".join(
        [
            r"\begin{table}",
            rf"\caption{{{plugin.latex(grid.title)}. {plugin.latex(grid.caption)}}}",
            rf"\label{{tab:{grid.name}}}",
            rf"\begin{{tabular}}{{{'l' * grid.names}{'r' * (len(grid.head) - grid.names)}}}",
            r"\toprule",
            body[0],
            r"\midrule",
            *body[1:],
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def _texts(matrix: Matrix) -> Iterator[str]:
    """Who wrote the texts of which cells, where it was not the corpora."""
    cells: dict[str, list[str]] = {}
    for cell in matrix.cells:
        for sentence in {entry.run.metrics.get("texts") for entry in matrix.of(cell)} - {None}:
            cells.setdefault(str(sentence), []).append(cell)
    for sentence, named in cells.items():
        yield f"{', '.join(named)}: {sentence}"


def as_csv(matrix: Matrix, lines: Sequence[Line]) -> str:
    """One row per line and metric, numbers unrounded."""
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(row for line in lines for row in _long(matrix, line))
    return text.getvalue()


def caption(matrix: Matrix, lines: Sequence[Line]) -> str:
    """The test set, the intervals and the comparisons of a table, in sentences."""
    suite = matrix.suite
    parts = [
        f"Test set {suite.test}.",
        "Mean ± standard deviation (n − 1) over seeds; in brackets 95 % intervals of the mean over seeds, "
        "resampling dialogues (conversational) or speakers (acted).",
    ]
    if any(line.sentences for line in lines):
        parts.append(OVER_SENTENCES)
    if any(line.against for line in lines):
        parts.append(
            f"Differences from {matrix.reference}, where no other cell is named: paired bootstrap over the "
            "same clusters; n.s.: p ≥ 0.05 after Holm over the table; (percent of the reference)."
        )
    resolved = resolves(matrix, lines)
    if resolved:
        known = [f"{TITLES[name]} ±{resolved[name]:.3f}" for name in suite.metrics if name in resolved]
        parts.append(f"The test set resolves {', '.join(known)} (half of the widest interval).")
    absent = _absent(matrix)
    if absent:
        parts.append(f"Without rows and left out of macro averages: {', '.join(absent)}.")
    parts += _texts(matrix)
    parts += [counted(looks) for looks in matrix.looks if looks]
    if matrix.missing:
        parts.append(f"Not scored yet: {'; '.join(matrix.missing)}.")
    return " ".join(parts)


def resolves(matrix: Matrix, lines: Sequence[Line]) -> dict[str, float]:
    """Half of the widest bootstrap interval of each metric."""
    bounds: dict[str, list[float]] = {}
    for line in lines:
        for metric, value in line.values.items():
            if value["bootstrap"] and is_main(line, matrix):
                low, high = value["bootstrap"]
                bounds.setdefault(metric, []).append((high - low) / 2)
    return {metric: max(widths) for metric, widths in bounds.items()}


def _absent(matrix: Matrix) -> list[str]:
    accounts = [account_on(entry.run, matrix.suite.test) for entry in matrix.entries]
    return sorted(set.intersection(*(set(account["absent"]) for account in accounts)))


def header(matrix: Matrix) -> list[str]:
    """The names of the columns."""
    primary = TITLES[matrix.suite.metrics[0]]
    compared = [f"{primary} − {matrix.reference}"] if _compares(matrix) else []
    return [
        "",
        "protocol",
        "split",
        "n",
        "seeds",
        *(TITLES[name] for name in matrix.suite.metrics),
        *compared,
    ]


def _compares(matrix: Matrix) -> bool:
    return matrix.comparable and len(matrix.cells) > 1 and len(matrix.splits) < len(matrix.cells)


def cells(matrix: Matrix, lines: Sequence[Line]) -> Iterator[list[str]]:
    """The cells of every line, as text."""
    primary = matrix.suite.metrics[0]
    for line in lines:
        label = ", ".join(part for part in (line.cell, line.part) if part)
        facts = [label, line.protocol, line.split_hash[:SHORT], f"{line.n:,}", str(len(line.seeds) or "")]
        numbers = [number_of(line.values.get(name)) for name in matrix.suite.metrics]
        compared = [_difference(matrix, line, primary)] if _compares(matrix) else []
        yield [*facts, *numbers, *compared]


def number_of(value: Value | None) -> str:
    """Mean, standard deviation and interval, as far as they are known."""
    if value is None:
        return ""
    spread = f" ± {value['std']:.3f}" if value["std"] is not None else ""
    bounds = value["bootstrap"]
    return f"{value['mean']:.3f}{spread}" + brackets(bounds)


def _difference(matrix: Matrix, line: Line, metric: str) -> str:
    """The difference from the line's reference, as points, with interval, and in percent of the reference."""
    against = line.against.get(metric)
    if against is None:
        return ""
    text = difference_of(against)
    relative = _relative(line.values[metric], against)
    text += f" ({_signed(100 * relative, 1)} %)" if relative is not None else ""
    reference = matrix.reference_of(line.cell)
    return text if reference == matrix.reference else f"{text} from {reference}"


def difference_of(against: Difference) -> str:
    """A difference as points, with its interval where it has one."""
    text = _signed(against["difference"])
    if against["interval"] is not None:
        low, high = map(_signed, against["interval"])
        text += f" [{low}, {high}]" + ("" if against["significant"] else " n.s.")
    return text


def _relative(value: Value, against: Difference) -> float | None:
    """The difference as a share of the reference; None of a reference of 0."""
    reference = value["mean"] - against["difference"]
    return against["difference"] / reference if reference > 0 else None


def _signed(value: float, digits: int = 3) -> str:
    return f"{value:+.{digits}f}".replace("-", "−")


def _long(matrix: Matrix, line: Line) -> Iterator[dict[str, object]]:
    facts = {
        "suite": matrix.suite.name,
        "layout": matrix.suite.layout,
        "cell": line.cell,
        "part": line.part,
        "test": matrix.suite.test,
        "protocol": line.protocol,
        "split": line.split_hash[:SHORT],
        "n": line.n,
        "clusters": line.clusters or None,
        "seeds": " ".join(map(str, line.seeds)),
    }
    for metric in METRICS:
        if metric in line.values:
            compared = _long_difference(matrix, line, metric)
            yield facts | {"metric": metric} | _long_value(line.values[metric]) | compared


def _long_value(value: Value) -> dict[str, object]:
    t_low, t_high = value["interval"] or (None, None)
    low, high = value["bootstrap"] or (None, None)
    spread: dict[str, object] = {"mean": value["mean"], "std": value["std"]}
    return spread | {"t_low": t_low, "t_high": t_high, "low": low, "high": high}


def _long_difference(matrix: Matrix, line: Line, metric: str) -> dict[str, object]:
    against = line.against.get(metric)
    if against is None:
        return {}
    low, high = against["interval"] or (None, None)
    tested = {name: against.get(name) for name in ("p", "p_holm", "significant")}
    value: dict[str, object] = {
        "reference": matrix.reference_of(line.cell),
        "difference": against["difference"],
        "relative": _relative(line.values[metric], against),
    }
    return value | {"difference_low": low, "difference_high": high} | tested
