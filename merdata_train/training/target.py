"""Rows of the target, whose labels are not looked at, behind the train rows."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import torch

from merdata_train.data.examples import UNKNOWN, Examples


def with_target(train: Examples) -> Examples:
    """The train rows, and behind them the unlabelled ones: `is_target` bool `[n]`, labels -100, weights 0."""
    target = train.unlabelled
    if target is None:
        return train
    blank = {
        "labels": torch.full((len(target),), UNKNOWN),
        "weights": torch.zeros(len(target)),
        "is_target": torch.ones(len(target), dtype=torch.bool),
    }
    own = train.tensors | {"is_target": torch.zeros(len(train), dtype=torch.bool)}
    other = target.tensors | blank
    return replace(
        train,
        rows=pd.concat([train.rows, target.rows], ignore_index=True),
        tensors={name: torch.cat([tensor, other[name]]) for name, tensor in own.items()},
        sequences={name: rows.joined(target.sequences[name]) for name, rows in train.sequences.items()},
    )
