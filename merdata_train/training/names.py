"""Names in a recipe's stages: every corpus, domain and language must exist, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from merdata.plugin import did_you_mean
from merdata_train.data.source import Examples
from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import Recipe
from merdata_train.recipe.stage import Selection
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
        _refuse_known_target(place, recipe.selection_of(stage), own, train)


def _refuse_known_target(place: str, by: Selection, own: pd.DataFrame, train: Examples) -> None:
    """Refuse to choose an epoch by labels that the recipe says it does not know, unless it says oracle."""
    unknown = set() if train.unlabelled is None else set(train.unlabelled.rows["corpus"])
    looked_at = sorted(unknown & set(own["corpus"]))
    if looked_at and not by.oracle:
        raise RecipeError(
            f"{place}epochs would be chosen by labels of {', '.join(looked_at)}, which data.unlabelled calls "
            "unlabelled: name the source in data.validation, or set selection.oracle=true for an upper bound"
        )


def _refuse(place: str, names: Iterable[str], known: Iterable[str], what: str) -> None:
    """Refuse names that are not known; the sentence lists those that are."""
    names, known = list(names), set(known)
    for name in names:
        if name not in known:
            hint = did_you_mean(name, known)
            raise RecipeError(
                f"{place}: no {what} is of {name!r}{hint}; there are {', '.join(sorted(known))}"
            )
