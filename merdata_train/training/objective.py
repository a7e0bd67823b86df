"""What a stage minimises: the loss of the classes, and the auxiliary losses of the recipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from merdata_train.data.examples import Examples
from merdata_train.data.samplers import expected_draws
from merdata_train.errors import RecipeError
from merdata_train.models.emotion import ModelOutput
from merdata_train.parts.auxiliary import Auxiliary, Term
from merdata_train.recipe.recipe import Recipe
from merdata_train.recipe.stage import Stage
from merdata_train.training.losses import WeightedLoss, class_prior, row_weights

CLASSES = "classes"
COUNTED = {"labels", "weights", "ratings", "is_target"}  # the tensors that say how many rows a loss counts
Sizes = npt.NDArray[np.float64]


class Objective:
    """The losses of a stage, the classes' first.

    Attributes:
        names: of the losses.
        whole: names of those that see a whole step at once.

    Raises:
        RecipeError: a loss does not fit the classes.
    """

    def __init__(self, recipe: Recipe, loss: WeightedLoss, classes: Sequence[str]) -> None:
        self.loss = loss
        parts = recipe.auxiliaries()
        self.terms = {name: _term(name, part, classes) for name, part in parts.items()}
        self.weights = {name: part.weight for name, part in parts.items()}
        self.whole = [f"auxiliary.{name}" for name, part in parts.items() if part.sees_whole_step]
        if recipe.model.sees_whole_step:
            self.whole.append("batch norm")

    @classmethod
    def of(cls, recipe: Recipe, stage: Stage, train: Examples) -> tuple[Examples, Objective]:
        """A stage's train rows with the weights of their losses, `[n]`, and what it minimises."""
        train, loss = weighted(recipe, stage, train)
        return train, cls(recipe, loss, train.classes)

    def sizes(self, tensors: Mapping[str, Tensor]) -> Sizes:
        """What the mean of each loss is taken over, for rows with these tensors."""
        classes = float(tensors["weights"].double().sum())
        return np.array([classes, *(term.size(tensors) for term in self.terms.values())])

    def __call__(
        self, output: ModelOutput, batch: Mapping[str, Tensor], shares: Sequence[float]
    ) -> dict[str, Tensor]:
        """Each loss times its weight in the sum.

        Args:
            output: of the model in training.
            batch: what it was given.
            shares: the batch's share of its step, for each loss.
        """
        own, *others = shares
        losses = {CLASSES: self.loss(output.logits, batch["labels"], batch["weights"]) * own}
        for (name, term), share in zip(self.terms.items(), others, strict=True):
            losses[name] = term(output.heads[name], batch) * (self.weights[name] * share)
        return losses


def weighted(recipe: Recipe, stage: Stage, train: Examples) -> tuple[Examples, WeightedLoss]:
    """A stage's train rows with the weights of their losses, `[n]`, and the loss of the classes."""
    draws = expected_draws(train.rows, stage.sampler)
    weights = row_weights(train.rows, draws, recipe.loss.class_weights).to_numpy(np.float32)
    loss = WeightedLoss(recipe.loss, class_prior(train.rows, draws, train.classes))
    return replace(train, tensors=train.tensors | {"weights": torch.from_numpy(weights)}), loss


def _term(name: str, part: Auxiliary, classes: Sequence[str]) -> Term:
    try:
        return part.term(classes)
    except ValueError as error:
        raise RecipeError(f"auxiliary.{name}: {error}") from error
