"""Files of a miniature corpus: where each lies, and how its bytes are made."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np

from merdata.sample.voice import Samples, Speaker, length, say, seeded


class File(NamedTuple):
    """A file to write: its path in the corpus folder, and what makes its bytes when it is due."""

    path: str
    make: Callable[[], bytes]


class Line(NamedTuple):
    """One utterance to be spoken, known by the corpus and a name in it."""

    corpus: str
    name: str
    speaker: str
    gender: str
    emotion: str
    text: str
    strength: float = 1.0

    def spoken(self, seed: int, rate: int) -> Samples:
        """Its samples; they depend on the seed and the utterance, not on which others are made."""
        return say(self._voice(), self.emotion, self.text, rate, self._chance(seed), self.strength)

    def seconds(self, seed: int) -> float:
        """How long it is, without making its samples."""
        return length(self._voice(), self.emotion, self.text, self._chance(seed), self.strength)

    def _voice(self) -> Speaker:
        return Speaker.of(self.corpus, self.speaker, self.gender)

    def _chance(self, seed: int) -> np.random.Generator:
        return seeded(seed, self.corpus, self.name)


def recording(path: str, line: Line, seed: int, rate: int, kind: str = "WAV") -> File:
    """A mono PCM16 file of a spoken line."""
    return File(path, lambda: pcm16(line.spoken(seed, rate), rate, kind))


def pcm16(samples: Samples, rate: int, kind: str = "WAV") -> bytes:
    """Samples `[n]` or `[n, channels]` as a WAV or AIFF file."""
    import soundfile

    file = io.BytesIO()
    soundfile.write(file, samples, rate, format=kind, subtype="PCM_16")
    return file.getvalue()


def mp4(channels: Samples, rate: int, layout: str) -> bytes:
    """Samples `[channels, n]` as AAC in an mp4 file, without dates or version stamps."""
    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        # The default coder searches longer for a better sound than this speech needs.
        options = {"flags": "+bitexact", "aac_coder": "fast", "threads": "1"}
        stream: Any = container.add_stream("aac", rate=rate, layout=layout, options=options)
        stream.bit_rate = 64_000 if layout == "stereo" else 128_000
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), "fltp", layout)
        frame.sample_rate, frame.pts = rate, 0
        container.mux([*stream.encode(frame), *stream.encode(None)])
    return file.getvalue()


def table(rows: Iterable[Sequence[object]], quoting: Any = csv.QUOTE_MINIMAL, end: str = "\n") -> str:
    """A csv text."""
    text = io.StringIO(newline="")
    csv.writer(text, quoting=quoting, lineterminator=end).writerows(rows)
    return text.getvalue()


def text_file(path: str, text: str) -> File:
    """A text file in UTF-8."""
    return File(path, partial(text.encode, "utf-8"))
