"""The model of a recipe: branches of blocks, an interaction, a fusion, and the head of the classes."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from merdata_train.parts import blocks, interactions
from merdata_train.parts.kinds import kinds, union
from merdata_train.parts.part import Modality, Part
from merdata_train.parts.pool import PoolKind
from merdata_train.parts.schemas import Block, Classifier, FusionModule, Interaction
from merdata_train.parts.stream import Shapes

BLOCKS = kinds(blocks, Block)  # type: ignore[type-abstract]
INTERACTIONS = kinds(interactions, Interaction)  # type: ignore[type-abstract]
if TYPE_CHECKING:
    AnyBlock = Block
    AnyInteraction = Interaction
else:
    AnyBlock = union(BLOCKS)
    AnyInteraction = union(INTERACTIONS)


class Model(Part):
    """A model: `kind` is its fusion, which has keys of its own.

    `branches` has the blocks that each modality's stream passes through, `interaction` lets the modalities
    read each other, `classifier` replaces the fusion's own head of the classes. `initial`: linear layers
    begin as torch has them, or with uniform weights after Xavier and biases of 0.
    """

    kind: str
    branches: dict[Modality, list[AnyBlock]] = Field(default={})
    interaction: AnyInteraction | None = None
    classifier: Classifier | None = None
    initial: Literal["torch", "xavier"] = "torch"

    @abstractmethod
    def build(self, shapes: Shapes) -> FusionModule:
        """The module that fuses streams of some shapes.

        Raises:
            ValueError: it does not fit.
        """

    def own_classifier(self) -> Classifier:
        """The head where the recipe names none."""
        return Classifier()

    def head(self) -> Classifier:
        """The head of the classes."""
        return self.classifier or self.own_classifier()

    @property
    def sees_whole_step(self) -> bool:
        """Whether the rows of a step change each other, so that it cannot be cut."""
        return any(block.sees_whole_step for branch in self.branches.values() for block in branch)


class FusesVectors(Model):
    """A model that fuses one vector a modality: `pool` says how a sequence becomes one."""

    pool: PoolKind = "mean"
