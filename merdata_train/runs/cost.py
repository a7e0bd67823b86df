"""What a run with encoders will cost on a GPU, before anything was timed: operations, counted roughly.

Each weight of a network takes two operations per position in the forward pass, and four in the backward pass
(Kaplan et al. 2020, Scaling Laws for Neural Language Models, section 2.1). Attention and fusion are left out:
for clips of seconds they are a few percent.
"""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from merdata_train.data.source import Source
from merdata_train.encoders.registry import entry, parameters
from merdata_train.recipe.features import AudioEncoder, Encoder
from merdata_train.recipe.recipe import Recipe
from merdata_train.runs.suite import Planned
from merdata_train.training.stages import freezes, trained_rows

# A third of what an A100 can do in bf16: reading, padding and waiting take the rest.
OPERATIONS_A_SECOND = 1e14
FRAMES_A_SECOND = 50
FRONT_END = 1.6  # the convolutions of WavLM-base, HuBERT-base and wav2vec2-base cost 0.6 of their Transformer
CHARACTERS_A_TOKEN = 4.0
FORWARD, TRAINING = 1, 3


def gpu_hours(planned: Sequence[Planned]) -> float | None:
    """Hours on one GPU for the runs that are not trained yet, if no stage stops early.

    None if none of them has an encoder, or the size of one is not known.
    """
    left = {run.folder: run.recipe for run in planned if run.state in ("begun", "to do")}
    needed = [operations(recipe) for recipe in left.values()]
    counted = [count for count in needed if count is not None]
    if not counted or len(counted) < len(needed):
        return None
    return sum(counted) / OPERATIONS_A_SECOND / 3_600


def operations(recipe: Recipe) -> float | None:
    """Operations of a whole run; None without encoders, or where the size of one is not known."""
    encoders = recipe.encoders()
    sizes = {name: parameters(encoder) for name, encoder in encoders.items()}
    if not encoders or None in sizes.values():
        return None
    source = Source(recipe)
    train, validation = source.rows("train"), source.rows("validation")
    total = 0.0
    for name, encoder in encoders.items():
        size = sizes[name] or 0.0
        for stage in recipe.stages:
            seen = trained_rows([stage], train)
            if freezes(stage, f"{name}_encoder.network"):  # runs once: its outputs are cached
                total += 2 * size * FORWARD * _positions([seen, validation], encoder, recipe)
            else:
                total += 2 * size * TRAINING * stage.epochs * _positions([seen], encoder, recipe)
                total += 2 * size * FORWARD * stage.epochs * _positions([validation], encoder, recipe)
    return total


def _positions(rows: Sequence[pd.DataFrame], encoder: Encoder, recipe: Recipe) -> float:
    """Frames or tokens of all the rows, which the layers work on."""
    if isinstance(encoder, AudioEncoder):
        window = entry(encoder.model).get("window")
        if window is not None:  # two convolutions in front, of a few per cent
            return float(sum(len(part) for part in rows) * window * FRAMES_A_SECOND)
        seconds = sum(float(part["seconds"].clip(upper=encoder.seconds).sum()) for part in rows)
        return seconds * FRAMES_A_SECOND * FRONT_END
    tokens = 0.0
    for part in rows:
        own = part["text"].fillna("").str.len() / CHARACTERS_A_TOKEN + 2
        turns = 1 + (recipe.context.previous if recipe.context else 0) * part["dialogue"].notna()
        tokens += float((own * turns).sum())
    return tokens
