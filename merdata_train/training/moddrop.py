"""Modality dropout: now and then a train row loses one of its modalities, never the last."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from merdata_train.data.source import Examples
from merdata_train.recipe.recipe import Recipe

Batch = dict[str, Tensor]
FEWEST_WITHOUT = 0.05  # of the train rows: with fewer, a model has not learned to do without a modality


def missed_modalities(recipe: Recipe, train: Examples) -> list[str]:
    """The modalities that a training teaches to do without: it drops them, or many rows lack them."""
    if recipe.modality_dropout:
        return list(recipe.modalities)
    return [
        name
        for name in recipe.modalities
        if len(recipe.modalities) > 1
        and float((~train.tensors[f"has_{name}"]).float().mean()) >= FEWEST_WITHOUT
    ]


def drop_modalities(batch: Batch, modalities: Sequence[str], probability: float) -> Batch:
    """A batch in which some rows have lost exactly one modality, by its mask; the vectors stay as they are.

    Args:
        batch: `has_<modality>` bool `[B]` for each, and more.
        modalities: of the recipe.
        probability: that a row with more than one modality loses one, drawn evenly.
    """
    there = torch.stack([batch[f"has_{name}"] for name in modalities], dim=1)
    draws = torch.rand(there.shape).to(there.device).masked_fill(~there, -1.0)
    chosen = torch.nn.functional.one_hot(draws.argmax(dim=1), len(modalities)).bool()
    loses = (torch.rand(len(there)).to(there.device) < probability) & (there.sum(dim=1) > 1)
    kept = there & ~(chosen & loses[:, None])
    return batch | {f"has_{name}": kept[:, number] for number, name in enumerate(modalities)}
