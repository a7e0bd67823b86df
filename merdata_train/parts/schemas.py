"""What a new kind of part derives from: the schema of its keys, with a method that builds its module."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor, nn

from merdata_train.parts.layers import Activation, Norm, dense
from merdata_train.parts.part import Count, Part, Share
from merdata_train.parts.stream import Shape, Shapes, Stream


class BlockModule(nn.Module):
    """A stream to a stream: every padded position stays 0, and moves nothing."""

    shape: Shape

    @abstractmethod
    def forward(self, stream: Stream) -> Stream:
        """The stream behind the block."""


class Block(Part):
    """What a modality's stream passes through before the modalities meet.

    `sees_whole_step` says that the rows of a step change each other (batch norm), so that it cannot be cut.
    """

    kind: str

    @property
    def sees_whole_step(self) -> bool:
        return False

    @abstractmethod
    def build(self, shape: Shape) -> BlockModule:
        """The module for a stream of some shape.

        Raises:
            ValueError: it does not fit.
        """


class InteractionModule(nn.Module):
    """Streams to streams: every modality may read the others."""

    shapes: Shapes

    @abstractmethod
    def forward(self, streams: Mapping[str, Stream]) -> tuple[dict[str, Stream], dict[str, Tensor]]:
        """The streams behind it, and its attention: name -> `[B, heads, T, T of the other]`."""


class Interaction(Part):
    """How two modalities' streams read each other before they are fused."""

    kind: str

    @abstractmethod
    def build(self, shapes: Shapes) -> InteractionModule:
        """The module for streams of some shapes.

        Raises:
            ValueError: it does not fit.
        """


@dataclass(frozen=True)
class Fused:
    """What a fusion makes: a vector `[B, width]`, and by name what it weighed the modalities with."""

    vector: Tensor
    gates: dict[str, Tensor] = field(default_factory=dict)


class FusionModule(nn.Module):
    """Streams to one vector a row."""

    width: int

    @abstractmethod
    def forward(self, streams: Mapping[str, Stream]) -> Fused:
        """The fused vector; the streams of a fusion of vectors have one state."""


class Classifier(Part):
    """The head of the classes: a linear layer, behind one hidden layer if it has a width."""

    hidden: Count | None = None
    norm: Norm = "none"
    activation: Activation = "gelu"
    dropout: Share = 0.1

    def build(self, width: int, classes: int) -> nn.Module:
        """`[B, width]` to logits `[B, classes]`."""
        if self.hidden is None:
            return nn.Linear(width, classes)
        hidden = dense(width, self.hidden, self.norm, self.activation, self.dropout)
        return nn.Sequential(*hidden, nn.Linear(self.hidden, classes))
