"""Domain adaptation: what brings source rows and unlabelled target rows together."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from merdata_train.parts.auxiliary import Auxiliary, Batch, Head, Term, Widths, nothing
from merdata_train.parts.heads import Discriminator, Fused
from merdata_train.parts.part import Count, Share


class DomainLoss(Auxiliary):
    """What all have in common: the fused vectors of source and target, compared in every step."""

    @property
    def needs_target(self) -> bool:
        return True

    def head(self, widths: Widths) -> Head:  # noqa: ARG002
        return Fused()


class Dann(DomainLoss):
    """A discriminator of source and target whose gradient is reversed (Ganin et al., JMLR 17, 2016).

    The loss is the sum of the mean cross-entropies of source and of target rows; `gamma` is how fast the
    reversed gradient grows with the progress of the stage.
    """

    kind: Literal["dann"]
    hidden: tuple[Count, ...] = (256, 128)
    dropout: Share = 0.3
    gamma: Annotated[float, Field(ge=0)] = 10.0

    def head(self, widths: Widths) -> Head:
        return Discriminator(widths.fused, self.hidden, self.dropout, self.gamma)

    def term(self, classes: Sequence[str]) -> Term:  # noqa: ARG002
        return DannTerm()


class Mmd(DomainLoss):
    """Squared maximum mean discrepancy of Gaussian kernels (Long et al., ICML 2015), with biased means.

    Summed are exp(-d^2 / (s 2^k)), k from -2 to 2, with s the mean or the median of the squared distances of
    different rows of both domains, taken as a constant.
    """

    kind: Literal["mmd"]
    bandwidth: Literal["mean", "median"] = "mean"

    def term(self, classes: Sequence[str]) -> Term:  # noqa: ARG002
        return MmdTerm(self.bandwidth)


class Coral(DomainLoss):
    """`||C_source - C_target||^2 / (4 d^2)` of the covariances (Sun and Saenko, ECCV Workshops 2016)."""

    kind: Literal["coral"]

    def term(self, classes: Sequence[str]) -> Term:  # noqa: ARG002
        return CoralTerm()


class DomainTerm(Term):
    """A loss over the source and the target rows of a step."""

    fewest = 1  # rows of each domain

    def __call__(self, read: Tensor, batch: Batch) -> Tensor:
        target = batch["is_target"]
        source_read, target_read = read[~target].float(), read[target].float()
        if min(len(source_read), len(target_read)) < self.fewest:
            return nothing(read)
        return self.between(source_read, target_read)

    @abstractmethod
    def between(self, source: Tensor, target: Tensor) -> Tensor:
        """The loss of what the head made of the rows of each."""


class DannTerm(DomainTerm):
    def between(self, source: Tensor, target: Tensor) -> Tensor:
        losses = torch.nn.functional.binary_cross_entropy_with_logits
        return losses(source, torch.zeros_like(source)) + losses(target, torch.ones_like(target))


class MmdTerm(DomainTerm):
    fewest = 2

    def __init__(self, bandwidth: Literal["mean", "median"] = "mean") -> None:
        self.bandwidth = bandwidth

    def between(self, source: Tensor, target: Tensor) -> Tensor:
        rows = torch.cat([source, target])
        # Not by a product of matrices: the distance of like rows must not drown in rounding.
        distances = (rows[:, None] - rows[None]).square().sum(dim=-1)
        others = distances.detach()[~torch.eye(len(rows), dtype=torch.bool, device=rows.device)]
        scale = (others.mean() if self.bandwidth == "mean" else others.median()).clamp(min=1e-12)
        kernel = torch.stack([(-distances / (scale * 2.0**power)).exp() for power in range(-2, 3)]).sum(dim=0)
        n = len(source)
        within = kernel[:n, :n].mean() + kernel[n:, n:].mean()
        return within - 2 * kernel[:n, n:].mean()


class CoralTerm(DomainTerm):
    fewest = 2

    def between(self, source: Tensor, target: Tensor) -> Tensor:
        apart = torch.cov(source.T) - torch.cov(target.T)
        width = source.shape[1]
        return apart.square().sum() / (4 * width**2)
