"""Suites: a matrix of recipes x seeds x folds, as data, and the list of runs that it needs.

A run's folder is named by the hash of what defines it, so cells that suites share are trained once, and a
suite that was killed continues where it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

import merdata
from merdata.plugin import did_you_mean, read_yaml, reason_of
from merdata_train.data.source import Source
from merdata_train.errors import RecipeError
from merdata_train.features.perturbations import ladder
from merdata_train.parts.part import Metric
from merdata_train.recipe.faults import faults
from merdata_train.recipe.files import recipe_folder
from merdata_train.recipe.published import Document, Published
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.identity import folder_name, starts_of
from merdata_train.runs.initial import check_starts, with_initial

Overrides = dict[str, Any]  # dotted key -> value, as the command line's key=value
DOMAINS = {"$acted": "acted", "$conversational": "conversational"}  # replaced by the store's corpora of each


class Cell(BaseModel):
    """One value of an axis: what it changes.

    Attributes:
        about: what it is, in a few words.
        against: the cell that it is compared with, in place of the suite's reference.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    recipe: str | None = None
    overrides: Overrides = {}
    about: str = ""
    against: str | None = None


class Suite(BaseModel):
    """A matrix of runs and its table.

    Attributes:
        name: of its manifest and its tables.
        layout: what the table has a line for: each cell (all its folds pooled), each fold of a cell, each
            left-out corpus, or each point of a curve (folds that are tested on the same rows).
        along: what the curve runs along.
        test: the evaluation set that the table shows.
        beside: further ones, which one table shows side by side.
        published: scores of others, which it sets apart.
        documents: published tables that are shown beside ours.
        embeddings: cells whose embeddings of test rows are kept and drawn.
        perturb: kinds of perturbation, or `KIND:LEVEL`, at which every run that uses what they change is
            scored too.
        errors: cells whose answers to the same test rows are shown side by side; the first is compared with.
        metrics: its columns, the primary one first.
        recipe: of every cell that does not name one.
        overrides: of every cell.
        axes: axis -> value -> what it changes; the matrix is their product.
        reference: the cell that the others are compared with; the first if None.
        seeds: of training, added to the seed that a cell's recipe ships with (source0/B4 is B3 at seed 1).
        folds: of the protocol, by number or name, or all of them; None keeps the recipe's.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_+-]*$")]
    title: str
    layout: Literal["cells", "folds", "corpora", "curve"] = "cells"
    along: str = "fold"
    test: str = "overall"
    beside: list[str] = []
    published: Published | None = None
    documents: list[Document] = []
    embeddings: list[str] = []
    errors: list[str] = []
    perturb: list[str] = []
    metrics: Annotated[list[Metric], Field(min_length=1)] = ["weighted_f1", "accuracy", "macro_f1", "uar"]
    recipe: str | None = None
    overrides: Overrides = {}
    axes: Annotated[dict[str, Annotated[dict[str, Cell], Field(min_length=1)]], Field(min_length=1)]
    reference: str | None = None
    seeds: Annotated[list[int], Field(min_length=1)] = [0, 1, 2]
    folds: Literal["all"] | Annotated[list[int | str], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _check(self) -> Suite:
        labels = [label for label, _ in self.cells()]
        for label, (recipe, _) in self.cells():
            if recipe is None:
                raise ValueError(f"cell {label} has no recipe, and the suite does not name one for all cells")
        named = [cell.against for axis in self.axes.values() for cell in axis.values() if cell.against]
        named += [*(self.published.scores if self.published else ()), *self.embeddings, *self.errors]
        for label in named:
            if label not in labels:
                raise ValueError(f"{label!r} is not a cell; the cells are {', '.join(labels)}")
        try:
            ladder(self.perturb)
        except RecipeError as error:
            raise ValueError(str(error)) from error
        if self.reference is not None and self.reference not in labels:
            raise ValueError(f"reference {self.reference!r} is not a cell; the cells are {', '.join(labels)}")
        return self

    def about(self, label: str) -> str:
        """What a cell is, in a few words; empty where the suite does not say."""
        cell = self._cell(label)
        return cell.about if cell else ""

    def against(self, label: str) -> str | None:
        """The cell that a cell names as its reference."""
        cell = self._cell(label)
        return cell.against if cell else None

    def _cell(self, label: str) -> Cell | None:
        return next((axis[label] for axis in self.axes.values() if label in axis), None)

    def narrowed(self, seeds: list[int] | None, folds: list[str] | None) -> Suite:
        """The suite with other seeds or folds; None keeps its own."""
        changes: dict[str, object] = {"seeds": seeds} if seeds else {}
        if folds:
            changes["folds"] = "all" if "all" in folds else folds
        return self.model_copy(update=changes)

    def cells(self) -> list[tuple[str, tuple[str | None, Overrides]]]:
        """Label -> recipe and overrides of each cell, in the order of the axes."""
        cells = []
        for parts in product(*(axis.items() for axis in self.axes.values())):
            label = " ".join(name for name, _ in parts)
            recipe = next((cell.recipe for _, cell in parts if cell.recipe), self.recipe)
            overrides = dict(self.overrides)
            for _, cell in parts:
                overrides |= cell.overrides
            cells.append((label, (recipe, overrides)))
        return cells


@dataclass(frozen=True, eq=False)
class Planned:
    """One run of a suite.

    Attributes:
        cell: its label.
        seed: of training.
        fold_name: what the protocol calls the fold.
        words: the recipe and overrides, as `merdata_train run` takes them.
        recipe: resolved; its stages start from folders.
        folder: of the run, whether it exists or not.
    """

    cell: str
    seed: int
    fold: int
    fold_name: str
    words: tuple[str, ...]
    recipe: Recipe
    folder: Path

    @property
    def needs(self) -> list[Path]:
        """The folders of the runs that it starts from."""
        return [Path(folder) for stage in self.recipe.stages for folder in starts_of(stage)]

    @property
    def state(self) -> str:
        """scored, trained, begun or to do."""
        for file, state in (("metrics.json", "scored"), ("model", "trained"), ("recipe.yaml", "begun")):
            if (self.folder / file).exists():
                return state
        return "to do"


def load_suite(name: str | Path) -> Suite:
    """A suite from a file, or by the name of one that ships.

    Raises:
        RecipeError: it cannot be found or read, or has faults.
    """
    path = _find(name)
    try:
        tree = read_yaml(path)
        if not isinstance(tree, dict):
            raise RecipeError(f"{path} is not a suite: it must be a mapping of keys")
        return Suite.model_validate(tree)
    except ValidationError as error:
        raise RecipeError(f"{path}: {'; '.join(faults(error, Suite, {}))}") from error
    except (OSError, yaml.YAMLError) as error:
        raise RecipeError(f"cannot read {path}: {reason_of(error)}") from error


def suite_files() -> dict[str, Path]:
    """Name -> file of the suites that ship."""
    return {path.stem: path for path in sorted((recipe_folder() / "suites").glob("*.yaml"))}


def _find(name: str | Path) -> Path:
    path = Path(name).expanduser()
    if path.is_file():
        return path
    shipped = suite_files()
    plain = Path(name).name.removesuffix(".yaml")
    if plain in shipped:
        return shipped[plain]
    hint = did_you_mean(plain, shipped)
    raise RecipeError(f"there is no suite {name}{hint}; those that ship are {', '.join(shipped)}")


def plan(suite: Suite, out: Path, store: Path | None = None, overrides: Sequence[str] = ()) -> list[Planned]:
    """The runs of a suite: cells x folds x seeds.

    Args:
        suite: what to run.
        out: folder of the runs.
        store: in place of the recipes' store.
        overrides: `key=value`, applied to every cell last.

    Raises:
        MerdataError: a recipe, the store or a protocol is at fault, or a run starts from one that is neither
            in the suite nor finished.
    """
    for override in overrides:
        if override.partition("=")[0] in ("seed", "fold"):
            raise RecipeError(
                f"suite {suite.name} sets seeds and folds: use --seed or --fold, not {override}"
            )
    opened = cache(merdata.open_store)  # one store for all cells: it reads its rows' ids once
    asked = {
        run: recipe
        for label, cell in suite.cells()
        for run, recipe in _plan_cell(suite, label, cell, out, store, overrides, opened)
    }
    for run, recipe in asked.items():
        check_starts(run.recipe, recipe, {other.folder for other in asked})
    return list(asked)


def _plan_cell(
    suite: Suite,
    label: str,
    cell: tuple[str | None, Overrides],
    out: Path,
    store: Path | None,
    overrides: Sequence[str],
    opened: Callable[[str], merdata.Store],
) -> Iterator[tuple[Planned, Recipe]]:
    """Each run of a cell, and its recipe before folders took the place of the recipes that it starts from."""
    name, changes = str(cell[0]), cell[1]
    place = [f"store={json.dumps(str(store))}"] if store else []
    where = load_recipe(name, place).store
    words = [name, *place, *_words(changes, where), *overrides]
    base = load_recipe(words[0], words[1:])
    source = Source(base, opened(base.store))
    protocol = source.protocol
    shared = [*place, *_words(suite.overrides, where), *overrides]
    for fold, seed in product(_folds(suite, source), suite.seeds):
        own = [*words, f"fold={json.dumps(protocol.plain_name(fold))}", f"seed={base.seed + seed}"]
        asked = load_recipe(own[0], own[1:])
        recipe = with_initial(asked, out, shared)
        starts = [
            f"stages.{number}.init={json.dumps(stage.model_dump(mode='json')['init'])}"
            for number, stage in enumerate(recipe.stages)
            if stage.init
        ]
        folder = out / folder_name(recipe, source)
        yield (
            Planned(label, recipe.seed, fold, protocol.fold_names[fold], (*own, *starts), recipe, folder),
            asked,
        )


def _folds(suite: Suite, source: Source) -> list[int]:
    protocol = source.protocol
    if suite.folds == "all":
        return protocol.folds
    try:
        return [protocol.fold_number(fold) for fold in suite.folds or [source.recipe.fold]]
    except merdata.SplitError as error:
        raise RecipeError(f"suite {suite.name}: {error}") from error


def _words(overrides: Overrides, store: str) -> list[str]:
    return [f"{key}={json.dumps(_filled(value, store))}" for key, value in overrides.items()]


def _filled(value: Any, store: str) -> Any:
    """The value, with `$acted` and `$conversational` replaced by the store's corpora of that domain."""
    if isinstance(value, dict):
        return {key: _filled(part, store) for key, part in value.items()}
    if isinstance(value, list):
        return [_filled(part, store) for part in value]
    if not isinstance(value, str) or value not in DOMAINS:
        return value
    facts = merdata.open_store(store).corpora
    return [corpus for corpus in sorted(facts) if facts[corpus]["domain"] == DOMAINS[value]]
