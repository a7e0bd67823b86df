"""Spans of long recordings: exact samples at the source's rate.

Where libsndfile can find a sample (WAV, FLAC, MP3, Ogg, ...), the file is read from the span's first to its
last; the rest is not decoded. Any other file (MP4, WebM, ...) is decoded once, as a whole, for all spans that
follow each other.
"""

from __future__ import annotations

import io
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from merdata.audio.decoders import MOST_BYTES, Decoded, decode, refuse_too_long
from merdata.errors import AudioError
from merdata.utterance import Span

ROUNDING = 0.01  # seconds that a table's end may lie beyond the recording's: it was rounded to hundredths


def decode_span(file: Path | bytes, span: Span) -> Decoded:
    """The samples of a span.

    Raises:
        AudioError: the recording cannot be read, or it does not have this span.
    """
    with suppress(_CannotSeek):
        return _read(file, span)
    whole = _decode_whole(file, 0 if isinstance(file, bytes) else file.stat().st_mtime_ns)
    first, last, notes = _frames(span, whole.rate, len(whole.samples))
    return Decoded(whole.samples[first:last], whole.rate, whole.decoder, (*whole.notes, *notes))


class _CannotSeek(Exception):  # noqa: N818  not an error of the user's
    """libsndfile does not read this file, or finds no place in it."""


def _read(file: Path | bytes, span: Span) -> Decoded:
    import soundfile

    try:
        opened = soundfile.SoundFile(io.BytesIO(file) if isinstance(file, bytes) else str(file))
    except soundfile.LibsndfileError as error:
        raise _CannotSeek from error
    with opened:
        if not opened.seekable():
            raise _CannotSeek
        first, last, notes = _frames(span, opened.samplerate, opened.frames)
        refuse_too_long(last - first, opened.channels)
        samples = _samples(opened, first, last)
    if len(samples) < last - first:
        raise AudioError(
            "truncated", f"{len(samples):,} of the {last - first:,} samples of its span are there"
        )
    return Decoded(samples, opened.samplerate, f"soundfile/{opened.format}", notes)


def _samples(file: Any, first: int, last: int) -> Any:
    import soundfile

    try:
        file.seek(first)
        return file.read(last - first, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise AudioError("truncated", "the recording is damaged or ends before its span does") from error


@lru_cache(maxsize=1)
def _decode_whole(file: Path | bytes, _modified_ns: int) -> Decoded:
    if isinstance(file, bytes):
        return decode(file)
    if (size := file.stat().st_size) > MOST_BYTES:
        raise AudioError("too-long", f"{size:,} bytes cannot be read in parts: save the recording as FLAC")
    return decode(file.read_bytes(), str(file))


def _frames(span: Span, rate: int, frames: int) -> tuple[int, int, tuple[str, ...]]:
    """First sample, the one after the last, and notes.

    Raises:
        AudioError: the recording has no such span.
    """
    length = frames / rate
    end = length if span.end is None else span.end
    if not 0 <= span.start < end:
        raise AudioError("span", f"its span begins at {span.start:.3f} s and ends at {end:.3f} s")
    if end > length + ROUNDING:
        raise AudioError("span", f"its span ends at {end:.3f} s, and the recording at {length:.3f} s")
    first, last = round(span.start * rate), min(round(end * rate), frames)
    beyond = f"audio: its span ends {end - length:.3f} s after the recording, where it was cut"
    return first, last, (beyond,) if round(end * rate) > frames else ()
