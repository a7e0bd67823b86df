"""Names in a recipe's stages: every corpus, domain and language must exist, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from merdata.plugin import did_you_mean
from merdata_train.data.source import Examples
from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import Recipe
from merdata_train.training.stages import rows_of


def check_names(recipe: Recipe, train: Examples, validation: Examples) -> None:
    """Refuse a stage that names what none of its rows has.

    Raises:
        RecipeError: a name in data, sampler or selection does not exist; it lists those that do.
    """
    rows = pd.concat([train.rows, validation.rows])
    for stage in recipe.stages:
        place = f"stage {stage.name}: "
        _refuse(f"{place}data.corpora", stage.data.corpora or (), rows["corpus"], "row")
        _refuse(f"{place}data.languages", stage.data.languages or (), rows["language"].dropna(), "row")
        own = train.rows[rows_of(stage, train)]
        if stage.sampler:
            names = [*stage.sampler.upweight, *stage.sampler.mix]
            _refuse(f"{place}sampler", names, [*own["corpus"], *own["domain"]], "train row")
        own = validation.rows[rows_of(stage, validation)]
        over = recipe.selection_of(stage).over.split("+")
        _refuse(f"{place}selection.over", over, ["all", *own["domain"], *own["corpus"]], "validation row")


def _refuse(place: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse names that are not known; the sentence lists those that are."""
    names, known = list(names), set(known)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise RecipeError(
                f"{place}: no {what} is of {name!r}{hint}; there are {', '.join(sorted(known))}"
            )
