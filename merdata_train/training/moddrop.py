"""Modality dropout: now and then a train row loses one of its modalities, never the last."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

Batch = dict[str, Tensor]


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
