"""Auxiliary losses: what a model learns beside the classes, each with the head that it needs."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor, nn

from merdata_train.parts.part import Part, Positive

Batch = Mapping[str, Tensor]


@dataclass(frozen=True)
class Widths:
    """What a head is told before there is anything to read.

    Attributes:
        fused: width of the fused vector.
        branches: modality -> width of its branch's mean.
        pooled: modality -> width of what the fusion reads of it.
    """

    fused: int
    branches: Mapping[str, int]
    pooled: Mapping[str, int]


@dataclass(frozen=True)
class Read:
    """What a head reads of a batch.

    Attributes:
        fused: the fused vectors, `[B, width]`.
        branches: modality -> the mean of its branch, before the modalities met, `[B, width]`.
        pooled: modality -> the mean or pool of what the fusion reads, `[B, width]`.
        there: modality -> whether a row has it, bool `[B]`.
        progress: of the stage, from 0 to 1.
    """

    fused: Tensor
    branches: Mapping[str, Tensor]
    pooled: Mapping[str, Tensor]
    there: Mapping[str, Tensor]
    progress: float


class Head(nn.Module):
    """A part of the model that only a loss reads."""

    @abstractmethod
    def forward(self, read: Read) -> Tensor:
        """What the loss reads."""


class Term:
    """A loss: the mean over the rows that it counts."""

    @abstractmethod
    def __call__(self, read: Tensor, batch: Batch) -> Tensor:
        """The mean loss; 0, with a gradient of 0, where no row counts.

        Args:
            read: what the head made of the batch.
            batch: its tensors.
        """

    def size(self, batch: Batch) -> float:
        """How many rows count, so that the parts of a step add up to the whole."""
        return float(len(batch["labels"]))


class Auxiliary(Part):
    """A loss beside that of the classes, and the head that it reads; `weight` is its factor in the sum.

    `sees_whole_step`: its rows are compared with each other, so that a step cannot be cut. `needs_target`: it
    compares source rows with unlabelled target rows. `columns`: of the store, that its target is made of.
    """

    kind: str
    weight: Positive = 1.0

    @property
    def sees_whole_step(self) -> bool:
        return True

    @property
    def needs_target(self) -> bool:
        return False

    @property
    def columns(self) -> tuple[str, ...]:
        return ()

    @abstractmethod
    def head(self, widths: Widths) -> Head:
        """The head.

        Raises:
            ValueError: the model does not have what it reads.
        """

    @abstractmethod
    def term(self, classes: Sequence[str]) -> Term:
        """The loss.

        Args:
            classes: by name, in the order of the labels.

        Raises:
            ValueError: it does not know a class.
        """


def source_rows(batch: Batch) -> Tensor:
    """bool `[B]`: the labelled rows of the source, not those of the target."""
    return ~batch["is_target"] if "is_target" in batch else batch["labels"] >= 0


def nothing(read: Tensor) -> Tensor:
    """The loss where no row counts."""
    return read.sum() * 0.0
