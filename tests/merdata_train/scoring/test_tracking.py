"""Trackers are asked for by name, and refused in a sentence where they are not installed."""

from __future__ import annotations

import json
from importlib.util import find_spec
from pathlib import Path

import pytest

from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import Recipe
from merdata_train.runs.run import run
from merdata_train.scoring.tracking import TRACKERS, check_tracker, track_scores, tracker

EPOCH = {
    "stage": "main", "epoch": 0, "loss": 1.0, "losses": {"micl": 0.25}, "lr": 0.1, "selected": 0.5,
    "validation": {"uar": 0.5}, "validation_loss": 1.5,
}  # fmt: skip


def test_unknown_and_missing_trackers_are_refused_before_training(small: Recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="--track must be tensorboard, wandb, trackio, not 'paper'"):
        run(small, tmp_path, track="paper")
    for name, package in TRACKERS.items():
        if find_spec(package) is None:
            with pytest.raises(RecipeError, match=f"{name} is not installed: pip install {package}"):
                check_tracker(name)
    assert list(tmp_path.iterdir()) == []


def test_none_tracks_nothing(small: Recipe, tmp_path: Path) -> None:
    with tracker(None, small, tmp_path) as log:
        log(EPOCH)
    assert list(tmp_path.iterdir()) == []


def wandb_log(folder: Path) -> bytes:
    """What W&B wrote offline, once the process that writes it has ended, as it has behind a command."""
    import wandb

    wandb.teardown()
    (log,) = (folder / "wandb").glob("offline-run-*/run-*.wandb")
    return log.read_bytes()


@pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed")
def test_wandb_offline(small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    with tracker("wandb", small, tmp_path) as log:
        log(EPOCH)
    logged = wandb_log(tmp_path)
    assert all(name in logged for name in (b"validation/loss", b"loss/micl", b"validation/uar"))


@pytest.mark.skipif(find_spec("wandb") is None, reason="wandb is not installed")
def test_the_confusion_goes_to_wandb_by_name(
    small: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a list of class names: given a mapping W&B raises, and a run that swallows that logs no chart."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    confusion = {"classes": ["joy", "anger"], "gold_by_predicted": [[3, 1], [0, 2]]}
    sets = {"TestA": {"scores": {"uar": 0.875}, "confusion": confusion}, "TestB": None}
    track_scores("wandb", small, tmp_path, {"sets": sets})  # type: ignore[arg-type]
    (table,) = tmp_path.rglob("confusion_table*.table.json")
    assert json.loads(table.read_text()) == {
        "columns": ["Actual", "Predicted", "nPredictions"],
        "data": [["joy", "joy", 3], ["joy", "anger", 1], ["anger", "joy", 0], ["anger", "anger", 2]],
    }
    logged = wandb_log(tmp_path)
    assert b"TestA/confusion/gold joy/anger" in logged and b"TestA/uar" in logged


@pytest.mark.skipif(find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard(small: Recipe, tmp_path: Path) -> None:
    with tracker("tensorboard", small, tmp_path) as log:
        log(EPOCH)
    assert list(tmp_path.rglob("events.out.tfevents.*"))
