"""The features of a clip, whatever their kind: the one code path of training, evaluation and prediction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

from merdata_train.errors import InputError
from merdata_train.features import egemaps, mfcc
from merdata_train.parts.stream import Shape
from merdata_train.recipe.features import AudioFeatures, Egemaps, Stored

Floats = npt.NDArray[np.float32]


def shape(config: AudioFeatures) -> Shape:
    """The shape of what `features_of` gives."""
    if isinstance(config, Stored):
        return Shape(config.width * (2 if config.pool == "mean_std" else 1), sequence=config.pool == "none")
    if isinstance(config, Egemaps):
        return Shape(egemaps.WIDTH, sequence=False)
    frames = config.pool == "none"
    return Shape(config.n_mfcc if frames else mfcc.width(config), sequence=frames)


def features_of(samples: Floats, config: AudioFeatures) -> Floats:
    """The features of a clip (float32 `[n]`, 16 kHz, in [-1, 1)): `[width]`, or `[frames, width]`.

    Raises:
        InputError: they are stored features, which another program makes.
        RecipeError: a package that the kind needs is not installed.
    """
    if isinstance(config, Stored):
        raise InputError(
            f"the features {config.name!r} are made by another program and read from a store: give a text "
            "alone, or use a model that hears recordings"
        )
    if isinstance(config, Egemaps):
        return egemaps.functionals(samples)
    return mfcc.frames(samples, config) if config.pool == "none" else mfcc.mean_std(samples, config)


@contextmanager
def one_thread() -> Iterator[None]:
    """One thread of torch inside: the digits of a sum depend on how many share it.

    The process gets its threads back: a cold cache must train the same model as a warm one.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
