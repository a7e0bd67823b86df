"""Bytes to samples: soundfile, then PyAV, then the ffmpeg program, in the order the content suggests."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from merdata.audio.containers import UNKNOWN, Checked, check, flac_samples
from merdata.errors import AudioError
from merdata.io.scratch import scratch

FFMPEG_SECONDS = 20
MOST_BYTES = 1 << 28  # of a file: an utterance is smaller, and more would not fit into a worker's memory
MOST_FRAMES = 1 << 25  # 35 minutes at 16 kHz, 11 at 48 kHz: longer files are not utterances
MOST_SAMPLES = 1 << 27  # over all channels: 512 MB in memory
MOST_WAV = 5 * MOST_SAMPLES  # bytes that ffmpeg may write: more than refuse_too_long allows
EXACT = ("tta", "wv", "ape")  # formats, by ffmpeg's names, whose headers state the number of samples
SURE = ("pyav/tta", "pyav/wavpack", "pyav/ape")  # decoders of these formats
UNSURE = "audio: nothing in this kind of file says how long it is, so it may have been cut short"
WORDS = {
    "EOFError": "it ends early",
    "InvalidDataError": "invalid data",
    "LibsndfileError": "unknown or damaged format",
    "TimeoutExpired": f"it takes over {FFMPEG_SECONDS} s",
}


@dataclass(frozen=True)
class Decoded:
    """Samples as the file has them: float32 `[n, channels]` at `rate` Hz; notes for the row."""

    samples: npt.NDArray[np.float32]
    rate: int
    decoder: str
    notes: tuple[str, ...] = ()


def decode(data: bytes, path: str | None = None) -> Decoded:
    """Decode a file by its content.

    Args:
        data: the whole file.
        path: the same file on disk, for the one decoder that needs to seek in it (ffmpeg).

    Raises:
        AudioError: it is not audio, is cut short, or no decoder can read it.
    """
    file = check(data)
    if file.data is not data:
        path = None
    declared = flac_samples(file.data) if file.container == "FLAC" else 0
    complaints = []
    for decoder in _decoders(file):
        try:
            decoded = decoder(file.data, path)
            _refuse_short(len(decoded.samples), declared)
            unsure = file.container == UNKNOWN and decoded.decoder not in SURE
            return replace(decoded, notes=(*file.notes, UNSURE) if unsure else file.notes)
        except AudioError:
            raise
        except Exception as error:
            complaints.append(f"{decoder.__name__.strip('_')}: {_why(error)}")
    if _fails_at_the_end(file.data):
        raise AudioError("truncated", "no decoder reads its end")
    raise AudioError("undecodable", f"no decoder reads this {file.container} file ({'; '.join(complaints)})")


def _decoders(file: Checked) -> list[Callable[[bytes, str | None], Decoded]]:
    if file.container == "FLAC" and not flac_samples(file.data):  # libsndfile takes 0 for 2^63
        return [_pyav, _ffmpeg]
    return [_soundfile, _pyav, _ffmpeg] if file.libsndfile else [_pyav, _soundfile, _ffmpeg]


def _why(error: Exception) -> str:
    """Why a decoder failed, in our own words: theirs hold addresses, paths and what their version says."""
    return WORDS.get(type(error).__name__, "it fails")


def _fails_at_the_end(data: bytes) -> bool:
    """Whether a file can be decoded up to some place, and no further."""
    import av

    decoded: list[bool] = []
    with suppress(Exception), av.open(io.BytesIO(data), mode="r") as container:
        decoded = [_decodes(packet) for packet in container.demux(container.streams.audio[0]) if packet.size]
    good = decoded.index(False) if False in decoded else 0
    return good > 0 and not any(decoded[good:])


def _decodes(packet: Any) -> bool:
    try:
        packet.decode()
    except Exception:
        return False
    return True


def refuse_too_long(frames: int, channels: int) -> None:
    """Refuse what is too long for an utterance.

    Raises:
        AudioError: it is.
    """
    if frames > MOST_FRAMES or frames * channels > MOST_SAMPLES:
        length = f"{frames:,} samples of {channels} channels or more"
        raise AudioError("too-long", f"{length}: not an utterance, which has {MOST_FRAMES:,} at most")


def _refuse_short(frames: int, declared: int) -> None:
    if frames < declared:
        raise AudioError("truncated", f"{frames:,} of the {declared:,} samples that its header declares")


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
        refuse_too_long(file.frames, file.channels)
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
            refuse_too_long(length, frames[-1].shape[1])
        if not frames:
            raise AudioError("empty", "the audio stream has no samples")
        rate = stream.codec_context.sample_rate
        if container.format.name in EXACT and stream.duration and stream.time_base:
            _refuse_short(length, round(stream.duration * stream.time_base * rate))
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
        with scratch() as folder:  # closed before ffmpeg opens it, as Windows demands
            file = folder / f"clip{PurePosixPath(path or '').suffix}"
            file.write_bytes(data)
            return _ffmpeg(data, str(file))
    command = (
        ffmpeg.input(f"file:{path}", protocol_whitelist="file,pipe")
        .output("pipe:", format="wav", acodec="pcm_f32le", map="0:a:0", fflags="+bitexact", fs=MOST_WAV)
        .global_args("-nostdin", "-loglevel", "error", "-xerror")
        .compile(cmd=ffmpeg_program())
    )
    wav = _run(command)
    with soundfile.SoundFile(io.BytesIO(wav)) as file:
        refuse_too_long(file.frames, file.channels)
        return Decoded(file.read(dtype="float32", always_2d=True), file.samplerate, "ffmpeg")


def _run(command: list[str]) -> bytes:
    import subprocess

    result = subprocess.run(command, capture_output=True, timeout=FFMPEG_SECONDS, check=False)  # noqa: S603
    if result.returncode:
        raise ValueError(result.stderr)
    return result.stdout


def ffmpeg_program() -> str:
    """The ffmpeg on PATH, else the static one that imageio-ffmpeg ships."""
    program = shutil.which("ffmpeg")
    if program:
        return program
    import imageio_ffmpeg

    return str(imageio_ffmpeg.get_ffmpeg_exe())
