"""Trackers: report epochs, scores and confusions to tensorboard, wandb or trackio. None by default."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import Recipe
from merdata_train.scoring.results import Confusion, Epoch, Metrics

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
    steps = iter(range(1_000_000_000))
    with _opened(name, recipe, folder) as accelerator:

        def log(epoch: Epoch) -> None:
            numbers = {f"validation/{name}": value for name, value in epoch["validation"].items()}
            numbers |= {f"loss/{name}": value for name, value in epoch.get("losses", {}).items()}
            numbers |= {"loss": epoch["loss"], "lr": epoch["lr"], "selected": epoch["selected"]}
            if "validation_loss" in epoch:
                numbers["validation/loss"] = epoch["validation_loss"]
            accelerator.log(numbers, step=next(steps))

        yield log


def track_scores(name: str | None, recipe: Recipe, folder: Path, metrics: Metrics) -> None:
    """Log the scores and the confusion of each evaluation set, beside the epochs of the run.

    Every count of a confusion is logged under the names of its two classes, and none by a number: so no
    order of classes can be mistaken. W&B also gets its own chart of it.
    """
    if name is None:
        return
    with _opened(name, recipe, folder) as accelerator:
        for test, account in metrics["sets"].items():
            if account is None:
                continue
            numbers = {f"{test}/{metric}": value for metric, value in account["scores"].items()}
            accelerator.log(numbers | _confusion(test, account["confusion"]))
            if name == "wandb":
                chart = _chart(test, account["confusion"])
                accelerator.get_tracker(name, unwrap=True).log({f"{test}/confusion": chart})


def _confusion(test: str, found: Confusion) -> dict[str, float]:
    names, counts = found["classes"], found["gold_by_predicted"]
    return {
        f"{test}/confusion/gold {gold}/{predicted}": float(counts[row][column])
        for row, gold in enumerate(names)
        for column, predicted in enumerate(names)
    }


def _chart(test: str, found: Confusion) -> Any:
    """W&B's chart of a confusion; it takes a label for each row, so the counts are told one by one."""
    from wandb.plot import confusion_matrix

    pairs = [
        (gold, predicted)
        for gold, row in enumerate(found["gold_by_predicted"])
        for predicted, count in enumerate(row)
        for _ in range(count)
    ]
    gold, predicted = zip(*pairs, strict=True)
    return confusion_matrix(
        y_true=list(gold), preds=list(predicted), class_names=list(found["classes"]), title=test
    )


@contextmanager
def _opened(name: str, recipe: Recipe, folder: Path) -> Iterator[Any]:
    """An Accelerator that logs to the tracker's run of a folder; W&B continues one that is there."""
    from accelerate import Accelerator

    accelerator = Accelerator(log_with=name, project_dir=folder)
    own = {"name": folder.name, "id": folder.name, "resume": "allow", "dir": str(folder)}
    kwargs = {name: own} if name == "wandb" else {}
    accelerator.init_trackers("merdata", config=_flat(recipe.model_dump(mode="json")), init_kwargs=kwargs)
    try:
        yield accelerator
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
