"""The modality-token Transformer: [CLS, audio, text]."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import model_validator
from torch import nn

from merdata_train.parts.layers import (
    FeedForward,
    Norm,
    Projection,
    TransformerBlock,
    no_multiple,
    projection,
)
from merdata_train.parts.model import FusesVectors
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Classifier, Fused, FusionModule
from merdata_train.parts.stream import Shapes, Streams


class TokenTransformer(FusesVectors):
    """A Transformer over one token per modality and a learned CLS token.

    `norm` and `project` make a modality's token, `ffn` is the feed-forward of a block. The described system
    has norm: none, project: swiglu and ffn: swiglu (recipe A1-described).
    """

    kind: Literal["tokens"]
    width: Count = 256
    layers: Count = 4
    heads: Count = 8
    ffn_mult: Count = 4
    ffn: FeedForward = "gelu"
    dropout: Share = 0.1
    modality_embedding: bool = True
    norm: Norm = "none"
    project: Projection = "linear"

    @model_validator(mode="after")
    def _check(self) -> TokenTransformer:
        if self.width % self.heads:
            raise ValueError(no_multiple(self.width, self.heads))
        return self

    def build(self, shapes: Shapes) -> FusionModule:
        return _ModalityTokens(shapes, self)

    def own_classifier(self) -> Classifier:
        return Classifier(hidden=self.width, dropout=self.dropout)


class _ModalityTokens(FusionModule):
    """One token per modality behind a learned CLS token; a missing modality is masked.

    There is no positional encoding, because the order of the tokens means nothing. The modality embedding is
    our addition; it is redundant while each modality has a projection of its own.
    """

    def __init__(self, shapes: Shapes, config: TokenTransformer) -> None:
        super().__init__()
        self.width = config.width
        self.project = nn.ModuleDict(
            {
                name: projection(config.norm, config.project, shape.width, config.width, config.dropout)
                for name, shape in shapes.items()
            }
        )
        self.cls = nn.Parameter(torch.empty(config.width).normal_(std=0.02))
        kinds = len(shapes) if config.modality_embedding else 0
        self.modality = nn.Parameter(torch.empty(kinds, config.width).normal_(std=0.02)) if kinds else None
        self.blocks = nn.ModuleList(
            TransformerBlock(config.width, config.heads, config.ffn_mult, config.ffn, config.dropout)
            for _ in range(config.layers)
        )
        self.norm = nn.LayerNorm(config.width)

    def forward(self, streams: Streams) -> Fused:
        tokens = torch.stack([project(streams[name].vector) for name, project in self.project.items()], dim=1)
        if self.modality is not None:
            tokens = tokens + self.modality
        sequence = torch.cat([self.cls.expand(len(tokens), 1, -1), tokens], dim=1)
        missing = torch.stack([~streams[name].there for name in self.project], dim=1)
        missing = nn.functional.pad(missing, (1, 0), value=False)
        for block in self.blocks:
            sequence = block(sequence, missing)
        return Fused(self.norm(sequence[:, 0]))
