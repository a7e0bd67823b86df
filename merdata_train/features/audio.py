"""The vector of a clip, whatever its kind: the one code path of training, evaluation and prediction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from merdata_train.features import mfcc

if TYPE_CHECKING:
    from merdata_train.recipe import Mfcc

Floats = npt.NDArray[np.float32]


def width(config: Mfcc) -> int:
    """Values of the vector."""
    return mfcc.width(config)


def vector(samples: Floats, config: Mfcc) -> Floats:
    """The vector of a clip (float32 `[n]`, 16 kHz, in [-1, 1)): `[width]`."""
    return mfcc.mean_std(samples, config)


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
