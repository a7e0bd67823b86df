"""What flows through a model: for each modality a sequence of states a row, and how long it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch
from torch import Tensor


def present(lengths: Tensor, longest: int) -> Tensor:
    """bool `[B, longest]`: True before each row's length."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


@dataclass(frozen=True)
class Stream:
    """The states of one modality.

    Attributes:
        states: `[B, T, width]`; 0 behind a row's length.
        lengths: of the rows, int64 `[B]`, at least 1.
        there: whether a row has the modality, bool `[B]`; what other rows hold must reach no prediction.
    """

    states: Tensor
    lengths: Tensor
    there: Tensor

    @classmethod
    def of_vectors(cls, vectors: Tensor, there: Tensor) -> Stream:
        """Vectors `[B, width]` as sequences of one state."""
        return cls(vectors[:, None], torch.ones(len(vectors), dtype=torch.long, device=vectors.device), there)

    @property
    def mask(self) -> Tensor:
        """bool `[B, T]`: True where there is a state."""
        return present(self.lengths, self.states.shape[1])

    @property
    def vector(self) -> Tensor:
        """The first state `[B, width]`: all of a stream that was pooled."""
        return self.states[:, 0]

    @property
    def known(self) -> Tensor:
        """The vector `[B, width]`, 0 where a row lacks the modality."""
        return self.vector.masked_fill(~self.there[:, None], 0.0)

    def mean(self) -> Tensor:
        """The mean over a row's states, `[B, width]`."""
        if self.states.shape[1] == 1:
            return self.vector
        total = self.states.masked_fill(~self.mask[..., None], 0.0).sum(dim=1)
        return total / self.lengths[:, None]

    def with_states(self, states: Tensor, lengths: Tensor | None = None) -> Stream:
        """Other states `[B, T, any width]` of the same rows; what lies behind their lengths becomes 0."""
        lengths = self.lengths if lengths is None else lengths
        if states.shape[1] > 1:
            states = states.masked_fill(~present(lengths, states.shape[1])[..., None], 0.0)
        return replace(self, states=states, lengths=lengths)


Streams = Mapping[str, Stream]


@dataclass(frozen=True)
class Shape:
    """What a module is told of a stream before there is one.

    Attributes:
        width: of its states.
        sequence: whether rows may have more than one state.
    """

    width: int
    sequence: bool


Shapes = Mapping[str, Shape]
