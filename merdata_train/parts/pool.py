"""One vector of a row's states."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

from merdata_train.parts.stream import present

PoolKind = Literal["mean", "mean_std", "attention", "last", "cls"]


class Pool(nn.Module):
    """`[B, T, width]` and lengths `[B]` to `[B, width]`, `mean_std` to twice that; padding never counts."""

    def __init__(self, kind: str, width: int) -> None:
        super().__init__()
        self.kind = kind
        self.width = 2 * width if kind == "mean_std" else width
        if kind == "attention":
            self.score = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1))

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        if self.kind == "cls":
            return states[:, 0]
        if self.kind == "last":
            return states[torch.arange(len(states), device=states.device), lengths - 1]
        there = present(lengths, states.shape[1])[:, :, None]
        if self.kind == "attention":
            weights = self.score(states).masked_fill(~there, -torch.inf).softmax(dim=1)
            weighted: Tensor = (weights * states).sum(dim=1)
            return weighted
        states = states.float()  # sums over hundreds of frames
        count = lengths[:, None].clamp(min=1)
        mean = states.masked_fill(~there, 0.0).sum(dim=1) / count
        if self.kind in ("mean", "target"):
            return mean
        off = (states - mean[:, None]).masked_fill(~there, 0.0)
        # The gradient of a square root at 0 is infinite: one frame has no deviation.
        return torch.cat([mean, (off.square().sum(dim=1) / count + 1e-10).sqrt()], dim=-1)
