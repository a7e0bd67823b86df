"""The vector of a clip, whatever its kind: the one code path of training, evaluation and prediction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

from merdata_train.features import egemaps, mfcc
from merdata_train.recipe.features import AudioFeatures, Mfcc

Floats = npt.NDArray[np.float32]


def width(config: AudioFeatures) -> int:
    """Values of the vector."""
    return mfcc.width(config) if isinstance(config, Mfcc) else egemaps.WIDTH


def vector(samples: Floats, config: AudioFeatures) -> Floats:
    """The vector of a clip (float32 `[n]`, 16 kHz, in [-1, 1)): `[width]`.

    Raises:
        RecipeError: a package that the kind needs is not installed.
    """
    return mfcc.mean_std(samples, config) if isinstance(config, Mfcc) else egemaps.functionals(samples)


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
