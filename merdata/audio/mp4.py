"""MP4, M4A, 3GP and QuickTime (ISO/IEC 14496-12): whether all that the index names is in the file."""

from __future__ import annotations

from collections.abc import Iterator

from merdata.audio.pieces import Piece, big, box, pieces, refuse_cut
from merdata.errors import AudioError

OUTER = {b"moov", b"moof", b"mdat", b"mfra", b"free", b"skip", b"wide", b"sidx", b"uuid", b"meta", b"udta"}
TO_TABLES = (b"moov", b"trak", b"mdia", b"minf", b"stbl")  # each lies in the one before


def check_mp4(data: bytes) -> None:
    """Refuse a file without an index, with a box that is cut, or with samples beyond its end.

    Raises:
        AudioError: it is cut short.
    """
    boxes = list(pieces(data, 0, box))
    for piece in boxes:
        if piece.name in OUTER or not piece.name:
            refuse_cut(data, piece.end, "box")
    if b"moov" not in {piece.name for piece in boxes}:
        raise AudioError("truncated", "the file ends before the index of its audio (the box moov)")
    for table in _tables(data, boxes, TO_TABLES):
        refuse_cut(data, _last_sample_end(data, table), "sample that its index names")


def _tables(data: bytes, boxes: list[Piece], path: tuple[bytes, ...]) -> Iterator[list[Piece]]:
    """The tables of every track."""
    if not path:
        yield boxes
        return
    for piece in boxes:
        if piece.name == path[0]:
            inside = [inner for inner in pieces(data, piece.start, box) if inner.end <= piece.end]
            yield from _tables(data, inside, path[1:])


def _last_sample_end(data: bytes, table: list[Piece]) -> int:
    """Where the last chunk of a track ends: its offset, and the sizes of the samples in it."""
    start = {piece.name: piece.start for piece in table}
    offsets, width = (start.get(b"co64"), 8) if b"co64" in start else (start.get(b"stco"), 4)
    runs, sizes = start.get(b"stsc"), start.get(b"stsz")
    if offsets is None or runs is None or sizes is None:
        return 0
    chunks, entries, samples = big(data, offsets + 4, 4), big(data, runs + 4, 4), big(data, sizes + 8, 4)
    if not (chunks and entries and samples):
        return 0  # fragmented: its samples are in moof boxes
    in_last = min(samples, len(data), big(data, runs + 8 + 12 * (entries - 1) + 4, 4))
    first = sizes + 12 + 4 * (samples - in_last)
    same = big(data, sizes + 4, 4)
    length = same * in_last or sum(big(data, first + 4 * number, 4) for number in range(in_last))
    return big(data, offsets + 8 + width * (chunks - 1), width) + length
