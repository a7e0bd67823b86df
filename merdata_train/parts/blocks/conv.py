"""Convolution over time."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
from pydantic import Field, model_validator
from torch import Tensor, nn

from merdata_train.parts.layers import Activation, activated, batch_normed
from merdata_train.parts.part import Count, Share
from merdata_train.parts.schemas import Block, BlockModule
from merdata_train.parts.stream import Shape, Stream


class Conv(Block):
    """Conv1d, norm, activation, max-pooling, dropout.

    `kernel` is odd, so that a sequence keeps its length; `pool` states become one, the last group may be
    shorter. The statistics of `norm: batch` are those of real states: padding does not count.
    """

    kind: Literal["conv"]
    width: Count
    kernel: Count = 3
    norm: Literal["batch", "layer", "none"] = "batch"
    activation: Activation = "relu"
    pool: Annotated[int, Field(ge=1)] = 1
    dropout: Share = 0.0

    @model_validator(mode="after")
    def _check(self) -> Conv:
        if self.kernel % 2 == 0:
            raise ValueError(f"kernel {self.kernel} is even: an odd one keeps the length of a sequence")
        return self

    @property
    def sees_whole_step(self) -> bool:
        return self.norm == "batch"

    def build(self, shape: Shape) -> BlockModule:
        return _Convolved(shape, self)


class _Convolved(BlockModule):
    def __init__(self, shape: Shape, config: Conv) -> None:
        super().__init__()
        self.shape = Shape(config.width, shape.sequence)
        self.pool = config.pool
        around = config.kernel // 2
        bias = config.norm != "batch"  # whose mean would take it away
        self.conv = nn.Conv1d(shape.width, config.width, config.kernel, padding=around, bias=bias)
        norms = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}
        self.norm = norms[config.norm](config.width) if config.norm in norms else None
        self.after = nn.Sequential(*activated(config.activation))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, stream: Stream) -> Stream:
        states = self.conv(stream.states.transpose(1, 2)).transpose(1, 2)
        if self.norm is not None:
            real = stream.mask & stream.there[:, None]
            states = _of_real(self.norm, states, real)
        states = self.after(states)
        lengths = stream.lengths
        if self.pool > 1:
            states, lengths = _pooled(states, stream.mask, self.pool), -(-lengths // self.pool)
        pooled = stream.with_states(states, lengths)
        return pooled.with_states(self.dropout(pooled.states))


def _of_real(norm: nn.Module, states: Tensor, real: Tensor) -> Tensor:
    """The norm of the states `[B, T, width]` where `real [B, T]` is True; 0 elsewhere."""
    made = torch.zeros_like(states)
    rows = states[real]
    normed = batch_normed(norm, rows) if isinstance(norm, nn.BatchNorm1d) else norm(rows)
    made[real] = normed.to(states.dtype)
    return made


def _pooled(states: Tensor, mask: Tensor, size: int) -> Tensor:
    """The maxima over `size` states that follow each other; padding is never one."""
    real = states.masked_fill(~mask[..., None], -torch.inf).transpose(1, 2)
    return nn.functional.max_pool1d(real, size, ceil_mode=True).transpose(1, 2)
