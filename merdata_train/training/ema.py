"""The moving average of a model's weights, which follows quickly at first."""

from __future__ import annotations

from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel


def averaged(model: nn.Module, decay: float) -> AveragedModel:
    """An average to update after every step; `.module` is the model with averaged weights."""

    def average(before: Tensor, now: Tensor, steps: Tensor | int) -> Tensor:
        follow = min(decay, float((1 + steps) / (10 + steps)))
        return before + (now - before) * (1 - follow)  # to the digit what it was, where nothing moved

    return AveragedModel(model, avg_fn=average)
