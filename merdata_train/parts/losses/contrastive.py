"""Contrastive losses: between the modalities of a row, and between rows of a class."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from merdata_train.parts.auxiliary import Auxiliary, Batch, Head, Term, Widths, nothing, source_rows
from merdata_train.parts.heads import Of, Projector
from merdata_train.parts.part import Count, Positive


class Contrastive(Auxiliary):
    """What both have in common: a projector to `width`, and a temperature.

    `of` says what is compared: what the fusion reads of each modality (pooled), which has read the other
    modality where there is an interaction; the modalities before they meet (branches); the fused vector.
    """

    temperature: Positive = 0.07
    width: Count = 128
    batch_norm: bool = True

    @property
    @abstractmethod
    def reads(self) -> Of: ...

    def head(self, widths: Widths) -> Head:
        return Projector(self.reads, widths, self.width, batch_norm=self.batch_norm)


class InfoNce(Contrastive):
    """A row's text against the audio of all rows of the step, and the reverse (van den Oord et al., 2018).

    Rows that have both modalities count. Other rows of the same class are negatives too: see supcon.
    """

    kind: Literal["infonce"]
    of: Literal["pooled", "branches"] = "pooled"

    @property
    def reads(self) -> Of:
        return self.of

    def head(self, widths: Widths) -> Head:
        if len(widths.branches) != 2:
            raise ValueError("infonce compares two modalities: leave it out with auxiliary.NAME=null")
        return super().head(widths)

    def term(self, classes: Sequence[str]) -> Term:  # noqa: ARG002
        return InfoNceTerm(self.temperature)


class SupCon(Contrastive):
    """Rows of a class against all others (Khosla et al., NeurIPS 2020, the loss L_out).

    With `of: pooled` or `branches` each modality of a row is a view of it.
    """

    kind: Literal["supcon"]
    of: Of = "fused"

    @property
    def reads(self) -> Of:
        return self.of

    def term(self, classes: Sequence[str]) -> Term:  # noqa: ARG002
        return SupConTerm(self.temperature)


class InfoNceTerm(Term):
    def __init__(self, temperature: float) -> None:
        self.temperature = temperature

    def __call__(self, read: Tensor, batch: Batch) -> Tensor:
        both = read.square().sum(dim=-1).gt(0).all(dim=1) & source_rows(batch)
        first, second = read[both].unbind(dim=1)
        if len(first) < 2:
            return nothing(read)
        scores = first @ second.T / self.temperature
        own = torch.arange(len(scores), device=scores.device)
        cross_entropy = torch.nn.functional.cross_entropy
        return (cross_entropy(scores, own) + cross_entropy(scores.T, own)) / 2


class SupConTerm(Term):
    def __init__(self, temperature: float) -> None:
        self.temperature = temperature

    def __call__(self, read: Tensor, batch: Batch) -> Tensor:
        labels = batch["labels"][:, None].expand(-1, read.shape[1])
        counts = read.square().sum(dim=-1).gt(0) & (labels >= 0)
        views, labels = read[counts], labels[counts]
        others = ~torch.eye(len(views), dtype=torch.bool, device=views.device)
        positive = (labels[:, None] == labels[None]) & others
        anchors = positive.any(dim=1)
        if not anchors.any():
            return nothing(read)
        scores = views @ views.T / self.temperature
        log = scores - scores.masked_fill(~others, -torch.inf).logsumexp(dim=1, keepdim=True)
        means = log.masked_fill(~positive, 0.0).sum(dim=1)[anchors] / positive.sum(dim=1)[anchors]
        return -means.mean()
