"""Every recipe that ships: each part that it names is trained."""

from __future__ import annotations

import json

import pytest
import torch

import merdata
from merdata_train.models.emotion import EmotionModel
from merdata_train.parts.stream import Shape
from merdata_train.recipe.features import Features
from merdata_train.recipe.files import recipe_files
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.training.losses import WeightedLoss
from merdata_train.training.objective import Objective
from tests.merdata_train.parts.architectures import FRAMES, WIDTHS, Batch, batched, rows_of

ROWS = 24


def architectures() -> dict[str, Recipe]:
    """A recipe of each architecture that ships, by name."""
    different: dict[str, tuple[str, Recipe]] = {}
    for name in recipe_files():
        recipe = load_recipe(name)
        parts = recipe.model_dump(mode="json", include={"model", "auxiliary", "modalities", "labels"})
        key = json.dumps([parts, sorted(sequences(recipe))], sort_keys=True)
        different.setdefault(key, (name, recipe))
    return dict(different.values())


def sequences(recipe: Recipe) -> set[str]:
    """The modalities whose blocks read more than one state."""
    return {
        name for name in recipe.modalities if getattr(getattr(recipe.features, name), "pool", "") == "none"
    }


SHIPPED = architectures()


def model_of(recipe: Recipe, classes: list[str]) -> EmotionModel:
    """The recipe's model over narrow inputs in the place of its encoders' states."""
    features = Features.model_validate(FRAMES | {"text": {"kind": "hashing", "n_features": 8}})
    torch.manual_seed(0)
    model = EmotionModel.of(recipe.model_copy(update={"features": features, "context": None}), classes)
    shapes = {str(name): Shape(WIDTHS[name], name in sequences(recipe)) for name in recipe.modalities}
    model.assemble(recipe.model, shapes, recipe.auxiliaries())
    return model


def batch_of(recipe: Recipe, classes: list[str]) -> Batch:
    batch = batched(rows_of(ROWS, longest=11))
    for name in set(WIDTHS) - sequences(recipe):
        batch[f"{name}_vec"] = batch.pop(f"{name}_states")[:, 0]
    return batch | {
        "labels": torch.arange(ROWS) % len(classes),
        "weights": torch.ones(ROWS),
        "ratings": torch.rand(ROWS, 3) * 4 + 1,
        "is_target": torch.arange(ROWS) % 2 == 1,
        "progress": torch.tensor(0.5),
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_no_parameter_of_a_recipe_that_ships_is_without_gradient(name: str) -> None:
    recipe = SHIPPED[name]
    classes = list(merdata.label_space(recipe.labels).classes)
    model, batch = model_of(recipe, classes).train(), batch_of(recipe, classes)
    prior = torch.full((len(classes),), 1 / len(classes))
    objective = Objective(recipe, WeightedLoss(recipe.loss, prior), classes)
    losses = objective(model(batch), batch, [1.0] * (1 + len(recipe.auxiliaries())))
    torch.stack(list(losses.values())).sum().backward()
    silent = {
        key
        for key, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    }
    inert = () if sequences(recipe) else (".query.", ".key.", ".guide.")  # one key: the softmax is 1
    assert {key for key in silent if not any(part in key for part in inert)} == set()
