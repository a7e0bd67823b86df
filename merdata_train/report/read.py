"""From a folder of runs to suites with their scored runs, each checked before its numbers are shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from merdata.plugin import read_json, read_yaml
from merdata_train.errors import RunError
from merdata_train.runs.conduct import ManifestRun
from merdata_train.runs.folder import ScoredRun, damaged, load_scored
from merdata_train.runs.looks import Look, looks_at
from merdata_train.runs.suite import Cell, Suite

FOLDER = r"[^./\\][^/\\]*"
RUNS_SEEDLESS = ("seed", "store")


@dataclass(frozen=True)
class Entry:
    """A scored run at its place in a matrix."""

    cell: str
    seed: int
    fold: int
    fold_name: str
    run: ScoredRun


@dataclass(frozen=True)
class Matrix:
    """A suite and its scored runs.

    Attributes:
        suite: what was planned.
        entries: the runs that are scored.
        missing: labels of those that are not.
        comparable: whether all cells are scored on the same rows, so that they can be compared.
        looks: at each of its test sets, by all runs of the folder.
    """

    suite: Suite
    entries: list[Entry]
    missing: list[str]
    comparable: bool = True
    looks: list[list[Look]] = field(default_factory=list)

    @property
    def cells(self) -> list[str]:
        there = {entry.cell for entry in self.entries}
        return [label for label, _ in self.suite.cells() if label in there]

    @property
    def reference(self) -> str:
        """The cell that the others are compared with: the suite's, or the first one that has runs."""
        named = self.suite.reference
        return named if named in self.cells else self.cells[0]

    def reference_of(self, cell: str) -> str:
        """The cell that one cell is compared with: its own reference, where that has runs."""
        own = self.suite.against(cell)
        return own if own in self.cells else self.reference

    def of(self, cell: str, fold: int | None = None) -> list[Entry]:
        """The runs of a cell, of one fold or all, by fold and seed."""
        entries = [entry for entry in self.entries if entry.cell == cell and fold in (None, entry.fold)]
        return sorted(entries, key=lambda entry: (entry.fold, entry.seed))

    def folds_of(self, cell: str) -> dict[int, str]:
        """Number -> name of the folds that a cell has runs of, in order."""
        return {entry.fold: entry.fold_name for entry in self.of(cell)}

    def split_of(self, cell: str) -> str:
        """The hash of the split that a cell's runs are of."""
        return self.of(cell)[0].run.metrics["split_hash"]

    def folds_on(self, cell: str) -> set[int]:
        """The folds that any cell on the same split has runs of."""
        return {entry.fold for own in self.splits[self.split_of(cell)] for entry in self.of(own)}

    @property
    def splits(self) -> dict[str, list[str]]:
        """Hash of a split -> the cells on it, in order."""
        cells: dict[str, list[str]] = {}
        for cell in self.cells:
            cells.setdefault(self.split_of(cell), []).append(cell)
        return cells


def read_matrices(runs: Path, only: str | None = None) -> list[Matrix]:
    """The suites that were run into a folder, or one of them; without suites its runs, on TestA and on TestB.

    Raises:
        RunError: there is nothing scored, or no such suite.
        ProtocolError: a run fails a check.
    """
    manifests = {path.stem: path for path in sorted((runs / "suites").glob("*.json"))}
    if only is not None and only not in manifests:
        known = ", ".join(manifests) or "none"
        raise RunError(
            f"suite {only} was not run into {runs} (suites there: {known}): "
            f"`merdata_train suite {only} --out {runs}` does it"
        )
    chosen = [manifests[only]] if only else list(manifests.values())
    matrices = [_read(path, runs) for path in chosen] or list(_loose(runs))
    scored = [matrix for matrix in matrices if matrix.entries]
    if not scored:
        if (runs / "recipe.yaml").is_file():
            raise RunError(
                f"{runs} is one run: name the folder of runs that it is in, {runs.absolute().parent}"
            )
        raise RunError(f"{runs} has no scored run: `merdata_train run` and `merdata_train suite` make them")
    return scored


def _read(path: Path, runs: Path) -> Matrix:
    try:
        manifest: dict[str, Any] = read_json(path, dict)
        suite = Suite.model_validate(manifest["suite"])
        planned = [ManifestRun(**run) for run in manifest["runs"]]
        if not all(re.fullmatch(FOLDER, run.folder) for run in planned):
            raise ValueError("a run is a folder beside the others")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged: run the suite again; finished runs are kept") from error
    entries, missing = [], []
    for run in planned:
        folder = runs / run.folder
        if (folder / "metrics.json").is_file():
            entries.append(Entry(run.cell, run.seed, run.fold, run.fold_name, load_scored(folder)))
        else:
            missing.append(f"{run.cell}, {run.fold_name}, seed {run.seed}")
    return Matrix(suite, entries, missing, looks=_looks(entries, runs))


def _loose(runs: Path) -> Iterator[Matrix]:
    """Runs outside suites: those that differ only in their seed are one cell, on TestA and on TestB."""
    scored = [load_scored(path.parent) for path in sorted(runs.glob("*/metrics.json"))]
    groups: dict[str, list[ScoredRun]] = {}
    for run in scored:
        groups.setdefault(_without_seed(run.folder), []).append(run)
    for evaluation_set in ("TestA", "TestB"):
        having = {
            _label(own, groups): own for own in groups.values() if own[0].metrics["sets"][evaluation_set]
        }
        if having:
            yield _as_matrix(evaluation_set, having)


def _without_seed(folder: Path) -> str:
    try:
        recipe = read_yaml(folder / "recipe.yaml")
        kept = {key: value for key, value in recipe.items() if key not in RUNS_SEEDLESS}
        return json.dumps(kept, sort_keys=True)
    except (OSError, ValueError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise damaged(folder) from error


def _label(own: Sequence[ScoredRun], groups: dict[str, list[ScoredRun]]) -> str:
    """The recipe's name, with the run's id where several recipes have that name."""
    name = own[0].metrics["recipe"]
    alike = [group for group in groups.values() if group[0].metrics["recipe"] == name]
    return name if len(alike) == 1 else f"{name} {own[0].name.rpartition('-')[2]}"


def _as_matrix(evaluation_set: str, having: dict[str, list[ScoredRun]]) -> Matrix:
    suite = Suite(
        name=f"runs-{evaluation_set}",
        title=f"All runs on {evaluation_set}",
        test=evaluation_set,
        recipe="-",
        axes={"run": {label: Cell() for label in having}},
        seeds=sorted({run.metrics["seed"] for own in having.values() for run in own}),
    )
    entries = [Entry(label, run.metrics["seed"], 0, "", run) for label, own in having.items() for run in own]
    hashes = {run.metrics["split_hash"] for own in having.values() for run in own}
    sizes = {len(run.on(evaluation_set)) for own in having.values() for run in own}
    comparable = len(hashes) == len(sizes) == 1
    return Matrix(suite, entries, [], comparable, _looks(entries, entries[0].run.folder.parent))


def _looks(entries: Sequence[Entry], runs: Path) -> list[list[Look]]:
    tested = dict.fromkeys((entry.run.metrics["split_hash"], entry.run.metrics["fold"]) for entry in entries)
    return [looks_at(runs, split_hash, fold) for split_hash, fold in tested]
