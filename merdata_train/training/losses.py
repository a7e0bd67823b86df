"""Losses, and the class weights that go with them."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from merdata_train.data.source import Examples
from merdata_train.recipe.stage import Loss


def cross_entropy(config: Loss, train: Examples) -> nn.CrossEntropyLoss:
    """Cross-entropy with label smoothing; torch applies the class weights to the smooth part as well."""
    weight = balanced_weights(train) if config.class_weights == "balanced" else None
    return nn.CrossEntropyLoss(weight=weight, label_smoothing=config.label_smoothing)


def balanced_weights(train: Examples) -> Tensor:
    """`n / (classes present * rows of the class)`, as scikit-learn's "balanced"; 0 without rows."""
    counts = torch.tensor(list(train.counts().values()), dtype=torch.float32)
    weights = counts.sum() / ((counts > 0).sum() * counts.clamp(min=1))
    return torch.where(counts > 0, weights, torch.zeros_like(weights))
