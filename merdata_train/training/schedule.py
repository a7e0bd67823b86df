"""How the learning rates move: a rise at the start, a plateau of the metric, or one cycle over all steps."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.optim.lr_scheduler import ReduceLROnPlateau

from merdata_train.recipe.stage import OneCycle, Selection, Stage

MOMENTUM = (0.95, 0.85)  # of a cycle: at its ends, at its top


def plateau_of(optimizer: torch.optim.Optimizer, stage: Stage, by: Selection) -> ReduceLROnPlateau:
    """The plateau of a stage: on a metric that rises, or on the loss, which falls."""
    return ReduceLROnPlateau(
        optimizer, mode="min" if by.metric == "loss" else "max", **stage.plateau.model_dump()
    )


@contextmanager
def moved(optimizer: torch.optim.Optimizer, stage: Stage, step: int, of_epoch: int) -> Iterator[None]:
    """The rates, and in a cycle the momentum, of one step.

    The groups keep their own, for the plateau to scale; a training that goes on after a kill needs to know
    nothing but the number of its step.

    Args:
        optimizer: of the stage.
        stage: its schedule and warm-up.
        step: the steps of the stage before this one.
        of_epoch: the steps of an epoch.
    """
    steps = stage.epochs * of_epoch
    warm = stage.warmup * steps
    share = min(1.0, (step + 1) / warm) if warm else 1.0
    changes: dict[str, Any] = {}
    if stage.schedule == "one_cycle":
        factor, beta = cycle(stage.one_cycle, step, steps)
        share, changes = share * factor, {"beta": beta}
    kept = [(group["lr"], group["betas"]) for group in optimizer.param_groups]
    for group, (rate, betas) in zip(optimizer.param_groups, kept, strict=True):
        group["lr"] = rate * share
        group["betas"] = (changes.get("beta", betas[0]), betas[1])
    yield
    for group, (rate, betas) in zip(optimizer.param_groups, kept, strict=True):
        group["lr"], group["betas"] = rate, betas


def cycle(config: OneCycle, step: int, steps: int) -> tuple[float, float]:
    """The factor of the rates and the momentum at a step, as OneCycleLR of torch has them."""
    top = config.rise * steps - 1
    if step <= top:
        return _between(1 / config.start, 1.0, step / top), _between(*MOMENTUM, step / top)
    done = (step - top) / (steps - 1 - top)
    return _between(1.0, 1 / (config.start * config.end), done), _between(*MOMENTUM[::-1], done)


def _between(first: float, last: float, done: float) -> float:
    """Half a cosine from one value to another."""
    return last + (first - last) / 2.0 * (math.cos(math.pi * done) + 1)
