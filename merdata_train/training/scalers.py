"""Inputs of one scale: every modality's vector is standardised on the rows that the first stage trains on."""

from __future__ import annotations

import torch
from torch import Tensor

from merdata_train.data.batching import batches
from merdata_train.data.sequences import States
from merdata_train.data.source import Examples
from merdata_train.models.emotion import EmotionModel

ROWS = 256  # whose states are pooled at a time


def fit_scalers(model: EmotionModel, train: Examples) -> None:
    """Fit each modality's scaler on the rows that have the modality.

    The vectors of an encoder that the stage trains will move, so its scaler stays the identity.
    """
    for name, scaler in model.standardise.items():
        vectors = _vectors(model, name, train)
        if vectors is not None:
            scaler.fit(vectors[train.tensors[f"has_{name}"]])  # type: ignore[operator]


def _vectors(model: EmotionModel, name: str, train: Examples) -> Tensor | None:
    """The vectors `[n, width]` before they are standardised; None where an encoder is trained."""
    if f"{name}_vec" in train.tensors:
        return train.tensors[f"{name}_vec"]
    states = train.sequences[name]
    if not isinstance(states, States):
        return None
    device = next(model.parameters()).device
    model.eval()
    with torch.inference_mode():
        pooled = [
            model.raw_vector(name, {key: value.to(device) for key, value in states.batch(name, rows).items()})
            for rows in batches(range(len(train)), ROWS)
        ]
    return torch.cat(pooled).cpu()
