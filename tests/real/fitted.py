"""A training that is stopped after an epoch and goes on, beside one that nothing disturbed."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from merdata_train.data.source import Source
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.recipe import Recipe
from merdata_train.scoring.results import Epoch
from merdata_train.training.checkpoint import cloned
from merdata_train.training.fit import fit


def moved(recipe: Recipe, folder: Path) -> set[str]:
    """The weights of encoders that a training moves, after it was shown to go on to the same digits."""
    source = Source(recipe)
    rows = source.examples("train"), source.examples("validation")
    before = cloned(EmotionModel.of(recipe, list(rows[0].classes)))
    whole, history = fit(recipe, *rows, cache=folder / "cache")

    def stop(epoch: Epoch) -> None:
        if len(history) - 1 == epoch["epoch"] + 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(recipe, *rows, folder / "checkpoint", stop, cache=folder / "cache")
    resumed, again = fit(recipe, *rows, folder / "checkpoint", cache=folder / "cache")
    assert again == history
    ends = cloned(whole)
    assert all(torch.equal(ends[name], values) for name, values in cloned(resumed).items())
    return {
        name for name, values in before.items() if "network" in name and not torch.equal(ends[name], values)
    }
