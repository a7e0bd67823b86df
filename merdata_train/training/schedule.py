"""The rise of the learning rates at the start of a stage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def rising(optimizer: torch.optim.Optimizer, share: float) -> Iterator[None]:
    """Every group's learning rate times `share`, at most 1, for one step.

    The rates themselves stay, for the plateau to scale; a training that goes on after a kill needs to know
    nothing but the number of its step.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate * min(1.0, share)
    yield
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
