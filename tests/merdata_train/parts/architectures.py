"""Architectures of every kind of part, small, and rows for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from merdata_train.models.emotion import EmotionModel
from merdata_train.parts.stream import Shape
from merdata_train.recipe.recipe import Recipe

Batch = dict[str, Tensor]

CLASSES = ["anger", "joy", "neutral"]
WIDTHS = {"audio": 6, "text": 8}
FRAMES = {"audio": {"kind": "mfcc", "n_mfcc": 6, "n_mels": 20, "pool": "none"}}

_SAME = [{"kind": "projection", "width": 8, "embedding": True}]
_CONV = [
    {"kind": "conv", "width": 8, "kernel": 3, "norm": "batch", "pool": 2},
    {"kind": "bilstm", "width": 4},
]
_LOCAL = [
    {"kind": "bilstm", "width": 4, "layers": 2},
    {"kind": "self_attention", "heads": 2, "ffn_mult": 0},
    {"kind": "conv", "width": 8, "kernel": 1, "norm": "none", "activation": "none"},
]
_CROSS = {"kind": "cross_attention", "heads": 2}


def _both(blocks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"audio": blocks, "text": blocks}


MODELS: dict[str, dict[str, Any]] = {
    "gated": {"kind": "gated", "width": 8, "hidden": 8},
    "tokens": {"kind": "tokens", "width": 8, "heads": 2, "layers": 1, "pool": "mean_std"},
    "concat": {"kind": "concat", "width": 8, "pool": "attention", "branches": _both(_SAME)},
    "conv_bilstm": {"kind": "concat", "branches": _both(_CONV), "interaction": _CROSS},
    "layer_norm": {
        "kind": "concat",
        "pool": "last",
        "branches": _both([{"kind": "conv", "width": 8, "norm": "layer", "pool": 3}]),
    },
    "vga": {
        "kind": "eaaf",
        "form": "released",
        "branches": _both([*_SAME, {"kind": "self_attention", "heads": 2, "norm": "post"}]),
        "interaction": _CROSS | {"guide": "vad", "layers": 2, "ffn_mult": 4},
    },
    "eaaf": {"kind": "eaaf", "branches": _both(_SAME)},
    "eaaf_constrained": {
        "kind": "eaaf_constrained",
        "branches": _both([*_SAME, {"kind": "self_attention", "heads": 2, "norm": "pre"}]),
    },
    **{
        f"mer_han_{form}": {
            "kind": "global_attention",
            "form": form,
            "branches": _both(_LOCAL),
            "interaction": _CROSS,
        }
        for form in ("add_pooled", "add_time", "concat_time", "repo_concat")
    },
    "mer_han_mean": {"kind": "global_attention", "attention": False, "branches": _both(_LOCAL)},
}


def recipe_of(model: dict[str, Any], **keys: Any) -> Recipe:
    """A recipe of MFCC frames and hashed words."""
    features = FRAMES | {"text": {"kind": "hashing", "n_features": 8}}
    return Recipe.model_validate({"name": "test", "features": features, "model": model, **keys})


def model_of(name: str, seed: int = 0, **changes: Any) -> EmotionModel:
    """An architecture of the table over two sequences, untrained, in evaluation mode."""
    torch.manual_seed(seed)
    recipe = recipe_of(MODELS[name] | changes)
    model = EmotionModel.of(recipe, CLASSES)
    model.assemble(
        recipe.model,
        {key: Shape(width, sequence=True) for key, width in WIDTHS.items()},
        recipe.auxiliaries(),
    )
    return model.eval()


def rows_of(count: int, seed: int = 0, longest: int = 11) -> list[Batch]:
    """Rows of different lengths, each a batch of its own."""
    generator = torch.Generator().manual_seed(seed)
    rows = []
    for number in range(count):
        row = {"labels": torch.tensor([number % len(CLASSES)])}
        for missing, (name, width) in enumerate(WIDTHS.items()):
            length = 1 + (5 * number + 3 * missing) % longest
            row |= {
                f"{name}_states": torch.randn(1, length, width, generator=generator),
                f"{name}_lengths": torch.tensor([length]),
                f"has_{name}": torch.tensor([number % 5 != 3 + missing]),
            }
        rows.append(row)
    return rows


def batched(rows: Sequence[Batch], more: int = 0) -> Batch:
    """Rows as one batch, `more` positions longer than needed; the padding is not 0, and must not count."""
    batch: Batch = {}
    for key in rows[0]:
        values = [row[key] for row in rows]
        if key.endswith("_states"):
            longest = max(value.shape[1] for value in values) + more
            padded = torch.full((len(values), longest, values[0].shape[2]), 7.0)
            for place, value in zip(padded, values, strict=True):
                place[: value.shape[1]] = value[0]
            batch[key] = padded
        else:
            batch[key] = torch.cat(values)
    return batch
