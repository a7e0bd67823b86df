"""Emotion-aware adaptive fusion: each sample weighs its modalities and their product."""

from __future__ import annotations

from abc import abstractmethod
from typing import Literal

import torch
from torch import Tensor, nn

from merdata_train.parts.layers import dense
from merdata_train.parts.model import FusesVectors
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Fused, FusionModule
from merdata_train.parts.stream import Shapes, Streams


class Eaaf(FusesVectors):
    """`a_t * t + a_a * a + beta * (t * a)`, the gates sigmoid(W [t; a; t * a] + b), beta learned.

    `form: released` is that of the authors' code: LayerNorm inside the gates, and Linear, LayerNorm, GELU and
    dropout around the product and behind the sum.
    """

    kind: Literal["eaaf"]
    form: Literal["described", "released"] = "described"
    beta: float = 0.5
    dropout: Share = 0.0

    def build(self, shapes: Shapes) -> FusionModule:
        return _Adaptive(_common_width(shapes), self)


class ConstrainedEaaf(FusesVectors):
    """`(w_t t + w_a a + w_i t * a) * sigmoid(W [t; a; t * a] + b)`: the three weights add up to 1."""

    kind: Literal["eaaf_constrained"]
    hidden: Count | None = None
    dropout: Share = 0.0

    def build(self, shapes: Shapes) -> FusionModule:
        return _Constrained(_common_width(shapes), self)


def _common_width(shapes: Shapes) -> int:
    widths = {shape.width for shape in shapes.values()}
    if len(shapes) != 2 or len(widths) != 1:
        raise ValueError("eaaf fuses two modalities of one width: give each a branch that ends in it")
    return widths.pop()


class _OfBoth(FusionModule):
    """What the two forms share: vectors that are 0 where they are missing, and their product."""

    def forward(self, streams: Streams) -> Fused:
        text, audio = streams["text"].known, streams["audio"].known
        return self.fuse(text, audio, text * audio)

    @abstractmethod
    def fuse(self, text: Tensor, audio: Tensor, product: Tensor) -> Fused:
        """Vectors `[B, width]` to one."""


class _Adaptive(_OfBoth):
    def __init__(self, width: int, config: Eaaf) -> None:
        super().__init__()
        self.width = width
        released = config.form == "released"
        self.gates = nn.ModuleDict(
            {
                name: nn.Sequential(
                    nn.Linear(3 * width, width), *([nn.LayerNorm(width)] if released else []), nn.Sigmoid()
                )
                for name in ("text", "audio")
            }
        )
        self.beta = nn.Parameter(torch.tensor(config.beta))
        mixed = [dense(width, width, "layer", "gelu", config.dropout) if released else [] for _ in range(2)]
        self.inner, self.out = (nn.Sequential(*layers) for layers in mixed)

    def fuse(self, text: Tensor, audio: Tensor, product: Tensor) -> Fused:
        both = torch.cat([text, audio, product], dim=-1)
        gates = {name: gate(both) for name, gate in self.gates.items()}
        summed = gates["text"] * text + gates["audio"] * audio + self.beta * self.inner(product)
        return Fused(self.out(summed), gates)


class _Constrained(_OfBoth):
    def __init__(self, width: int, config: ConstrainedEaaf) -> None:
        super().__init__()
        self.width = width
        hidden = config.hidden or width
        self.weigh = nn.Sequential(
            *dense(3 * width, hidden, "layer", "gelu", config.dropout), nn.Linear(hidden, 3)
        )
        self.gate = nn.Sequential(nn.Linear(3 * width, width), nn.Sigmoid())
        self.out = nn.Sequential(*dense(width, width, "layer", "gelu", config.dropout))

    def fuse(self, text: Tensor, audio: Tensor, product: Tensor) -> Fused:
        both = torch.cat([text, audio, product], dim=-1)
        weights = self.weigh(both).softmax(dim=-1)
        parts = torch.stack([text, audio, product], dim=1)
        summed = (weights[:, :, None] * parts).sum(dim=1) * self.gate(both)
        shares = dict(zip(("text", "audio", "product"), weights.split(1, dim=1), strict=True))
        return Fused(self.out(summed), shares)
