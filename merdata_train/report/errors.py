"""The answers of several models to the same test rows: where they err, and what one turns right or wrong."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from itertools import combinations

import pandas as pd

from merdata_train.report.read import Entry, Matrix
from merdata_train.report.tables import Grid
from merdata_train.runs.compare import check_same_rows

SHOWN = 20  # cases of the table; the csv file and the page have all
SHARED = ["corpus", "speaker", "label"]


def answers_of(matrix: Matrix) -> pd.DataFrame | None:
    """The test rows of the cells that a suite looks at side by side, of their first seed, all folds together.

    Returns:
        id, corpus, speaker, label; for each cell `predicted CELL`, `p CELL` of that answer and `gold CELL`,
        the probability of the gold class. None unless two of the cells have runs.

    Raises:
        ProtocolError: the cells were tested on different rows.
    """
    cells = [cell for cell in matrix.suite.errors if cell in matrix.cells]
    if len(cells) < 2:
        return None
    firsts = {cell: _of_first_seed(matrix, cell) for cell in cells}
    table = None
    for cell, entries in firsts.items():
        for entry, other in zip(entries, firsts[cells[0]], strict=False):
            check_same_rows(other.run, entry.run, matrix.suite.test)
        rows = pd.concat([entry.run.on(matrix.suite.test) for entry in entries], ignore_index=True)
        answers = _answers(rows, entries[0].run.classes, cell)
        table = answers if table is None else table.merge(answers.drop(columns=SHARED), on="id")
    return table


def _of_first_seed(matrix: Matrix, cell: str) -> list[Entry]:
    entries = matrix.of(cell)
    return [entry for entry in entries if entry.seed == min(entry.seed for entry in entries)]


def _answers(rows: pd.DataFrame, classes: Sequence[str], cell: str) -> pd.DataFrame:
    chances = rows[[f"p_{name}" for name in classes]].to_numpy()
    number = {name: place for place, name in enumerate(classes)}
    own = rows[["id", *SHARED]].copy()
    own[f"predicted {cell}"] = rows["predicted"]
    own[f"p {cell}"] = chances.max(axis=1)
    own[f"gold {cell}"] = chances[range(len(rows)), rows["label"].map(number)]
    return own


def flips_grid(matrix: Matrix, answers: pd.DataFrame) -> Grid:
    """For each two cells, how many rows the second turns from right to wrong, and from wrong to right."""
    rows = []
    for first, second in combinations(_cells(answers), 2):
        right = [answers[f"predicted {cell}"] == answers["label"] for cell in (first, second)]
        counts = (
            (right[0] & right[1]).sum(),
            (right[0] & ~right[1]).sum(),
            (~right[0] & right[1]).sum(),
            (~right[0] & ~right[1]).sum(),
        )
        rows.append([first, second, f"{len(answers):,}", *(f"{count:,}" for count in counts)])
    head = ["from", "to", "n", "both right", "right to wrong", "wrong to right", "both wrong"]
    suite = matrix.suite
    caption = f"Test set {suite.test}, first seed, the same rows for all."
    title = f"{suite.title}: answers turned right and wrong"
    return Grid(f"{suite.name}-flips", title, head, rows, caption, names=2)


def errors_grid(matrix: Matrix, answers: pd.DataFrame, texts: Mapping[str, str | None]) -> Grid:
    """The rows on which the models err, the surest wrong answers of the last one first."""
    cells = _cells(answers)
    wrong = answers[[f"predicted {cell}" for cell in cells]].ne(answers["label"], axis=0)
    last = wrong[f"predicted {cells[-1]}"]
    order = answers.assign(wrong=last, sure=answers[f"p {cells[-1]}"])[wrong.any(axis=1)]
    cases = order.sort_values(["wrong", "sure", "id"], ascending=[False, False, True]).head(SHOWN)
    rows = [
        [str(row["id"]), str(row["speaker"]), texts.get(str(row["id"])) or "", str(row["label"])]
        + [f"{row[f'predicted {cell}']} {row[f'p {cell}']:.2f} ({row[f'gold {cell}']:.2f})" for cell in cells]
        for _, row in cases.iterrows()
    ]
    suite = matrix.suite
    caption = (
        f"{len(rows)} of the {len(order):,} rows of {suite.test} on which a model errs: its "
        "answer and probability, in brackets that of the gold class. Surest wrong answers of the last model "
        "first. The csv file has every test row; the page plays the clips."
    )
    head = ["id", "speaker", "transcript", "gold", *cells]
    title = f"{suite.title}: errors side by side"
    return Grid(f"{suite.name}-errors", title, head, rows, caption, names=len(head))


def answers_csv(answers: pd.DataFrame, texts: Mapping[str, str | None]) -> str:
    """Every test row with its transcript and the answer of every model."""
    whole = answers.assign(text=[texts.get(id) or "" for id in answers["id"]])
    text = io.StringIO()
    whole.to_csv(text, index=False, quoting=csv.QUOTE_MINIMAL, lineterminator="\n", float_format="%.6f")
    return text.getvalue()


def spoken(answers: pd.DataFrame) -> pd.DataFrame:
    """id -> `answers`, of all models in one text, and `right`, the models that are right, for the page."""
    cells = _cells(answers)
    said = [
        "; ".join(f"{cell}: {row[f'predicted {cell}']} {row[f'p {cell}']:.2f}" for cell in cells)
        for _, row in answers.iterrows()
    ]
    right = [
        ", ".join(cell for cell in cells if row[f"predicted {cell}"] == row["label"]) or "none"
        for _, row in answers.iterrows()
    ]
    return pd.DataFrame({"id": answers["id"], "answers": said, "right": right})


def _cells(answers: pd.DataFrame) -> list[str]:
    return [name.removeprefix("predicted ") for name in map(str, answers) if name.startswith("predicted ")]
