"""From the hidden states of an encoder to one vector a row: which layers, and how they are pooled."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from merdata_train.recipe.features import Layers


class Mixture(nn.Module):
    """A weighted sum over layers; the weights are learned and start alike (SUPERB, arXiv:2105.01051)."""

    def __init__(self, layers: int) -> None:
        super().__init__()
        self.weights = nn.Parameter(torch.zeros(layers))

    def forward(self, states: Tensor) -> Tensor:
        """`[B, T, layers, width]` to `[B, T, width]`."""
        return torch.einsum("btlw,l->btw", states, self.weights.softmax(dim=0))


def chosen(states: tuple[Tensor, ...], layers: Layers) -> Tensor:
    """The states to read, `[B, T, 1 or all, width]`, of those before, between and after the layers."""
    if layers == "learned":
        return torch.stack(states, dim=2)
    if isinstance(layers, tuple):
        first, last = layers
        return torch.stack(states[first : last + 1]).mean(dim=0)[:, :, None]
    return states[-1 if layers == "last" else layers][:, :, None]


def present(lengths: Tensor, longest: int) -> Tensor:
    """bool `[B, longest]`: True before each row's length."""
    return torch.arange(longest, device=lengths.device) < lengths[:, None]


def span(states: Tensor, starts: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """The states `[B, T, layers, width]` of each row from its start to before its end, and their number."""
    lengths = ends - starts
    longest = max(1, int(lengths.max()))
    positions = (starts[:, None] + torch.arange(longest, device=starts.device)).clamp(max=states.shape[1] - 1)
    return states[torch.arange(len(states), device=starts.device)[:, None], positions], lengths


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
