"""A suite's ladder: each cell at the steps that change what it uses, in tables, figure and card."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import f1_score

from merdata_train.report.read import read_matrices
from merdata_train.runs.robustness import read_steps
from merdata_train.runs.suite import Suite
from tests.merdata_train.report.conftest import MODALITY


def test_each_cell_is_scored_at_the_steps_that_change_what_it_uses(suites: Path) -> None:
    (matrix,) = read_matrices(suites, "two")
    steps = {"A+T": ["level:-20", "level:clean", "dropped:1"], "T": ["dropped:1"]}
    for entry in matrix.entries:
        assert [str(step) for step in read_steps(entry.run)] == steps[entry.cell]
    card = (matrix.entries[0].run.folder / "model" / "README.md").read_text()
    assert "### TestB, perturbed" in card and "| dropped | 1 share of the rows |" in card
    with pytest.raises(ValueError, match="no perturbation 'wind'"):
        Suite.model_validate(MODALITY | {"perturb": ["wind"]})


def test_the_report_has_the_means_over_seeds_of_each_cell(suites: Path, report: Path) -> None:
    (matrix,) = read_matrices(suites, "two")
    with (report / "tables" / "two-robustness.csv").open(encoding="utf-8") as file:
        rows_of = {(kind, level): cells for kind, level, *cells in csv.reader(file)}
    for place, cell in enumerate(("T", "A+T")):
        scores = []
        for entry in matrix.of(cell):
            rows = next(rows for step, rows in read_steps(entry.run).items() if step.kind == "dropped")
            scores.append(f1_score(rows["label"], rows["predicted"], average="weighted"))
        assert rows_of["dropped", "1"][2 * place].startswith(f"{np.mean(scores):.3f} [")
    assert rows_of["level", "clean"][:2] == ["", ""]
    assert rows_of["level", "clean"][3] == "+0.000 [+0.000, +0.000] n.s."
    assert rows_of["level", "clean"][2] == rows_of["none", "clean"][2]
    for name in ("robustness", "coverage"):
        assert (report / "figures" / f"two-{name}.png").stat().st_size > 5_000
        assert (report / "tables" / f"two-{name}.tex").is_file()
