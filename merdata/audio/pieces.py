"""A file as a row of pieces, each of which states its own size: chunks, boxes, pages, frames.

Nearly every container and stream is built like this. So one walk tells for all of them whether a file ends
where its last piece ends, and each format needs only a function that reads one header.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Literal, NamedTuple

from merdata.errors import AudioError


class Piece(NamedTuple):
    """One piece of a file.

    Attributes:
        name: what its header calls it.
        start: of its content.
        end: of its content, as the header states it; beyond the end of the file if that is cut short.
        following: where the next piece begins: in most formats `end`, or a little later.
    """

    name: bytes
    start: int
    end: int
    following: int


Header = Callable[[bytes, int], "Piece | None"]  # None: no such piece begins at this position


def pieces(data: bytes, start: int, header: Header) -> Iterator[Piece]:
    """Piece after piece, until the file ends or something else begins."""
    while start < len(data) and (piece := header(data, start)) is not None and piece.following > start:
        yield piece
        start = piece.following


def refuse_cut(data: bytes, end: int, what: str) -> None:
    """Refuse a file that ends before one of its pieces does.

    Raises:
        AudioError: it is cut short.
    """
    if end > len(data):
        raise AudioError("truncated", f"the file ends within a {what}")


def whole(start: int, end: int, name: bytes = b"") -> Piece:
    """A piece that is directly followed by the next."""
    return Piece(name, start, end, end)


def cut_header(data: bytes) -> Piece:
    """A piece whose header itself is cut short."""
    return whole(len(data), len(data) + 1)


def little(data: bytes, start: int, size: int) -> int:
    """An unsigned little-endian integer of `size` bytes."""
    return int.from_bytes(data[start : start + size], "little")


def big(data: bytes, start: int, size: int) -> int:
    """An unsigned big-endian integer of `size` bytes."""
    return int.from_bytes(data[start : start + size], "big")


def iff_chunk(order: Literal["little", "big"]) -> Header:
    """Chunks of RIFF (little-endian) or of AIFF and RIFX (big-endian): name, 32-bit size, an even length."""

    def header(data: bytes, start: int) -> Piece | None:
        if start + 8 > len(data) or not any(data[start : start + 4]):  # zeros are padding
            return None
        size = int.from_bytes(data[start + 4 : start + 8], order)
        return Piece(data[start : start + 4], start + 8, start + 8 + size, start + 8 + size + size % 2)

    return header


def avi_chunk(data: bytes, start: int) -> Piece | None:
    """Chunks of AVI; where a list was written to a pipe and states no size, its own chunks follow."""
    chunk = iff_chunk("little")(data, start)
    if chunk and chunk.name in (b"RIFF", b"LIST") and chunk.end - chunk.start in (0, 0xFFFFFFFF):
        return whole(chunk.start + 4, chunk.start + 4, chunk.name)
    return chunk


def caf_chunk(data: bytes, start: int) -> Piece | None:
    """Chunks of Apple's Core Audio Format: name, 64-bit size."""
    if start + 12 > len(data):
        return None
    return whole(start + 12, start + 12 + big(data, start + 4, 8), data[start : start + 4])


def guid_chunk(step: int) -> Header:
    """Chunks of Sony's Wave64 (a step of 8 bytes) and ASF (1): GUID, 64-bit size that counts the header."""

    def header(data: bytes, start: int) -> Piece | None:
        if start + 24 > len(data):
            return None
        size = little(data, start + 16, 8)
        return Piece(data[start : start + 16], start + 24, start + size, start + -(-size // step) * step)

    return header


def box(data: bytes, start: int) -> Piece | None:
    """Boxes of MP4 and QuickTime (ISO/IEC 14496-12): size that counts the header, name; 0 is to the end."""
    if start + 8 > len(data):
        return cut_header(data)
    size, name, content = big(data, start, 4), data[start + 4 : start + 8], start + 8
    if size == 1:
        size, content = big(data, start + 8, 8), start + 16
    elif size == 0:
        size = len(data) - start
    return whole(content, start + size, name) if size >= content - start else None


def element(data: bytes, start: int) -> Piece | None:
    """Elements of Matroska and WebM (RFC 8794): identifier and size, both of variable length.

    A live stream states no size for its segment and clusters: then their own elements follow.
    """
    middle = start + 9 - data[start].bit_length()
    if middle > start + 4:
        return None
    if middle >= len(data):
        return cut_header(data)
    length = 9 - data[middle].bit_length()
    if length > 8:
        return None
    content, most = middle + length, (1 << 7 * length) - 1
    if content > len(data):
        return cut_header(data)
    size = big(data, middle, length) & most
    return whole(content, content + (size if size < most else 0), data[start:middle])


def flv_tag(data: bytes, start: int) -> Piece | None:
    """Tags of Flash video: the size of the tag before, type, 24-bit size; the file ends with a size."""
    if start + 4 == len(data):
        return None
    if start + 15 > len(data):
        return cut_header(data)
    return whole(start + 15, start + 15 + big(data, start + 5, 3), data[start + 4 : start + 5])


def ogg_page(data: bytes, start: int) -> Piece | None:
    """Pages of Ogg (RFC 3533); a page's name is its flags and the number of its stream."""
    if not data.startswith(b"OggS"[: len(data) - start], start):
        return None
    content = start + 27 + (data[start + 26] if start + 26 < len(data) else 0)
    if start + 27 > len(data) or content > len(data):
        return cut_header(data)
    return whole(
        content,
        content + sum(data[start + 27 : content]),
        data[start + 5 : start + 6] + data[start + 14 : start + 18],
    )


# MPEG audio (ISO/IEC 11172-3, 13818-3): kbit/s by (version 1?, layer), Hz by version, samples a frame.
_BITRATES = {
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_BITRATES[False, 3] = _BITRATES[False, 2]
_RATES = {3: (44_100, 48_000, 32_000), 2: (22_050, 24_000, 16_000), 0: (11_025, 12_000, 8_000)}


def mpeg_frame(data: bytes, start: int) -> Piece | None:
    """Frames of MPEG audio, layers I to III; their name is what all frames of a stream have in common."""
    if data[start] != 0xFF or data[start + 1 : start + 2] < b"\xe0":
        return None
    if start + 4 > len(data):
        return cut_header(data)
    version, layer = data[start + 1] >> 3 & 3, 4 - (data[start + 1] >> 1 & 3)
    bitrate, rate, padding = data[start + 2] >> 4, data[start + 2] >> 2 & 3, data[start + 2] >> 1 & 1
    if version == 1 or layer == 4 or bitrate in (0, 15) or rate == 3:
        return None
    bits = 1_000 * _BITRATES[version == 3, layer][bitrate]
    hertz = _RATES[version][rate]
    if layer == 1:
        size = 4 * (12 * bits // hertz + padding)
    else:
        size = (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding
    return whole(start + 4, start + size, bytes((data[start + 1] & 0xFE, rate)))


def adts_frame(data: bytes, start: int) -> Piece | None:
    """Frames of AAC with ADTS headers (ISO/IEC 13818-7); named by what a stream's have in common."""
    if data[start] != 0xFF or big(data, start + 1, 1) & 0xF6 != 0xF0:
        return None
    if start + 7 > len(data):
        return cut_header(data)
    size = (big(data, start + 3, 3) >> 5) & 0x1FFF
    return whole(start + 7, start + size, bytes((data[start + 1] & 0xFE, data[start + 2] & 0xFC)))


AC3_KBPS = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
AC3_RATES = (48_000, 44_100, 32_000)


def ac3_frame(data: bytes, start: int) -> Piece | None:
    """Frames of AC-3 and E-AC-3 (ATSC A/52, sections 5.4.1 and E.2.3.1), of 1,536 samples or stated size."""
    if data[start : start + 2] != b"\x0b\x77"[: len(data) - start]:
        return None
    if start + 6 > len(data):
        return cut_header(data)
    if data[start + 5] >> 3 > 10:
        return whole(start + 6, start + 2 * ((big(data, start + 2, 2) & 0x7FF) + 1))
    rate, code = data[start + 4] >> 6, data[start + 4] & 0x3F
    if rate >= len(AC3_RATES) or code >= 2 * len(AC3_KBPS):
        return None
    words = AC3_KBPS[code // 2] * 1_000 * 1_536 // (16 * AC3_RATES[rate])
    return whole(start + 6, start + 2 * (words + (code & 1 if rate == 1 else 0)))


def mpeg_pack(data: bytes, start: int) -> Piece | None:
    """Packs and packets of an MPEG program stream (ISO/IEC 13818-1, 2.5.3; of MPEG-1: 11172-1, 2.4.3)."""
    if data[start : start + 3] != b"\0\0\x01"[: len(data) - start]:
        return None
    if start + 14 > len(data):
        return whole(start, start + 4) if data[start + 3 : start + 4] == b"\xb9" else cut_header(data)
    name = data[start + 3 : start + 4]
    if name == b"\xba":
        return whole(start, start + (14 + (data[start + 13] & 7) if data[start + 4] >> 6 == 1 else 12), name)
    return whole(start + 6, start + (4 if name == b"\xb9" else 6 + big(data, start + 4, 2)), name)


def transport_packet(size: int) -> Header:
    """Packets of an MPEG transport stream (ISO/IEC 13818-1, 2.4.3.2); on discs, with a time before each."""

    def header(data: bytes, start: int) -> Piece | None:
        sync = data[start + size - 188 : start + size - 187]
        return whole(start, start + size) if sync in (b"\x47", b"") else None

    return header


def wavpack_block(data: bytes, start: int) -> Piece | None:
    """Blocks of WavPack; tags may follow the last."""
    if data[start : start + 4] != b"wvpk"[: len(data) - start]:
        return None
    return (
        whole(start + 8, start + 8 + little(data, start + 4, 4))
        if start + 8 <= len(data)
        else cut_header(data)
    )


def voc_block(data: bytes, start: int) -> Piece | None:
    """Blocks of a Creative Voice file; one of type 0 ends it."""
    return (
        whole(start, start + 1)
        if data[start] == 0
        else whole(start + 4, start + 4 + little(data, start + 1, 3))
    )


AMR_BYTES = {  # content of a frame by its type (RFC 4867); a type that is missing is reserved
    b"#!AMR\n": (12, 13, 15, 17, 19, 20, 26, 31, 5, 6, 5, 5, None, None, None, 0),
    b"#!AMR-WB\n": (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, None, None, None, None, 0, 0),
}


def amr_frame(magic: bytes) -> Header:
    """Frames of AMR or AMR-WB: one byte with the type, and what belongs to it."""

    def header(data: bytes, start: int) -> Piece | None:
        size = AMR_BYTES[magic][data[start] >> 3 & 15]
        return None if size is None else whole(start + 1, start + 1 + size)

    return header
