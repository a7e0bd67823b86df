"""A robust fingerprint of a recording: the signs of energy differences between bands and frames.

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002, section 4.

Level, resampling and lossy coding leave most signs as they are; another recording of the same words by the
same speaker has nearly half of them otherwise. No kept library fits: Chromaprint needs a native one and is
made for music, its frames too coarse for a second of speech.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

VERSION = 1  # raise it whenever the same audio would give other bits
RATE = 4_000  # Hz; the bands end at 2 kHz, as theirs do
FRAME = 1_480  # samples: 0.37 s
HOP = 46  # samples: 11.5 ms
FFT = 2_048
BANDS = 33  # logarithmic, 300 to 2,000 Hz; one more than the bits of a frame
QUIET = 1e-4  # of the clip's loudest frame; what is quieter than -40 dB is noise, not speech

Bits = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]
_EDGES = np.round(np.geomspace(300, 2_000, BANDS + 1) * FFT / RATE).astype(int)
_WINDOW = np.hanning(FRAME).astype(np.float32)
_PLACES = (1 << np.arange(BANDS - 1, dtype=np.uint64)).astype(np.uint32)


def fingerprint(samples: Floats, rate: int) -> tuple[Bits, npt.NDArray[np.bool_]]:
    """Sub-fingerprints of a clip, and which of them are of sound rather than of a pause.

    Args:
        samples: float32 `[n]`, mono.
        rate: in Hz.

    Returns:
        uint32 `[frames]` of 32 bits each, and bool `[frames]`; both empty for less than 0.38 s.
    """
    low = soxr.resample(samples, rate, RATE, quality="LQ").astype(np.float32)
    if len(low) < FRAME + HOP:
        return np.empty(0, np.uint32), np.empty(0, bool)
    frames = np.lib.stride_tricks.sliding_window_view(low, FRAME)[::HOP]
    power = np.abs(np.fft.rfft(frames * _WINDOW, FFT)) ** 2
    bands = np.add.reduceat(power[:, : _EDGES[-1]], _EDGES[:-1], axis=1)
    slope = np.diff(bands, axis=1)
    bits = np.diff(slope, axis=0) < 0  # theirs: E(n,m) - E(n,m+1) - (E(n-1,m) - E(n-1,m+1)) > 0
    energy = bands.sum(axis=1)[1:]
    packed: Bits = (bits * _PLACES).sum(axis=1, dtype=np.uint32)
    return packed, energy > QUIET * energy.max(initial=0)


def bit_error(one: Bits, other: Bits) -> float:
    """Share of different bits of two equally long runs of sub-fingerprints; 0.5 for unrelated ones."""
    return float(np.bitwise_count(one ^ other).mean()) / (BANDS - 1) if len(one) else 0.5
