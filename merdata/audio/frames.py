"""Bare streams of frames: MPEG audio (MP3), AAC with ADTS headers, AMR."""

from __future__ import annotations

from merdata.audio.pieces import (
    AMR_BYTES,
    Header,
    Piece,
    adts_frame,
    amr_frame,
    big,
    mpeg_frame,
    pieces,
    refuse_cut,
)
from merdata.errors import AudioError

SEARCHED = 1 << 16  # bytes of something else that may stand between frames
TAGS = (b"TAG", b"APETAGEX", b"LYRICSBEGIN", b"ID3", b"3DI")  # that programs write after the last frame
EXACT = (b"LAME", b"Lavf", b"Lavc")  # encoders that do not count the frame which holds the count


def after_tags(data: bytes) -> int:
    """Where a file begins that has ID3v2 tags before its own first byte."""
    start = 0
    while data[start : start + 3] == b"ID3" and len(data) > start + 10:
        size = 0
        for byte in data[start + 6 : start + 10]:  # seven bits each
            size = size << 7 | byte & 0x7F
        start += 10 + size
    return start


def check_mpeg(data: bytes) -> None:
    """Refuse MPEG audio that is cut within a frame, or has fewer frames than its header declares.

    Raises:
        AudioError: it is cut short.
    """
    frames = _frames(data, mpeg_frame)
    if frames:
        declared, uncounted = _declared_frames(data[frames[0].start : frames[0].end])
        present = len(frames) - uncounted
        if present < declared:
            raise AudioError("truncated", f"{present} of the {declared} frames that its header declares")


def check_adts(data: bytes) -> None:
    """Refuse AAC that is cut within a frame.

    Raises:
        AudioError: it is cut short.
    """
    _frames(data, adts_frame)


def check_amr(data: bytes) -> None:
    """Refuse AMR that is cut within a frame.

    Raises:
        AudioError: it is cut short.
    """
    magic = next(magic for magic in AMR_BYTES if data.startswith(magic))
    for frame in pieces(data, len(magic), amr_frame(magic)):
        refuse_cut(data, frame.end, "frame")


def _frames(data: bytes, header: Header) -> list[Piece]:
    """The frames of a stream; what stands between frames is passed over, as decoders do."""
    frames: list[Piece] = []
    start = _next_frame(data, after_tags(data), header)
    while start is not None:
        for frame in pieces(data, start, header):
            if frames and frame.name not in (frames[0].name, b""):
                break
            refuse_cut(data, frame.end, "frame")
            frames.append(frame)
            start = frame.following
        start = None if data.startswith(TAGS, start) else _next_frame(data, start + 1, header)
    return frames


def _next_frame(data: bytes, start: int, header: Header) -> int | None:
    """Where the next frame begins that another of its kind, or the end of the file, follows."""
    position = data.find(b"\xff", start, start + SEARCHED)
    while position >= 0:
        frame = header(data, position)
        if frame and frame.name and frame.following <= len(data):
            other = header(data, frame.following) if frame.following < len(data) else frame
            if other and other.name == frame.name:
                return position
        position = data.find(b"\xff", position + 1, start + SEARCHED)
    return None


def _declared_frames(first: bytes) -> tuple[int, int]:
    """How many frames a Xing, Info or VBRI header in the first frame declares, and how many it leaves out."""
    for magic in (b"Xing", b"Info"):
        start = first.find(magic, 0, 48)
        if start >= 0 and big(first, start + 4, 4) & 1:
            return big(first, start + 8, 4), int(first[start + 120 : start + 124] in EXACT)
    start = first.find(b"VBRI", 0, 48)
    return (big(first, start + 14, 4), 0) if start >= 0 else (0, 0)
