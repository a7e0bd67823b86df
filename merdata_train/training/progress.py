"""How far a stage is: the history of its epochs, its best weights, and both in words."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor
from tqdm import tqdm

from merdata_train.recipe.stage import Stage
from merdata_train.scoring.checks import rank
from merdata_train.scoring.results import Epoch


@dataclass
class Progress:
    """How far a stage is.

    Attributes:
        history: an entry for each epoch.
        best: the weights of its best epoch, of those that any stage has trained.
    """

    history: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def best_epoch(self) -> int:
        return max(self.history, key=rank)["epoch"]

    def is_over(self, stage: Stage) -> bool:
        epochs = len(self.history)
        stalled = bool(self.history) and epochs - 1 - self.best_epoch() >= stage.patience
        return epochs >= stage.epochs or stalled

    def tell(self) -> None:
        """Print the last epoch in a line on stderr; the best one so far is marked."""
        epoch = self.history[-1]
        metrics = ", ".join(f"{name} {value:.4f}" for name, value in epoch["validation"].items())
        best = " (best so far)" if self.best_epoch() == epoch["epoch"] else ""
        place = f"stage {epoch['stage']}, epoch {epoch['epoch']}"
        line = f"{place}: loss {epoch['loss']:.4f}, lr {epoch['lr']:.2g}, validation {metrics}{best}"
        tqdm.write(line, file=sys.stderr)


def progress_bar(stage: Stage, progress: Progress) -> tqdm[Any]:
    """A bar over the epochs of a stage; none where stderr is not a terminal."""
    return tqdm(
        total=stage.epochs,
        initial=len(progress.history),
        desc=f"stage {stage.name}",
        unit="epoch",
        disable=not sys.stderr.isatty(),
    )
