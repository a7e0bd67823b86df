"""The signal side of the synthetic voice: a buzz with all its harmonics, and a mouth as filter."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Track = npt.NDArray[np.float64]

RATE = 16_000  # everything is made at this rate
HOP, WINDOW = 128, 512  # samples from frame to frame, and in one
HIGHEST_HARMONIC = 7_600.0  # Hz
BANDWIDTHS = np.array([90.0, 130.0, 220.0])  # of the three formants, in Hz
STRENGTHS = np.array([1.0, 0.7, 0.4])


def buzz(pitch: Track) -> Track:
    """All harmonics up to HIGHEST_HARMONIC, equally strong: sum of cos(k phase), in closed form."""
    harmonics = max(1, int(HIGHEST_HARMONIC / pitch.max()))
    half = np.pi * np.cumsum(pitch) / RATE
    below = np.sin(half)
    on_pulse = np.abs(below) < 1e-6
    pulses = np.sin((2 * harmonics + 1) * half) / np.where(on_pulse, 1.0, below)
    summed: Track = np.where(on_pulse, 2.0 * harmonics + 1, pulses) - 1
    return summed / float(np.sqrt(2 * harmonics))


def through_the_mouth(source: Track, formants: Track, tilt: float) -> Track:
    """Filter frame by frame: resonances at the formants, and a slope of the whole spectrum."""
    hertz = np.fft.rfftfreq(WINDOW, 1 / RATE)
    slope = np.maximum(hertz / 500, 0.2) ** ((tilt - 5.0) / 6.02)
    response = np.zeros((len(formants), len(hertz)))
    for formant, bandwidth, strength in zip(formants.T, BANDWIDTHS, STRENGTHS, strict=True):
        response += strength / (1 + ((hertz - formant[:, None]) / bandwidth) ** 2)
    window = np.hanning(WINDOW + 1)[:-1]
    padded = np.pad(source, WINDOW // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[: len(source) : HOP]
    shaped = np.fft.irfft(np.fft.rfft(frames * window) * response * slope, WINDOW)
    return _overlapped(shaped)[WINDOW // 2 :][: len(source)]


def _overlapped(frames: Track) -> Track:
    """Sum of frames, each HOP samples after the one before."""
    steps = WINDOW // HOP
    summed: Track = np.zeros((len(frames) + steps - 1, HOP))
    for step in range(steps):
        summed[step : step + len(frames)] += frames[:, step * HOP : (step + 1) * HOP]
    return summed.ravel()


def by_sample(track: Track) -> Track:
    """From one value a frame to one a sample, along straight lines."""
    at = np.arange(len(track) * HOP) / HOP
    samples: Track = np.interp(at, np.arange(len(track)), track)
    return samples


def smooth(track: Track, frames: int) -> Track:
    """The mean of so many frames around each."""
    padded = np.pad(track, frames // 2, mode="edge")
    smoothed: Track = np.convolve(padded, np.full(frames, 1 / frames), mode="valid")
    return smoothed
