"""Any audio file in one form: 16 kHz, mono, PCM16, a WAV with a 44-byte header.

    bytes -> decode -> health checks -> one down-mix rule -> soxr HQ -> PCM16

The decoder is chosen by content, never by extension: soundfile for what libsndfile reads, PyAV for what
it does not (m4a, mp4), and the ffmpeg program for what both refuse. Faults that the libraries do not report
(missing data, NaN, no samples, digital silence) are checked here and named.
"""

from __future__ import annotations

import hashlib
import struct
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from merdata.audio.decoders import Decoded, decode
from merdata.audio.spans import decode_span
from merdata.errors import AudioError
from merdata.utterance import SAMPLE_RATE, Span

__all__ = [
    "AUDIO_VERSION",
    "AudioError",
    "Clip",
    "normalise",
    "normalise_span",
    "read_wav",
    "silence",
    "wav_bytes",
]

AUDIO_VERSION = 2  # raise it whenever the same source would give different bytes
SILENCE_SECONDS = 0.5
MAX_CHANNELS = 8
RATES = range(1_000, 768_001)
# Below -72 dBFS only the lowest 8 steps of 16 bits are used: that is not speech.
SILENCE_PEAK = 10 ** (-72 / 20)
HALF_POWER = 0.7071067811865476
# One down-mix rule: to stereo by ITU-R BS.775-3 (table 2), then the mean of left and right, without the LFE.
DOWN_MIX = {"L": 0.5, "R": 0.5, "C": HALF_POWER, "LFE": 0.0, "S": HALF_POWER / 2}
LAYOUTS = {  # channel order of WAV, FLAC and ffmpeg for each number of channels
    2: ("L", "R"),
    3: ("L", "R", "C"),
    4: ("L", "R", "S", "S"),
    5: ("L", "R", "C", "S", "S"),
    6: ("L", "R", "C", "LFE", "S", "S"),
    7: ("L", "R", "C", "LFE", "S", "S", "S"),
    8: ("L", "R", "C", "LFE", "S", "S", "S", "S"),
}
_FULL_SCALE = np.float32(32_767 / 32_768)
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")

Samples = npt.NDArray[np.int16]
FloatSamples = npt.NDArray[np.float32]


class Clip(NamedTuple):
    """A normalised clip and where it came from.

    Attributes:
        samples: int16 `[n]`, 16 kHz mono.
        decoder: which library read it (`silence` where the clip stands for one that could not be read).
        rate, channels: of the source, in Hz; 0 for silence.
        notes: what was done to the audio, for the row's notes.
    """

    samples: Samples
    decoder: str
    rate: int
    channels: int
    notes: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        return len(self.samples) / SAMPLE_RATE

    @property
    def sha256(self) -> str:
        """Hash of the samples: the same for the same sound, whatever the file format."""
        return hashlib.sha256(self.samples.tobytes()).hexdigest()


def normalise(data: bytes, path: str | None = None) -> Clip:
    """Decode, check, mix down, resample.

    Args:
        data: the whole source file.
        path: the same file on disk, for the one decoder that needs to seek in it (ffmpeg).

    Raises:
        AudioError: the file has no usable audio; it carries a reason code and a sentence.
    """
    return _normalised(decode(data, path))


def normalise_span(file: Path | bytes, span: Span) -> Clip:
    """As `normalise`, of a part of a recording: cut at the source's rate, before anything else is done.

    Args:
        file: the recording, or its bytes where it is remote.
        span: the part, in seconds.

    Raises:
        AudioError: as `normalise`, or the recording does not have this span.
    """
    return _normalised(decode_span(file, span))


def _normalised(decoded: Decoded) -> Clip:
    _check(decoded)
    mono = _down_mix(decoded.samples)
    if _peak(mono) < SILENCE_PEAK:
        raise AudioError("silent", _why_silent(decoded.samples))
    fitted, notes = _fit(_resample(mono, decoded.rate))
    return Clip(
        to_pcm16(fitted), decoded.decoder, decoded.rate, decoded.samples.shape[1], (*decoded.notes, *notes)
    )


def silence() -> Clip:
    """Half a second of digital silence, in place of missing or unusable audio."""
    return Clip(np.zeros(int(SILENCE_SECONDS * SAMPLE_RATE), np.int16), "silence", 0, 0)


def to_pcm16(samples: FloatSamples) -> Samples:
    """Round to 16 bits; 16-bit input comes back unchanged, and nothing wraps around."""
    return np.clip(np.rint(samples * 32_768), -32_768, 32_767).astype(np.int16)


def wav_bytes(samples: Samples) -> bytes:
    """A canonical WAV: 44-byte header, PCM16, 16 kHz, mono."""
    data = samples.astype("<i2", copy=False).tobytes()
    fmt = (16, 1, 1, SAMPLE_RATE, 2 * SAMPLE_RATE, 2, 16)
    return _HEADER.pack(b"RIFF", 36 + len(data), b"WAVE", b"fmt ", *fmt, b"data", len(data)) + data


def read_wav(data: bytes) -> FloatSamples:
    """Samples of a canonical WAV as float32 in [-1, 1)."""
    return np.frombuffer(data, "<i2", offset=_HEADER.size).astype(np.float32) / np.float32(32_768)


def _check(decoded: Decoded) -> None:
    samples, channels = decoded.samples, decoded.samples.shape[1]
    if len(samples) == 0:
        raise AudioError("empty", "the file has no samples")
    if decoded.rate not in RATES:
        raise AudioError("bad-header", f"implausible sample rate of {decoded.rate} Hz")
    if not 1 <= channels <= MAX_CHANNELS:
        raise AudioError("bad-header", f"{channels} channels: 1 to {MAX_CHANNELS} are supported")
    if not np.isfinite(samples).all():
        raise AudioError("not-finite", "some samples are NaN or infinite")


def _down_mix(samples: FloatSamples) -> FloatSamples:
    """`[n, channels]` to `[n]` by DOWN_MIX; one channel after another, for the same bytes everywhere."""
    if samples.shape[1] == 1:
        return samples[:, 0]
    mixed = np.zeros(len(samples), np.float32)
    for channel, name in enumerate(LAYOUTS[samples.shape[1]]):
        mixed += np.float32(DOWN_MIX[name]) * samples[:, channel]
    return mixed


def _peak(mono: FloatSamples) -> float:
    """Half the range of the signal, so that a constant offset is not a sound."""
    return float(mono.max() - mono.min()) / 2


def _why_silent(samples: FloatSamples) -> str:
    loud = max(_peak(samples[:, channel]) for channel in range(samples.shape[1])) >= SILENCE_PEAK
    if loud:
        return "the channels have opposite phase and cancel each other when mixed to mono"
    return "no signal: digital silence, or a constant"


def _resample(mono: FloatSamples, rate: int) -> FloatSamples:
    if rate == SAMPLE_RATE:
        return mono
    import soxr

    resampled: FloatSamples = soxr.resample(mono, rate, SAMPLE_RATE, quality="HQ")
    if len(resampled) == 0:
        raise AudioError("empty", f"{len(mono)} samples at {rate} Hz give none at 16 kHz")
    return resampled


def _fit(samples: FloatSamples) -> tuple[FloatSamples, tuple[str, ...]]:
    """Scale down what would clip: resampling overshoots full-scale input, and float files may exceed it."""
    peak = float(np.abs(samples).max())
    if peak <= 1.0 and float(samples.max()) <= _FULL_SCALE:
        return samples, ()
    gain = float(_FULL_SCALE) / peak
    note = f"audio: scaled by {20 * np.log10(gain):.2f} dB so that nothing clips"
    return samples * np.float32(gain), (note,)
