"""Blocks in a row, and pools: what lies between an input and the fusion."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from torch import nn

from merdata_train.parts.pool import Pool, PoolKind
from merdata_train.parts.schemas import Block
from merdata_train.parts.stream import Shape, Shapes, Stream


class Branch(nn.Sequential):
    """The blocks of one modality, one after the other; none leave its stream as it is."""

    shape: Shape

    def __init__(self, blocks: Sequence[Block], shape: Shape) -> None:
        built = []
        for block in blocks:
            built.append(block.build(shape))
            shape = built[-1].shape
        super().__init__(*built)
        self.shape = shape


class Pools(nn.ModuleDict):
    """The sequences of each modality to one vector a row; what is a vector already stays."""

    def __init__(self, kind: PoolKind, shapes: Shapes) -> None:
        pools = {name: Pool(kind, shape.width) for name, shape in shapes.items() if shape.sequence}
        super().__init__(pools)
        pooled = {name: Shape(pool.width, sequence=False) for name, pool in pools.items()}
        self.shapes = {**shapes, **pooled}

    def forward(self, streams: Mapping[str, Stream]) -> dict[str, Stream]:
        """Streams of one state."""
        return {
            name: Stream.of_vectors(self[name](stream.states, stream.lengths), stream.there)
            if name in self
            else stream
            for name, stream in streams.items()
        }


def xavier(module: nn.Module) -> None:
    """Xavier's uniform weights and a bias of 0 for a linear layer."""
    if isinstance(module, nn.Linear):
        nn.init.xavier_uniform_(module.weight)
        nn.init.zeros_(module.bias)
