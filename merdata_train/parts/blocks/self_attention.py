"""Attention of a modality to itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field
from torch import nn

from merdata_train.parts.layers import FeedForward, TransformerBlock, no_multiple
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Block, BlockModule
from merdata_train.parts.stream import Shape, Stream


class SelfAttention(Block):
    """Layers of multi-head self-attention with residual connections, normed before or after (`norm`).

    `ffn_mult: 0` leaves out the feed-forward behind the attention.
    """

    kind: Literal["self_attention"]
    heads: Count = 4
    layers: Count = 1
    norm: Literal["pre", "post"] = "post"
    ffn_mult: Annotated[int, Field(ge=0)] = 4
    ffn: FeedForward = "gelu"
    dropout: Share = 0.0

    def build(self, shape: Shape) -> BlockModule:
        return _Attended(shape, self)


class _Attended(BlockModule):
    def __init__(self, shape: Shape, config: SelfAttention) -> None:
        super().__init__()
        if shape.width % config.heads:
            raise ValueError(f"self_attention: {no_multiple(shape.width, config.heads)}")
        self.shape = shape
        self.layers = nn.ModuleList(
            TransformerBlock(
                shape.width,
                config.heads,
                config.ffn_mult,
                config.ffn,
                config.dropout,
                post=config.norm == "post",
            )
            for _ in range(config.layers)
        )

    def forward(self, stream: Stream) -> Stream:
        missing, states = ~stream.mask, stream.states
        for layer in self.layers:
            states = layer(states, missing)
        return stream.with_states(states)
