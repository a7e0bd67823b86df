"""Regression of valence, arousal and dominance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from merdata.plugin import vad_prototypes
from merdata_train.parts.auxiliary import Auxiliary, Batch, Head, Term, Widths, nothing
from merdata_train.parts.heads import Regression
from merdata_train.parts.part import Count, Share

Point = tuple[float, float, float]
DIMENSIONS = ("valence", "arousal", "dominance")
EPSILON = 1e-8


class Vad(Auxiliary):
    """Valence, arousal and dominance, in [-1, 1], from the fused vector.

    `target`: the point of the row's class (of `merdata.plugin.vad_prototypes`, or of `prototypes`; it says
    nothing that the label does not), or the row's own ratings, from 1 to 5 in the store; a row without them
    is left out. `distance` is the mean squared error, or 1 minus the concordance correlation coefficient over
    the rated rows of a step.
    """

    kind: Literal["vad"]
    target: Literal["prototypes", "ratings"] = "prototypes"
    distance: Literal["mse", "ccc"] = "mse"
    prototypes: dict[str, Point] = Field(default={})
    hidden: Count = 192
    dropout: Share = 0.0

    @property
    def sees_whole_step(self) -> bool:
        return self.distance == "ccc"

    @property
    def columns(self) -> tuple[str, ...]:
        return DIMENSIONS if self.target == "ratings" else ()

    def head(self, widths: Widths) -> Head:
        return Regression(widths.fused, self.hidden, self.dropout)

    def term(self, classes: Sequence[str]) -> Term:
        if self.target == "ratings":
            return VadTerm(None, self.distance)
        points = vad_prototypes() | self.prototypes
        unknown = [name for name in classes if name not in points]
        if unknown:
            raise ValueError(
                f"there is no point of valence, arousal and dominance for {', '.join(unknown)}: give it in "
                "`prototypes`, or set target=ratings"
            )
        return VadTerm(torch.tensor([points[name] for name in classes]), self.distance)


class VadTerm(Term):
    """The distance to the points of the classes `[classes, 3]`, or to the batch's ratings."""

    def __init__(self, points: Tensor | None, distance: Literal["mse", "ccc"]) -> None:
        self.points, self.distance = points, distance

    def targets(self, batch: Batch) -> Tensor:
        """`[B, 3]`; NaN where there is none."""
        if self.points is None:
            return (batch["ratings"] - 3.0) / 2.0
        points = self.points.to(batch["labels"].device)[batch["labels"].clamp(min=0)]
        return points.masked_fill((batch["labels"] < 0)[:, None], torch.nan)

    def size(self, batch: Batch) -> float:
        return float(_rated(self.targets(batch)).sum())

    def __call__(self, read: Tensor, batch: Batch) -> Tensor:
        targets = self.targets(batch)
        rated = _rated(targets)
        if not rated.any():
            return nothing(read)
        said, wanted = read[rated].float(), targets[rated]
        if self.distance == "mse":
            return (said - wanted).square().mean()
        return 1.0 - concordance(said, wanted).mean()


def concordance(said: Tensor, wanted: Tensor) -> Tensor:
    """Lin's concordance correlation coefficient of each column of `[n, columns]`, by population moments."""
    mean_said, mean_wanted = said.mean(dim=0), wanted.mean(dim=0)
    covariance = ((said - mean_said) * (wanted - mean_wanted)).mean(dim=0)
    spread = said.var(dim=0, correction=0) + wanted.var(dim=0, correction=0)
    return 2 * covariance / (spread + (mean_said - mean_wanted).square() + EPSILON)


def _rated(targets: Tensor) -> Tensor:
    return ~targets.isnan().any(dim=1)
