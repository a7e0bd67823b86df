"""What is read of the hidden states of an encoder: which layers, and which positions."""

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


def numbers(layers: tuple[int, ...]) -> list[int]:
    """The layers whose mean is read: two numbers are the ends of a range, more are a list."""
    return list(range(layers[0], layers[1] + 1)) if len(layers) == 2 else list(layers)


def chosen(states: tuple[Tensor, ...], layers: Layers) -> Tensor:
    """The states to read, `[B, T, 1 or all, width]`, of those before, between and after the layers."""
    if layers == "learned":
        return torch.stack(states, dim=2)
    if isinstance(layers, tuple):
        return torch.stack([states[number] for number in numbers(layers)]).mean(dim=0)[:, :, None]
    return states[-1 if layers == "last" else layers][:, :, None]


def span(states: Tensor, starts: Tensor, ends: Tensor) -> tuple[Tensor, Tensor]:
    """The states `[B, T, layers, width]` of each row from its start to before its end, and their number."""
    lengths = ends - starts
    longest = max(1, int(lengths.max()))
    positions = (starts[:, None] + torch.arange(longest, device=starts.device)).clamp(max=states.shape[1] - 1)
    return states[torch.arange(len(states), device=starts.device)[:, None], positions], lengths
