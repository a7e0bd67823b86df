"""Every state to another width by itself."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from merdata_train.parts.layers import Activation, Norm, dense
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Block, BlockModule
from merdata_train.parts.stream import Shape, Stream


class Projection(Block):
    """Linear, LayerNorm, activation, dropout; `embedding` adds a learned vector that tells the modality."""

    kind: Literal["projection"]
    width: Count
    norm: Norm = "layer"
    activation: Activation = "gelu"
    dropout: Share = 0.0
    embedding: bool = False

    def build(self, shape: Shape) -> BlockModule:
        return _Projected(shape, self)


class _Projected(BlockModule):
    def __init__(self, shape: Shape, config: Projection) -> None:
        super().__init__()
        self.shape = Shape(config.width, shape.sequence)
        self.layers = nn.Sequential(
            *dense(shape.width, config.width, config.norm, config.activation, config.dropout)
        )
        normal = torch.empty(config.width).normal_(std=0.02) if config.embedding else None
        self.embedding = None if normal is None else nn.Parameter(normal)

    def forward(self, stream: Stream) -> Stream:
        states = self.layers(stream.states)
        return stream.with_states(states if self.embedding is None else states + self.embedding)
