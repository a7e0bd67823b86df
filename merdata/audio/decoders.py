"""Bytes to samples: soundfile, then PyAV, then the ffmpeg program, in the order the content suggests."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

FFMPEG_SECONDS = 20
MOST_FRAMES = 1 << 25  # 35 minutes at 16 kHz, 11 at 48 kHz: longer files are not utterances
MOST_SAMPLES = 1 << 27  # over all channels: 512 MB in memory
MOST_WAV = 5 * MOST_SAMPLES  # bytes that ffmpeg may write: more than _refuse_too_long allows
STREAMED_SIZE = 0xFFFFFFFF  # what programs that write WAV to a pipe leave in the header


class AudioError(Exception):
    """A source without usable audio: it costs one row, never a build.

    Attributes:
        reason: a short code for the ledger (`truncated`, `silent`, `undecodable`, ...).
    """

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True)
class Decoded:
    """Samples as the file has them: float32 `[n, channels]` at `rate` Hz."""

    samples: npt.NDArray[np.float32]
    rate: int
    decoder: str


def decode(data: bytes, path: str | None = None) -> Decoded:
    """Decode a file by its content.

    Raises:
        AudioError: it is not audio, is cut short, or no decoder can read it.
    """
    _refuse_non_audio(data)
    if data[:4] in (b"RIFF", b"RIFX"):
        _refuse_cut_wav(data)
    complaints = []
    for decoder in _decoders(data):
        try:
            return decoder(data, path)
        except AudioError:
            raise
        except Exception as error:
            complaints.append(f"{decoder.__name__.strip('_')}: {_why(error)}")
    raise AudioError("undecodable", "no decoder reads it (" + "; ".join(complaints) + ")")


def _why(error: Exception) -> str:
    """A library's message, without what differs between runs (object addresses, folders)."""
    message = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return message.strip().rstrip(".") or type(error).__name__


def sniff(data: bytes) -> str:
    """The container by its first bytes: `libsndfile` (which reads it), `container` (other), or `unknown`."""
    head = data[:12]
    riff_like = head[:4] in (b"RIFF", b"RIFX", b"RF64") and head[8:12] == b"WAVE"
    aiff = head[:4] == b"FORM" and head[8:12] in (b"AIFF", b"AIFC")
    mp3 = head[:3] == b"ID3" or (len(head) > 1 and head[0] == 0xFF and head[1] & 0xE0 == 0xE0)
    if riff_like or aiff or mp3 or head[:4] in (b"fLaC", b"OggS", b".snd", b"caff"):
        return "libsndfile"
    if head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3":
        return "container"
    return "unknown"


def _decoders(data: bytes) -> list[Callable[[bytes, str | None], Decoded]]:
    if sniff(data) == "container":
        return [_pyav, _soundfile, _ffmpeg]
    return [_soundfile, _pyav, _ffmpeg]


def _refuse_non_audio(data: bytes) -> None:
    if not data:
        raise AudioError("empty", "the file has no bytes")
    head = data[:512].lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        raise AudioError("lfs-pointer", "a git-lfs pointer, not the audio: run `git lfs pull`")
    if head.startswith((b"<!doctype", b"<html", b"<?xml")):
        raise AudioError("not-audio", "a web page, not audio: download the file again")


def _refuse_cut_wav(data: bytes) -> None:
    """Refuse a WAV whose data ends early, which libsndfile reads without complaint."""
    order = "little" if data[:4] == b"RIFF" else "big"
    start = 12
    while start + 8 <= len(data):
        name = data[start : start + 4]
        size = int.from_bytes(data[start + 4 : start + 8], order)  # type: ignore[arg-type]
        if name == b"data":
            present = len(data) - start - 8
            if size != STREAMED_SIZE and present < size:
                raise AudioError(
                    "truncated", f"{present} of the {size} bytes of audio that the header declares"
                )
            return
        start += 8 + size + size % 2
    raise AudioError("truncated", "a WAV header without audio data")


def _refuse_too_long(frames: int, channels: int) -> None:
    if frames > MOST_FRAMES or frames * channels > MOST_SAMPLES:
        length = f"{frames:,} samples of {channels} channels or more"
        raise AudioError("too-long", f"{length}: not an utterance, which has {MOST_FRAMES:,} at most")


class _Bytes(io.BytesIO):
    """A file in memory. In broken files libsndfile seeks before the start, and cffi prints a traceback."""

    def seek(self, offset: int, whence: int = 0) -> int:
        try:
            return super().seek(offset, whence)
        except ValueError:
            return self.tell()


def _soundfile(data: bytes, path: str | None) -> Decoded:
    import soundfile

    with soundfile.SoundFile(_Bytes(data)) as file:
        _refuse_too_long(file.frames, file.channels)
        samples = file.read(dtype="float32", always_2d=True)
        return Decoded(samples, file.samplerate, f"soundfile/{file.format}")


def _pyav(data: bytes, path: str | None) -> Decoded:
    try:
        return _pyav_with(data, {"probesize": "32", "analyzeduration": "0"})
    except Exception:
        return _pyav_with(data, {})


def _pyav_with(data: bytes, options: dict[str, str]) -> Decoded:
    import av

    with av.open(io.BytesIO(data), mode="r", options=options) as container:
        if not container.streams.audio:
            raise AudioError("no-audio", "the file has no audio stream")
        stream = container.streams.audio[0]
        frames, length = [], 0
        for frame in container.decode(stream):
            frames.append(_frame(frame))
            length += len(frames[-1])
            _refuse_too_long(length, frames[-1].shape[1])
        if not frames:
            raise AudioError("empty", "the audio stream has no samples")
        rate = stream.codec_context.sample_rate
        return Decoded(np.concatenate(frames), rate, f"pyav/{stream.codec_context.name}")


def _frame(frame: Any) -> npt.NDArray[np.float32]:
    """One frame as float32 `[n, channels]`, integers scaled to [-1, 1)."""
    array = frame.to_ndarray()
    if not frame.format.is_planar:
        array = array.reshape(-1, frame.layout.nb_channels).T
    if np.issubdtype(array.dtype, np.floating):
        with np.errstate(over="ignore"):  # infinite samples are refused later, by name
            return np.asarray(array.T, np.float32)
    middle = 128 if array.dtype == np.uint8 else 0
    full = 128 if array.dtype == np.uint8 else -int(np.iinfo(array.dtype).min)
    return np.asarray((array.T.astype(np.float64) - middle) / full, np.float32)


def seconds_of(file: Path | BinaryIO) -> float | None:
    """The duration that a file's header states; None where no header can be read."""
    import av
    import soundfile

    with suppress(Exception):
        return float(soundfile.info(file).duration)
    with suppress(Exception), av.open(file, mode="r") as container:
        return container.duration / av.time_base if container.duration else None
    return None


def _ffmpeg(data: bytes, path: str | None) -> Decoded:
    """The decoder for the most formats, and the slowest: a process for each file. Rate and channels stay."""
    import ffmpeg
    import soundfile

    if path is None or "://" in path:
        import tempfile

        with tempfile.NamedTemporaryFile(suffix=PurePosixPath(path or "").suffix) as file:
            file.write(data)
            file.flush()
            return _ffmpeg(data, file.name)
    command = (
        ffmpeg.input(path, protocol_whitelist="file,pipe")
        .output("pipe:", format="wav", acodec="pcm_f32le", map="0:a:0", fflags="+bitexact", fs=MOST_WAV)
        .global_args("-nostdin", "-loglevel", "error", "-xerror")
        .compile(cmd=ffmpeg_program())
    )
    wav = _run(command, path)
    with soundfile.SoundFile(io.BytesIO(wav)) as file:
        _refuse_too_long(file.frames, file.channels)
        return Decoded(file.read(dtype="float32", always_2d=True), file.samplerate, "ffmpeg")


def _run(command: list[str], path: str) -> bytes:
    import subprocess

    result = subprocess.run(command, capture_output=True, timeout=FFMPEG_SECONDS, check=False)  # noqa: S603
    if result.returncode:
        lines = result.stderr.decode("utf-8", "replace").strip().splitlines() or ["it failed"]
        raise ValueError(lines[-1].replace(path, "the file"))
    return result.stdout


def ffmpeg_program() -> str:
    """The ffmpeg on PATH, else the static one that imageio-ffmpeg ships."""
    program = shutil.which("ffmpeg")
    if program:
        return program
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())
