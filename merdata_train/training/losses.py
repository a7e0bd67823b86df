"""Losses over classes, and the weights of rows that even out corpora and classes."""

from __future__ import annotations

from typing import assert_never

import pandas as pd
import torch
from torch import Tensor, nn

from merdata_train.data.samplers import FLOOR
from merdata_train.recipe.loss import ClassWeights, CrossEntropy, Focal, LogitAdjusted

EFFECTIVE_BETA = 0.999


class WeightedLoss:
    """The weighted mean of the rows' losses: `sum(w_i L_i) / sum(w_i)`, label smoothing inside `L_i`.

    Args:
        config: of the recipe.
        prior: share of the draws of each class, `[classes]`; above 0.
    """

    def __init__(self, config: CrossEntropy | Focal | LogitAdjusted, prior: Tensor) -> None:
        self.config = config
        self.log_prior = prior.log()

    def __call__(self, logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
        """Mean loss of logits `[B, classes]` against labels `[B]`, with the weights `[B]` of the rows."""
        losses = self._losses(logits.float(), labels)
        return (weights * losses).sum() / weights.sum()

    def _losses(self, logits: Tensor, labels: Tensor) -> Tensor:
        if isinstance(self.config, LogitAdjusted):
            logits = logits + self.config.tau * self.log_prior.to(logits.device)
        labels = labels.clamp(min=0)  # rows without a label have weight 0
        smoothing = self.config.label_smoothing
        losses = nn.functional.cross_entropy(logits, labels, label_smoothing=smoothing, reduction="none")
        if isinstance(self.config, Focal):
            right = logits.softmax(dim=-1).gather(1, labels[:, None]).squeeze(1)
            losses = losses * (1 - right) ** self.config.gamma
        return losses


def class_prior(rows: pd.DataFrame, draws: pd.Series[float], classes: tuple[str, ...]) -> Tensor:
    """The share of each class in the draws, `[classes]`; of one that is not drawn, that of a single row."""
    drawn = draws.groupby(rows["label"]).sum().reindex(classes, fill_value=0.0)
    return torch.tensor(drawn.clip(lower=1.0).to_numpy(float) / drawn.sum(), dtype=torch.float32)


def row_weights(rows: pd.DataFrame, draws: pd.Series[float], kind: ClassWeights) -> pd.Series[float]:
    """The weight of each row's loss, from what is drawn and not from what there is.

    With D the expected draws of a class, a corpus or all, and K classes: `balanced` is D / (K D_l);
    `balanced_by_corpus` is the same inside each corpus, D_c / (K_c max(D_l|c, D_c / (10 K_c))), with a floor
    for classes of a handful of rows; `effective_number` is (1 - b) / (1 - b^D_l) with b = 0.999, scaled to a
    mean of 1 (Cui et al., CVPR 2019, arXiv:1901.05555).

    Args:
        rows: corpus and label of the train rows.
        draws: how often an epoch draws each, on average.
        kind: of the recipe.
    """
    if kind == "none":
        return pd.Series(1.0, index=rows.index)
    if kind == "balanced_by_corpus":
        of_corpus = draws.groupby(rows["corpus"]).transform("sum")
        classes = rows.groupby("corpus")["label"].transform("nunique")
        of_class = draws.groupby([rows["corpus"], rows["label"]]).transform("sum")
        return (of_corpus / (classes * of_class.clip(lower=FLOOR * of_corpus / classes))).fillna(0.0)
    of_class = draws.groupby(rows["label"]).transform("sum")
    if kind == "balanced":
        return (draws.sum() / (rows["label"].nunique() * of_class)).where(of_class > 0, 0.0)
    if kind == "effective_number":
        weights = ((1 - EFFECTIVE_BETA) / (1 - EFFECTIVE_BETA**of_class)).where(of_class > 0, 0.0)
        return weights * (draws.sum() / (weights * draws).sum())
    assert_never(kind)
