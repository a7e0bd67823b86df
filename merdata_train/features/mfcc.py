"""MFCC with torchaudio: frames, and their mean and standard deviation over time.

One clip at a time: torchaudio applies top_db over a whole batch, and a clip must not depend on its batch.
Equal to librosa's within 2e-3 on speech (Slaney mel scale and norm, zero padding).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch

from merdata_train.features.torchaudio import import_torchaudio

if TYPE_CHECKING:
    from merdata_train.recipe import Mfcc

SAMPLE_RATE = 16_000
Floats = npt.NDArray[np.float32]


def width(config: Mfcc) -> int:
    """Values of the mean+std vector."""
    return 2 * config.n_mfcc


def frames(samples: Floats, config: Mfcc) -> Floats:
    """MFCC of a clip (float32 `[n]`, 16 kHz) as `[frames, n_mfcc]`."""
    if len(samples) <= config.n_fft:  # torch pads by reflection or zeros, but refuses less than one window
        samples = np.pad(samples, (0, config.n_fft + 1 - len(samples)))
    with torch.inference_mode():
        coefficients = _transform(config)(torch.from_numpy(samples.copy()))
    return np.ascontiguousarray(coefficients.numpy().T)


def mean_std(samples: Floats, config: Mfcc) -> Floats:
    """Mean and standard deviation (ddof 0) over time: `[2 * n_mfcc]`."""
    clip = frames(samples, config)
    return np.concatenate([clip.mean(axis=0), clip.std(axis=0)])


@cache
def _transform(config: Mfcc) -> torch.nn.Module:
    transforms = import_torchaudio().transforms
    mfcc: torch.nn.Module = transforms.MFCC(
        sample_rate=SAMPLE_RATE,
        n_mfcc=config.n_mfcc,
        melkwargs={
            "n_fft": config.n_fft,
            "win_length": round(config.win_ms * SAMPLE_RATE / 1000),
            "hop_length": round(config.hop_ms * SAMPLE_RATE / 1000),
            "n_mels": config.n_mels,
            "mel_scale": "slaney",
            "norm": "slaney",
            "pad_mode": "constant",
        },
    )
    return mfcc
