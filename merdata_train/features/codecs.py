"""Recordings through a lossy codec and back, aligned with what went in.

Opus, MP3 and AAC by PyAV, in containers that state the encoder's delay, so that decoding cuts it off. PyAV's
FFmpeg has no GSM encoder; libsndfile has (GSM 06.10 full rate, 13 kbit/s).
"""

from __future__ import annotations

import io
from typing import cast

import av
import numpy as np
import numpy.typing as npt
import soundfile
from scipy import signal

RATE = 16_000
GSM_RATE = 8_000
CONTAINERS = {"opus": ("ogg", "libopus"), "mp3": ("mp3", "libmp3lame"), "aac": ("matroska", "aac")}

Floats = npt.NDArray[np.float32]


def through_codec(samples: Floats, codec: str, kbit: float) -> Floats:
    """A recording coded by opus, mp3 or aac at `kbit` kbit/s, and back: float32 `[n]`, 16 kHz.

    The rate is what the encoder aims at; a short clip takes more.
    """
    coded = _encoded(samples, *CONTAINERS[codec], round(kbit * 1_000))
    resampler = av.AudioResampler(format="fltp", layout="mono", rate=RATE)
    with av.open(coded, "r") as container:
        frames = [part for frame in container.decode(audio=0) for part in resampler.resample(frame)]
        frames += resampler.resample(None)
    decoded = [frame.to_ndarray()[0] for frame in frames]
    return _as_long(np.concatenate(decoded) if decoded else np.zeros(0, np.float32), len(samples))


def _encoded(samples: Floats, container: str, codec: str, bits: int) -> io.BytesIO:
    whole = np.rint(samples * 32_767).clip(-32_768, 32_767).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(whole[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts = RATE, 0
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = cast(av.AudioStream, out.add_stream(codec, rate=RATE, layout="mono"))
        stream.bit_rate = bits
        out.mux(stream.encode(frame))
        out.mux(stream.encode(None))
    file.seek(0)
    return file


def through_gsm(samples: Floats, times: int) -> Floats:
    """A recording coded by GSM 06.10 and back, so many times one after another: float32 `[n]`, 16 kHz."""
    narrow = signal.resample_poly(samples, 1, RATE // GSM_RATE).clip(-1, 1)
    for _ in range(times):
        file = io.BytesIO()
        soundfile.write(file, narrow, GSM_RATE, format="WAV", subtype="GSM610")
        file.seek(0)
        narrow = _as_long(soundfile.read(file, dtype="float32")[0], len(narrow))
    return _as_long(signal.resample_poly(narrow, RATE // GSM_RATE, 1), len(samples))


def _as_long(samples: npt.NDArray[np.floating], length: int) -> Floats:
    """Cut, or filled with silence."""
    return np.pad(samples[:length], (0, max(0, length - len(samples)))).astype(np.float32)
