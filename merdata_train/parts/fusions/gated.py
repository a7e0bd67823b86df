"""Gated fusion of two modality vectors."""

from __future__ import annotations

from typing import Literal

import torch
from torch import nn

from merdata_train.parts.layers import FeedForward, Norm, Projection, feed_forward, projection
from merdata_train.parts.model import FusesVectors
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Fused, FusionModule
from merdata_train.parts.stream import Shapes, Streams


class Gated(FusesVectors):
    """Gated fusion of two vectors.

    `norm` and `project` bring each modality to one width, `mix` is what follows the gate. The described
    system has norm: layer, project: linear and mix: swiglu (recipe A0-described).
    """

    kind: Literal["gated"]
    width: Count = 128
    hidden: Count = 256
    dropout: Share = 0.1
    norm: Norm = "none"
    project: Projection = "linear"
    mix: FeedForward = "gelu"

    def build(self, shapes: Shapes) -> FusionModule:
        return _GatedFusion(shapes, self)


class _GatedFusion(FusionModule):
    """`h = g * audio + (1 - g) * text`, then a feed-forward layer.

    The gate is 1 or 0 where a modality is missing. With one modality in the recipe there is no gate.
    """

    def __init__(self, shapes: Shapes, config: Gated) -> None:
        super().__init__()
        self.width = config.width
        self.project = nn.ModuleDict(
            {
                name: projection(config.norm, config.project, shape.width, config.width, config.dropout)
                for name, shape in shapes.items()
            }
        )
        if len(shapes) == 2:
            self.gate = nn.Linear(2 * config.width, config.width)
        self.mix = feed_forward(config.mix, config.width, config.hidden, config.width, config.dropout)

    def forward(self, streams: Streams) -> Fused:
        # What a missing modality holds must not reach a row that has no other to open its gate to.
        projected = {
            name: project(streams[name].vector).masked_fill(~streams[name].there[:, None], 0.0)
            for name, project in self.project.items()
        }
        if len(projected) == 1:
            (fused,) = projected.values()
            return Fused(self.mix(fused))
        audio, text = projected["audio"], projected["text"]
        gate = torch.sigmoid(self.gate(torch.cat([audio, text], dim=-1)))
        gate = gate.masked_fill(~streams["text"].there[:, None], 1.0)
        gate = gate.masked_fill(~streams["audio"].there[:, None], 0.0)
        return Fused(self.mix(gate * audio + (1 - gate) * text), {"audio": gate})
