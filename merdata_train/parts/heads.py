"""Heads beside that of the classes, as the losses need them."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from typing import Literal

import torch
from torch import Tensor, nn

from merdata_train.parts.auxiliary import Head, Read, Widths
from merdata_train.parts.layers import batch_normed

Of = Literal["pooled", "branches", "fused"]


class Fused(Head):
    """The fused vector as it is."""

    def forward(self, read: Read) -> Tensor:
        return read.fused


class Regression(Head):
    """Three values in [-1, 1]: Linear, GELU, dropout, Linear, tanh of the fused vector."""

    def __init__(self, width: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(width, hidden), nn.GELU(), nn.Dropout(dropout), nn.Linear(hidden, 3), nn.Tanh()
        )

    def forward(self, read: Read) -> Tensor:
        values: Tensor = self.layers(read.fused)
        return values


class Projector(Head):
    """Vectors of length 1 to compare, `[B, views, width]`: of each modality, or one of the fused vector.

    A modality that a row lacks is 0.
    """

    def __init__(self, of: Of, widths: Widths, out: int, *, batch_norm: bool) -> None:
        super().__init__()
        self.of: Of = of
        inputs = {"fused": widths.fused} if of == "fused" else getattr(widths, of)
        self.views = nn.ModuleDict({name: _View(width, out, batch_norm) for name, width in inputs.items()})

    def forward(self, read: Read) -> Tensor:
        if self.of == "fused":
            everywhere = torch.ones(len(read.fused), dtype=torch.bool, device=read.fused.device)
            view: Tensor = self.views["fused"](read.fused, everywhere)
            return view[:, None]
        vectors: Mapping[str, Tensor] = getattr(read, self.of)
        views = [view(vectors[name], read.there[name]) for name, view in self.views.items()]
        return torch.stack(views, dim=1)


class _View(nn.Module):
    """Linear, BatchNorm, ReLU, Linear; the statistics are those of rows that have the modality."""

    def __init__(self, width: int, out: int, batch_norm: bool) -> None:
        super().__init__()
        self.first = nn.Linear(width, width)
        self.norm = nn.BatchNorm1d(width) if batch_norm else None
        self.out = nn.Linear(width, out)

    def forward(self, vectors: Tensor, there: Tensor) -> Tensor:
        hidden = self.first(vectors[there])
        if self.norm is not None:
            hidden = batch_normed(self.norm, hidden)
        projected = nn.functional.normalize(self.out(torch.relu(hidden)).float(), dim=-1)
        made = projected.new_zeros(len(vectors), projected.shape[1])
        made[there] = projected
        return made


class Discriminator(Head):
    """Logits `[B]` that a row is of the target; the gradient to what it reads is turned round.

    The factor of the reversed gradient is `2 / (1 + exp(-gamma p)) - 1`, p the progress of the stage (Ganin
    et al., JMLR 17, 2016).
    """

    def __init__(self, width: int, hidden: tuple[int, ...], dropout: float, gamma: float) -> None:
        super().__init__()
        sizes = [width, *hidden]
        layers: list[nn.Module] = []
        for before, after in itertools.pairwise(sizes):
            layers += [nn.Linear(before, after), nn.ReLU(), nn.Dropout(dropout)]
        self.layers = nn.Sequential(*layers, nn.Linear(sizes[-1], 1))
        self.gamma = gamma

    def factor(self, progress: float) -> float:
        """That of the reversed gradient."""
        return 2.0 / (1.0 + float(torch.tensor(-self.gamma * progress).exp())) - 1.0

    def forward(self, read: Read) -> Tensor:
        reversed_: Tensor = _Reverse.apply(  # type: ignore[no-untyped-call]
            read.fused, self.factor(read.progress)
        )
        logits: Tensor = self.layers(reversed_).squeeze(-1)
        return logits


class _Reverse(torch.autograd.Function):
    """The identity, whose gradient has the other sign and a factor."""

    @staticmethod
    def forward(ctx: torch.autograd.function.FunctionCtx, x: Tensor, factor: float) -> Tensor:
        ctx.factor = factor  # type: ignore[attr-defined]
        return x.view_as(x)

    @staticmethod
    def backward(ctx: torch.autograd.function.FunctionCtx, *gradients: Tensor) -> tuple[Tensor, None]:
        (gradient,) = gradients
        return -ctx.factor * gradient, None  # type: ignore[attr-defined]
