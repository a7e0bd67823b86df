"""What a stage works with: its rows, the weights that it trains and how fast."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import Tensor, nn

from merdata_train.data.rows import belong
from merdata_train.data.source import Examples
from merdata_train.encoders.encoder import PretrainedEncoder
from merdata_train.errors import RecipeError, RunError
from merdata_train.models.emotion import EmotionModel, open_model
from merdata_train.recipe.data import Rows
from merdata_train.recipe.recipe import Recipe
from merdata_train.recipe.stage import Stage, Start

LAYER = re.compile(r"(?:encoder\.)?layers?\.(\d+)\.")
WEIGHTS = "model.safetensors"
AUXILIARY_HEAD = re.compile(r"heads\.(?!classes\.)")
MODALITIES = ("audio", "text")
ABSENT = {"audio_encoder", "text_encoder"}  # a recipe of one modality may name the encoder of the other


def rows_of(stage: Stage, examples: Examples) -> npt.NDArray[np.bool_]:
    """Which examples are of the stage's corpora and languages: bool `[n]`.

    Raises:
        RecipeError: none of them is.
    """
    keep = belong(examples.rows, stage.data).to_numpy(bool)
    if not keep.any():
        raise RecipeError(f"stage {stage.name}: there are no {examples.split} rows of {_named(stage.data)}")
    return keep


def trained_rows(stages: Sequence[Stage], train: pd.DataFrame) -> pd.DataFrame:
    """The train rows that any of the stages learns from."""
    return train[np.logical_or.reduce([belong(train, stage.data).to_numpy(bool) for stage in stages])]


def _named(data: Rows) -> str:
    """A stage's data in words."""
    return "; ".join(f"{key} {', '.join(names)}" for key, names in data if names)


def optimizer_of(model: EmotionModel, stage: Stage) -> torch.optim.Optimizer:
    """The optimiser of what the stage trains, a group for each module and depth; the stage's own first.

    Raises:
        RecipeError: the stage names a module that the model does not have, or freezes everything.
    """
    depths = _depths(model) if stage.llrd < 1 else {}
    groups: dict[tuple[str, int], list[nn.Parameter]] = {(name, 0): [] for name in ("", *stage.lr_groups)}
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not any(_within(name, module) for module in stage.freeze))
        if parameter.requires_grad:
            group = (_group(name, stage.lr_groups), depths.get(name, 0))
            groups.setdefault(group, []).append(parameter)
    for module in (*stage.freeze, *stage.lr_groups, *stage.freeze_epochs, *stage.freeze_steps):
        if module.partition(".")[0] in ABSENT - {f"{name}_encoder" for name in model.encoders}:
            continue
        if not any(_within(name, module) for name, _ in model.named_parameters()):
            parts = ", ".join(
                name for name, _ in model.named_modules() if 0 < name.count(".") + 1 <= 2 and name
            )
            raise RecipeError(
                f"stage {stage.name}: the model has no module {module!r}; its modules are {parts}"
            )
    if not any(groups.values()):
        raise RecipeError(f"stage {stage.name} freezes every weight: there is nothing to train")
    rates = {"": stage.lr, **stage.lr_groups}
    moved = [
        {"params": group, "lr": rates[name] * stage.llrd**depth, "name": name}
        for (name, depth), group in groups.items()
        if group
    ]
    kind = torch.optim.AdamW if stage.optimizer == "adamw" else torch.optim.Adam
    return kind(moved, weight_decay=stage.weight_decay)


def frozen_encoders(model: EmotionModel, stage: Stage) -> dict[str, PretrainedEncoder]:
    """modality -> its encoder, of those whose whole network the stage freezes."""
    return {
        name: encoder for name, encoder in model.encoders.items() if freezes(stage, f"{name}_encoder.network")
    }


def refuse_silent(recipe: Recipe, stage: Stage, frozen: Collection[str]) -> None:
    """Refuse an augmentation that no one would hear: a frozen encoder's outputs are computed once.

    Raises:
        RecipeError: the stage freezes the encoder of a modality that the recipe augments.
    """
    for modality, key in (("audio", "noise"), ("text", "transcript")):
        if modality in frozen and recipe.augment and getattr(recipe.augment, key):
            raise RecipeError(
                f"augment.{key} has no effect in stage {stage.name}, which freezes the {modality} encoder "
                f"and computes its outputs once: set augment.{key}=null, or take the stage out"
            )


def freezes(stage: Stage, module: str) -> bool:
    """Whether a stage freezes the whole of a module."""
    return any(_within(module, frozen) for frozen in stage.freeze)


def changed(model: nn.Module, stages: Sequence[Stage]) -> set[str]:
    """Names of the weights that a checkpoint must hold, because these stages have changed them."""
    names = set(model.state_dict())
    if any(stage.init for stage in stages[:-1]):  # only the checkpoint has the weights of the other run
        return names
    scalers = {name for name in names if name.startswith("standardise.")}  # fitted, whatever is frozen
    return scalers | {name for name in names if not all(freezes(stage, name) for stage in stages)}


def frozen_for_now(stage: Stage, epoch: int, step: int) -> list[str]:
    """The modules that a stage freezes in its first epochs or steps, both counted from 0."""
    return [
        *(name for name, epochs in stage.freeze_epochs.items() if epoch < epochs),
        *(name for name, steps in stage.freeze_steps.items() if step < steps),
    ]


def set_training(model: nn.Module, stage: Stage, for_now: Sequence[str] = ()) -> None:
    """Training mode, but for frozen modules: their dropout is off, and they get no gradient."""
    frozen = [*stage.freeze, *for_now]
    model.train()
    for name, module in model.named_modules():
        if any(_within(name, other) for other in frozen):
            module.eval()
    for name, parameter in model.named_parameters():
        parameter.requires_grad_(not any(_within(name, other) for other in frozen))


def load_initial(model: EmotionModel, folder: str) -> None:
    """Load the weights of another run; heads of auxiliary losses that only one of the two has do not count.

    Raises:
        RecipeError: they do not fit this model.
        RunError: the model is missing or damaged.
    """
    other = open_model(initial_weights(folder).parent).state_dict()
    own = model.state_dict()
    if any(not AUXILIARY_HEAD.match(name) for name in own.keys() ^ other.keys()):
        raise _unlike(folder)
    _load(model, {name: other[name] for name in own.keys() & other.keys()}, folder)


def initialise(model: EmotionModel, stage: Stage) -> None:
    """Load what the stage starts from: a run, or modules of runs.

    Raises:
        RecipeError: they do not fit this model.
        RunError: the model is missing or damaged.
    """
    if isinstance(stage.init, str):
        load_initial(model, stage.init)
    for start in stage.starts():
        load_modules(model, start)


def load_modules(model: EmotionModel, start: Start) -> None:
    """Load modules of another run, with the scalers of their inputs.

    Raises:
        RecipeError: the run or the recipe does not have them, or they do not fit.
        RunError: the model is missing or damaged.
    """
    other = open_model(initial_weights(start.from_).parent).state_dict()
    for module in start.modules:
        scaler = f"standardise.{modality}" if (modality := modality_of(module)) else module
        own = {name for name in model.state_dict() if _within(name, module)}
        if not own or own != {name for name in other if _within(name, module)}:
            raise RecipeError(
                f"init: {start.from_} and this recipe do not both have the module {module!r}, with the same "
                "parts: choose modules as in branches.audio"
            )
        own |= {name for name in model.state_dict() if _within(name, scaler)}
        _load(model, {name: other[name] for name in own}, start.from_)


def modality_of(module: str) -> str | None:
    """The modality that a module reads, as in branches.audio; None for one that reads several."""
    return next((name for name in MODALITIES if name in re.split(r"[._]", module)), None)


def _load(model: EmotionModel, weights: dict[str, Tensor], folder: str) -> None:
    try:
        model.load_state_dict(model.state_dict() | weights)
    except RuntimeError as error:
        raise _unlike(folder) from error


def _unlike(folder: str) -> RecipeError:
    return RecipeError(f"init: the model in {folder} does not have the same modules as this recipe's")


def initial_weights(folder: str) -> Path:
    """The weights in a run's folder, or in a model's.

    Raises:
        RunError: there are none.
    """
    for place in (Path(folder) / "model" / WEIGHTS, Path(folder) / WEIGHTS):
        if place.is_file():
            return place
    raise RunError(f"init: {folder} does not hold a trained model: name the folder of a finished run")


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _depths(model: EmotionModel) -> dict[str, int]:
    """How many layers of its encoder lie above each parameter of one."""
    depths = {}
    for modality, encoder in model.encoders.items():
        layers = encoder.network.config.num_hidden_layers
        for name, _ in encoder.network.named_parameters():
            layer = LAYER.match(name)
            depths[f"{modality}_encoder.network.{name}"] = layers - 1 - int(layer[1]) if layer else layers
    return depths


def _group(name: str, groups: Mapping[str, Any]) -> str:
    """The longest module of `groups` that a parameter lies in, or "" for none."""
    return max((module for module in groups if _within(name, module)), key=len, default="")
