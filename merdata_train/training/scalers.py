"""Inputs of one scale: each modality's states are standardised on the rows that the first stage trains on."""

from __future__ import annotations

from collections.abc import Collection, Iterator

import torch
from torch import Tensor

from merdata_train.data.batching import batches
from merdata_train.data.sequences import States
from merdata_train.data.source import Examples
from merdata_train.models.emotion import EmotionModel
from merdata_train.parts.stream import Stream

ROWS = 256  # whose states are pooled at a time


def fit_scalers(model: EmotionModel, train: Examples, modalities: Collection[str]) -> None:
    """Fit the scalers of some modalities on the rows that have the modality; on every state of a sequence.

    The vectors of an encoder that the stage trains will move, so its scaler stays the identity.
    """
    for name in modalities:
        scaler = model.standardise[name]
        there = train.tensors[f"has_{name}"]
        if f"{name}_vec" in train.tensors:
            scaler.fit(train.tensors[f"{name}_vec"][there])  # type: ignore[operator]
        elif isinstance(train.sequences[name], States):
            if model.shapes[name].sequence:
                scaler.fit_states(_states(model, name, train))  # type: ignore[operator]
            else:
                vectors = torch.cat([stream.vector for stream in _streams(model, name, train)])
                scaler.fit(vectors[there].cpu())  # type: ignore[operator]


def _states(model: EmotionModel, name: str, train: Examples) -> Iterator[Tensor]:
    """The states `[n, width]` of some rows at a time, without padding."""
    for stream in _streams(model, name, train):
        yield stream.states[stream.mask & stream.there[:, None]]


def _streams(model: EmotionModel, name: str, train: Examples) -> Iterator[Stream]:
    """The streams before they are standardised, of all rows in their order."""
    device = next(model.parameters()).device
    there, sequences = train.tensors[f"has_{name}"], train.sequences[name]
    model.eval()
    with torch.inference_mode():
        for rows in batches(range(len(train)), ROWS):
            batch = sequences.batch(name, rows) | {f"has_{name}": there[rows]}
            yield model.raw_stream(name, {key: value.to(device) for key, value in batch.items()})
