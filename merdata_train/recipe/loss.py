"""The loss of a recipe."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, Tag

from merdata_train.parts.part import Part, Positive, Share, by_kind

ClassWeights = Literal["balanced_by_corpus", "balanced", "effective_number", "none"]


class CrossEntropy(Part):
    """Cross-entropy with label smoothing.

    `class_weights` weight the rows by how often their class is drawn: inside each corpus
    (balanced_by_corpus), over all corpora together (balanced), by the effective number of rows
    (effective_number), or not at all.
    """

    kind: Literal["cross_entropy"] = "cross_entropy"
    label_smoothing: Share = 0.1
    class_weights: ClassWeights = "balanced_by_corpus"


class Focal(CrossEntropy):
    """Focal loss: cross-entropy times (1 - p)^gamma (Lin et al., ICCV 2017, arXiv:1708.02002)."""

    kind: Literal["focal"]  # type: ignore[assignment]
    gamma: Annotated[float, Field(ge=0)] = 2.0
    class_weights: ClassWeights = "none"


class LogitAdjusted(CrossEntropy):
    """Cross-entropy of logits + tau log(prior), the classes' shares of the draws, in training alone.

    Menon et al., Long-tail learning via logit adjustment, ICLR 2021, arXiv:2007.07314.
    """

    kind: Literal["logit_adjusted"]  # type: ignore[assignment]
    tau: Positive = 1.0
    class_weights: ClassWeights = "none"


LossPart = Annotated[
    Annotated[CrossEntropy, Tag("cross_entropy")]
    | Annotated[Focal, Tag("focal")]
    | Annotated[LogitAdjusted, Tag("logit_adjusted")],
    by_kind("cross_entropy"),
]
LOSS_TAGS: dict[str, type[Part]] = {
    "cross_entropy": CrossEntropy,
    "focal": Focal,
    "logit_adjusted": LogitAdjusted,
}
