"""Which device, and how many digits."""

from __future__ import annotations

from typing import Any

import torch
from accelerate import Accelerator, PartialState
from accelerate.state import AcceleratorState
from accelerate.utils import DistributedDataParallelKwargs

from merdata_train.recipe.recipe import Recipe


def accelerator_of(recipe: Recipe) -> Accelerator:
    """The devices and the precision of a recipe.

    accelerate keeps the precision of its first use for the whole process, and a suite has several: its state
    is reset. Parameters that no row of a step reaches (layers above the one that is read, or frozen for now)
    are looked for. cuDNN's attention is disabled: it makes a new plan for each shape, and almost every batch
    of speech has a new shape.
    """
    torch.backends.cuda.enable_cudnn_sdp(False)
    AcceleratorState._reset_state(reset_partial_state=False)
    precision = {"fp32": "no", "auto": best_precision()}.get(recipe.precision, recipe.precision)
    thaws = any(stage.freeze_epochs or stage.freeze_steps for stage in recipe.stages)
    unused = DistributedDataParallelKwargs(find_unused_parameters=bool(recipe.encoders()) or thaws)
    return Accelerator(
        cpu=not torch.accelerator.is_available(), mixed_precision=precision, kwargs_handlers=[unused]
    )


def scaler_state(accelerator: Accelerator) -> dict[str, Any] | None:
    """The scale of fp16's gradients and when it grows, for a checkpoint; None without one."""
    return None if accelerator.scaler is None else dict(accelerator.scaler.state_dict())


def load_scaler(accelerator: Accelerator, state: dict[str, Any] | None) -> None:
    """Take up `scaler_state` again; a checkpoint of another precision has none."""
    if accelerator.scaler is not None and state is not None:
        accelerator.scaler.load_state_dict(state)


def best_precision() -> str:
    """bf16 where the device has it, fp16 on older ones, full precision on CPUs."""
    if not torch.accelerator.is_available():
        return "no"
    return "bf16" if torch.cuda.is_available() and torch.cuda.is_bf16_supported() else "fp16"


def is_main_process() -> bool:
    """Whether this process is the one that writes; under `accelerate launch` there are others."""
    return bool(processes().is_main_process)


def disconnect() -> None:
    """Disconnect the processes: one that ends with its threads still talking is aborted."""
    processes().destroy_process_group()


def processes() -> PartialState:
    """The processes that train together. accelerate sets them up on CPUs only where it is told to."""
    return PartialState(cpu=not torch.accelerator.is_available())
