"""Modality vectors side by side."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from merdata_train.parts.layers import Activation, Norm, dense
from merdata_train.parts.model import FusesVectors
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Fused, FusionModule
from merdata_train.parts.stream import Shapes, Streams


class Concat(FusesVectors):
    """The vectors of the modalities side by side, 0 for a missing one; `width` adds a layer behind them."""

    kind: Literal["concat"]
    width: Count | None = None
    norm: Norm = "layer"
    activation: Activation = "gelu"
    dropout: Share = 0.0

    def build(self, shapes: Shapes) -> FusionModule:
        return _SideBySide(shapes, self)


class _SideBySide(FusionModule):
    def __init__(self, shapes: Shapes, config: Concat) -> None:
        super().__init__()
        both = sum(shape.width for shape in shapes.values())
        self.width = config.width or both
        layers = dense(both, self.width, config.norm, config.activation, config.dropout)
        self.mix = nn.Sequential(*(layers if config.width else ()))

    def forward(self, streams: Streams) -> Fused:
        return Fused(self.mix(torch.cat([stream.known for stream in streams.values()], dim=-1)))
