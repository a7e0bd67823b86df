"""The state of a training, in one safetensors file: tensors as tensors, the rest as JSON in its metadata.

No pickle is written or read, and the file is renamed into place: it is complete or it is not there.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor
from typing_extensions import TypedDict

from merdata import plugin
from merdata_train.errors import disk_errors
from merdata_train.scoring.results import Epoch

State = dict[str, Tensor]


class CheckpointFacts(TypedDict):
    """Where training stood, for JSON.

    Attributes:
        stage: its number.
        done: history of the stages before it.
        history: of the stage.
        plateau, scaler: state of scheduler and scaler.
    """

    stage: int
    done: list[Epoch]
    history: list[Epoch]
    plateau: dict[str, Any]
    scaler: dict[str, Any] | None


@dataclass(frozen=True)
class Checkpoint:
    """Everything that the next epoch depends on; each epoch seeds itself, so no generator is kept.

    Attributes:
        model, best: weights now, and of the best epoch so far; without those that no stage has trained.
        average: the moving average of such weights and its number of steps; empty without one.
        optimizer: its `state_dict()`.
        facts: where training stood.
    """

    model: State
    best: State
    average: State
    optimizer: dict[str, Any]
    facts: CheckpointFacts


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write it by rename.

    Raises:
        StoreError: it cannot be written.
    """
    tensors = {f"model.{name}": tensor for name, tensor in checkpoint.model.items()}
    tensors |= {f"best.{name}": tensor for name, tensor in checkpoint.best.items()}
    tensors |= {f"average.{name}": tensor for name, tensor in checkpoint.average.items()}
    for index, state in checkpoint.optimizer["state"].items():
        tensors |= {f"optimizer.{index}.{name}": tensor for name, tensor in state.items()}
    facts = {**checkpoint.facts, "param_groups": checkpoint.optimizer["param_groups"]}
    # Parameters may share memory with what the optimizer holds: safetensors wants each tensor its own.
    owned = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in tensors.items()}
    with plugin.write_atomically(path) as temporary, disk_errors():
        save_file(owned, temporary, metadata={"facts": json.dumps(facts)})


def load_checkpoint(path: Path) -> Checkpoint | None:
    """The checkpoint at `path`; None where there is none, or it cannot be read."""
    try:
        with safe_open(path, "pt") as file:
            facts = json.loads(file.metadata()["facts"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  no mapping
    except (FileNotFoundError, SafetensorError, KeyError, ValueError):
        return None
    return Checkpoint(
        model=_under("model.", tensors),
        best=_under("best.", tensors),
        average=_under("average.", tensors),
        optimizer={
            "state": _by_index(_under("optimizer.", tensors)),
            "param_groups": facts.pop("param_groups"),
        },
        facts=facts,
    )


def _under(prefix: str, tensors: State) -> State:
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _by_index(tensors: State) -> dict[int, State]:
    states: dict[int, State] = {}
    for name, tensor in tensors.items():
        index, _, kind = name.partition(".")
        states.setdefault(int(index), {})[kind] = tensor
    return states


def cloned(model: torch.nn.Module, names: Collection[str] | None = None) -> State:
    """A copy of a model's weights, of some names or of all."""
    weights = model.state_dict().items()
    return {name: tensor.detach().clone() for name, tensor in weights if names is None or name in names}


def take(model: torch.nn.Module, weights: State) -> None:
    """Load weights into a model; those that are not given stay."""
    model.load_state_dict(model.state_dict() | weights)
