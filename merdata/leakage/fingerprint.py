"""A robust fingerprint of a recording: the signs of energy differences between bands and frames.

After Haitsma and Kalker, "A Highly Robust Audio Fingerprinting System", ISMIR 2002, section 4.

Level, resampling and lossy coding leave most signs as they are; in another recording of the same words by the
same speaker, nearly half of them differ. No maintained library fits: Chromaprint needs a native one and is
made for music, with frames too coarse for a second of speech.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import soxr

VERSION = 2  # raise it whenever the same audio would give other bits
RATE = 4_000  # Hz; the bands end at 2 kHz, as theirs do
FRAME = 1_480  # samples: 0.37 s
HOP = 46  # samples: 11.5 ms
FFT = 768  # a frame is folded to it: that gives every second value of a spectrum of twice as many
AT_ONCE = 64  # frames: their spectra stay in the processor's cache, and the allocator gives no page back
BANDS = 33  # logarithmic, 300 to 2,000 Hz; one more than the bits of a frame
QUIET = 1e-4  # of the clip's loudest frame; what is quieter than -40 dB is noise, not speech

Bits = npt.NDArray[np.uint32]
Floats = npt.NDArray[np.float32]
_EDGES = np.round(np.geomspace(300, 2_000, BANDS + 1) * FFT / RATE).astype(int)
_WINDOW = np.hanning(FRAME).astype(np.float32)


def fingerprint(samples: Floats, rate: int) -> tuple[Bits, npt.NDArray[np.bool_]]:
    """Sub-fingerprints of a clip, and which of them are of sound rather than of a pause.

    Args:
        samples: float32 `[n]`, mono.
        rate: in Hz.

    Returns:
        uint32 `[frames]` of 32 bits each, and bool `[frames]`; both empty for less than 0.38 s.
    """
    low = soxr.resample(samples, rate, RATE, quality="LQ").astype(np.float32, copy=False)
    if len(low) < FRAME + HOP:
        return np.empty(0, np.uint32), np.empty(0, bool)
    bands = _bands(low)
    slope = np.diff(bands, axis=1)
    bits = slope[1:] < slope[:-1]  # theirs: E(n,m) - E(n,m+1) - (E(n-1,m) - E(n-1,m+1)) > 0
    packed: Bits = np.packbits(bits, axis=1, bitorder="little").view("<u4")[:, 0]
    energy = bands.sum(axis=1)[1:]
    return packed.astype(np.uint32, copy=False), energy > QUIET * energy.max(initial=0)


def _bands(samples: Floats) -> Floats:
    """Energy of each band in each frame, `[frames, BANDS]`, a few frames at a time."""
    from scipy.fft import rfft  # several transforms at once by SIMD, in float32

    frames = np.lib.stride_tricks.sliding_window_view(samples, FRAME)[::HOP]
    bands = np.empty((len(frames), BANDS), np.float32)
    folded, rest = np.empty((AT_ONCE, FFT), np.float32), np.empty((AT_ONCE, FRAME - FFT), np.float32)
    for start in range(0, len(frames), AT_ONCE):
        some = frames[start : start + AT_ONCE]
        size = len(some)
        np.multiply(some[:, :FFT], _WINDOW[:FFT], out=folded[:size])
        folded[:size, : FRAME - FFT] += np.multiply(some[:, FFT:], _WINDOW[FFT:], out=rest[:size])
        spectrum: npt.NDArray[np.complex64] = rfft(folded[:size])
        power = spectrum.view(np.float32)[:, 2 * _EDGES[0] : 2 * _EDGES[-1]]  # re, im, re, im, ...
        np.square(power, out=power)
        np.add.reduceat(power, 2 * (_EDGES[:-1] - _EDGES[0]), axis=1, out=bands[start : start + size])
    return bands


def bit_error(bits: Bits, others: Bits) -> float:
    """Share of different bits of two equally long runs of sub-fingerprints; 0.5 for unrelated ones."""
    return float(np.bitwise_count(bits ^ others).mean()) / (BANDS - 1) if len(bits) else 0.5
