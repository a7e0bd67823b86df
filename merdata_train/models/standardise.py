"""Inputs of one scale, whatever their units."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

SMALLEST = 1e-6  # deviation, as a share of the mean and of the median deviation: less is rounding


class Standardise(nn.Module):
    """`(x - mean) / scale` per feature; fitted once on train rows, saved with the weights.

    Sparse vectors (hashed words) are divided by one number, the root mean square of their values: a rare
    word's own deviation is tiny, and dividing by it would drown the others.
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, width: int, *, sparse: bool = False) -> None:
        super().__init__()
        self.sparse = sparse
        self.register_buffer("mean", torch.zeros(width))
        self.register_buffer("scale", torch.ones(width))

    def fit(self, rows: Tensor) -> None:
        """Fit on `rows [n, width]`: mean and deviation (ddof 0); what hardly varies keeps scale 1."""
        if not len(rows):
            return
        rows = rows.double()
        if self.sparse:
            scale = rows.square().mean().sqrt().expand(rows.shape[1])
            self.scale.copy_(torch.where(scale > 0, scale, torch.ones_like(scale)))
        else:
            self._take(rows.mean(dim=0), rows.std(dim=0, correction=0))

    def fit_states(self, parts: Iterable[Tensor]) -> None:
        """Fit on the states `[n, width]` of many sequences, part by part: they may not fit into memory."""
        count, total, squares = 0, torch.zeros(len(self.mean)).double(), torch.zeros(len(self.mean)).double()
        for part in parts:
            states = part.double().cpu()
            count += len(states)
            total += states.sum(dim=0)
            squares += states.square().sum(dim=0)
        if count:
            mean = total / count
            self._take(mean, (squares / count - mean.square()).clamp(min=0).sqrt())

    def _take(self, mean: Tensor, scale: Tensor) -> None:
        """Encoders have dead dimensions: divided by a deviation of 1e-30, they are all of the gradient."""
        least = SMALLEST * torch.maximum(mean.abs(), scale.median())
        self.mean.copy_(mean)
        self.scale.copy_(torch.where(scale > least, scale, torch.ones_like(scale)))

    def forward(self, x: Tensor) -> Tensor:
        return (x - self.mean) / self.scale
