"""Trackers: report epochs to tensorboard, wandb or trackio. None by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import Recipe
from merdata_train.scoring.results import Epoch

TRACKERS = {"tensorboard": "tensorboard", "wandb": "wandb", "trackio": "trackio"}  # name -> package


def check_tracker(name: str | None) -> None:
    """Refuse an unknown tracker or one that is not installed, before anything is trained.

    Raises:
        RecipeError: there is no such tracker, or its package is not installed.
    """
    if name is None:
        return
    if name not in TRACKERS:
        raise RecipeError(f"--track must be {', '.join(TRACKERS)}, not {name!r}")
    if find_spec(TRACKERS[name]) is None:
        raise RecipeError(f"{name} is not installed: pip install {TRACKERS[name]}")


@contextmanager
def tracker(name: str | None, recipe: Recipe, folder: Path) -> Iterator[Callable[[Epoch], None]]:
    """A function that takes each epoch's history entry and logs it in the run's folder or to a service."""
    if name is None:
        yield _nothing
        return
    from accelerate import Accelerator

    accelerator = Accelerator(log_with=name, project_dir=folder)
    settings = {"wandb": {"name": folder.name, "dir": str(folder)}}
    kwargs = {name: settings[name]} if name in settings else {}
    accelerator.init_trackers("merdata", config=_flat(recipe.model_dump(mode="json")), init_kwargs=kwargs)
    steps = iter(range(1_000_000_000))

    def log(epoch: Epoch) -> None:
        numbers = {f"validation/{name}": value for name, value in epoch["validation"].items()}
        numbers |= {"loss": epoch["loss"], "lr": epoch["lr"], "selected": epoch["selected"]}
        accelerator.log(numbers, step=next(steps))

    try:
        yield log
    finally:
        accelerator.end_training()


def _nothing(_: Epoch) -> None:
    """No tracker."""


def _flat(value: Any, key: str = "") -> dict[str, int | float | str | bool]:
    """A nested recipe under dotted keys, which every tracker can show."""
    if isinstance(value, dict):
        parts = [(f"{key}.{name}" if key else name, part) for name, part in value.items()]
    elif isinstance(value, list):
        parts = [(f"{key}.{number}", part) for number, part in enumerate(value)]
    else:
        return {key: value if isinstance(value, (int, float, bool)) else str(value)}
    return {name: leaf for path, part in parts for name, leaf in _flat(part, path).items()}
