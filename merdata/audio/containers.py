"""What a file is, by its content, and whether it is whole, by what its container declares.

Decoders do not mind data that ends early, so what the container declares is checked first. A bare stream of
frames (AAC, AMR, MP3 without a Xing header) declares nothing: it is whole if its last frame is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod
from typing import Literal, NamedTuple

from merdata.audio.frames import SEARCHED, after_tags, check_adts, check_amr, check_mpeg
from merdata.audio.impostors import refuse_impostor
from merdata.audio.mp4 import check_mp4
from merdata.audio.pieces import (
    AMR_BYTES,
    Header,
    ac3_frame,
    adts_frame,
    avi_chunk,
    big,
    caf_chunk,
    element,
    flv_tag,
    guid_chunk,
    iff_chunk,
    little,
    mpeg_frame,
    mpeg_pack,
    ogg_page,
    pieces,
    refuse_cut,
    transport_packet,
    voc_block,
    wavpack_block,
)
from merdata.errors import AudioError

TO_THE_END = "audio: its header states no size; it was read to the end of the file"
UNKNOWN = "unrecognised"
LAST_PAGE = 4  # flag of an Ogg page

Order = Literal["little", "big"]
Repaired = tuple[bytes, tuple[str, ...]]  # a file with the right size in its header, and a note
Check = Callable[[bytes], Repaired | None]


class Container(NamedTuple):
    """A kind of file: its name, the bytes it begins with, and how it is checked.

    Attributes:
        libsndfile: whether libsndfile reads it.
    """

    name: str
    magic: Mapping[int, bytes]
    check: Check
    libsndfile: bool = True


class Checked(NamedTuple):
    """A file that is whole, as far as its container declares.

    Attributes:
        data: the file, with the right size in its header where that stated none.
        container: its kind, or UNKNOWN.
        notes: for the row.
    """

    data: bytes
    container: str
    libsndfile: bool = True
    notes: tuple[str, ...] = ()


def check(data: bytes) -> Checked:
    """Recognise a file, and hold it against what its container declares.

    Raises:
        AudioError: it is empty, is not audio, or is cut short.
    """
    if not data:
        raise AudioError("empty", "the file has no bytes: copy or download it again")
    start = after_tags(data)
    container = _recognise(data, start)
    if container is None:
        refuse_impostor(data)
        return Checked(data, UNKNOWN)
    if container.magic:
        data = data[start:]
    repaired, notes = container.check(data) or (data, ())
    return Checked(repaired, container.name, container.libsndfile, notes)


def _recognise(data: bytes, start: int) -> Container | None:
    """The kind of a file, by its first bytes, whatever its name."""
    for container in CONTAINERS:
        if all(data.startswith(magic, start + offset) for offset, magic in container.magic.items()):
            return container
    padding = data[start : start + SEARCHED]
    start += len(padding) - len(padding.lstrip(b"\0"))
    if start < len(data) and adts_frame(data, start):
        return ADTS
    if data[:3] == b"ID3" or (start < len(data) and mpeg_frame(data, start)):
        return MPEG
    return None


def flac_samples(data: bytes) -> int:
    """How many samples a FLAC file declares (RFC 9639, section 8.2); 0 where it was written to a pipe."""
    return big(data, 21, 5) & ((1 << 36) - 1)


class _Field(NamedTuple):
    """Where a header states the size of the audio data; `surplus` bytes of the header are counted, too."""

    start: int
    width: int
    order: Order
    surplus: int = 0


def _chunks(first: int, header: Header, audio: bytes, width: int, order: Order, surplus: int = 0) -> Check:
    """A check of files with all audio in one chunk, whose size is directly before it."""

    def check_chunks(data: bytes) -> Repaired | None:
        for chunk in pieces(data, first, header):
            if chunk.name == audio:
                if chunk.start == chunk.end and _only_chunks(data, chunk.start, header):
                    return None  # really empty
                field = _Field(chunk.start - width, width, order, surplus)
                return _sized(data, chunk.start, chunk.end - chunk.start, field)
        raise AudioError("truncated", "the file ends before its audio data begins")

    return check_chunks


def _check_rf64(data: bytes) -> Repaired | None:
    """RF64 and BW64 (EBU Tech 3306): a chunk before the data states its size."""
    sizes = next(pieces(data, 12, iff_chunk("little")), None)
    for chunk in pieces(data, 12, iff_chunk("little")):
        if chunk.name == b"data" and sizes:
            field = _Field(sizes.start + 8, 8, "little")
            return _sized(data, chunk.start, little(data, field.start, 8), field)
    raise AudioError("truncated", "the file ends before its audio data begins")


def _check_au(data: bytes) -> Repaired | None:
    return _sized(data, big(data, 4, 4), big(data, 8, 4), _Field(8, 4, "big"))


def _check_caf(data: bytes) -> Repaired | None:
    """Core Audio Format: after compressed audio comes the table of its packets."""
    return _chunks(8, caf_chunk, b"data", 8, "big")(data) or _pieces(8, caf_chunk, "chunk")(data)


def _check_sphere(data: bytes) -> None:
    """NIST SPHERE: lines of `name -type value`; only what is not compressed says how long it is in bytes."""
    length = int(data[8:16]) if data[8:16].strip().isdigit() else 0
    fields = {line.split()[0]: line.split()[-1] for line in data[16:length].splitlines() if line.strip()}
    if fields.get(b"sample_coding", b"pcm") not in (b"pcm", b"ulaw", b"alaw"):
        return
    sizes = [fields.get(name, b"") for name in (b"sample_count", b"sample_n_bytes", b"channel_count")]
    if all(size.isdigit() for size in sizes):
        _refuse_less(max(0, len(data) - length), prod(map(int, sizes)))


def _sized(data: bytes, start: int, size: int, field: _Field) -> Repaired | None:
    """Check the size of the audio data; what writes to a pipe leaves a placeholder in its place."""
    present = max(0, len(data) - start)
    if present and _is_placeholder(size):
        right = (present + field.surplus).to_bytes(field.width, field.order)
        return data[: field.start] + right + data[field.start + field.width :], (TO_THE_END,)
    _refuse_less(present, size)
    return None


def _refuse_less(present: int, size: int) -> None:
    if present < size:
        raise AudioError("truncated", f"{present} of the {size} bytes of audio that the header declares")


def _is_placeholder(size: int) -> bool:
    """Whether a size is 0, 2e9, or the most that 31, 32, 63 or 64 bits hold, or a little less.

    0x7FFFF000 is SoX's, 0x7FFFFFFF LAME's, 0x80000000 ALSA's, 0xFFFFFFFF ffmpeg's; some subtract the header.
    """
    limits = (1 << 31, (1 << 32) - 1, 1 << 63, (1 << 64) - 1)
    return size in (0, 2_000_000_000) or any(limit - 0x10000 <= size <= limit for limit in limits)


def _only_chunks(data: bytes, start: int, header: Header) -> bool:
    """Whether further chunks, and nothing else, follow."""
    chunks = list(pieces(data, start, header))
    named = all(chunk.name.strip().isalnum() for chunk in chunks)
    return bool(chunks) and named and chunks[-1].end <= len(data) <= chunks[-1].following


def _check_ogg(data: bytes) -> None:
    ended: dict[bytes, bool] = {}
    for page in pieces(data, 0, ogg_page):
        refuse_cut(data, page.end, "page")
        ended[page.name[1:]] = bool(page.name[0] & LAST_PAGE)
    if not all(ended.values()):
        raise AudioError("truncated", "the page that ends the stream is missing")


def _check_asf(data: bytes) -> None:
    for piece in pieces(data, 0, guid_chunk(1)):
        refuse_cut(data, piece.end, "object")
        if piece.name == _ASF_DATA and piece.end - piece.start <= 26:
            return  # written to a pipe: packets follow, and nobody has counted them


def _pieces(first: int, header: Header, what: str) -> Check:
    """A check of files that are whole if each of their pieces is."""

    def check_pieces(data: bytes) -> None:
        for piece in pieces(data, first, header):
            refuse_cut(data, piece.end, what)

    return check_pieces


def _check_flac(data: bytes) -> None:
    """Nothing: FLAC's frames do not state their sizes. Decoders compare `flac_samples`."""


_RIFF, _RIFX = iff_chunk("little"), iff_chunk("big")
_W64 = b"riff\x2e\x91\xcf\x11\xa5\xd6\x28\xdb\x04\xc1\x00\x00"
_W64_DATA = b"data\xf3\xac\xd3\x11\x8c\xd1\x00\xc0\x4f\x8e\xdb\x8a"
_ASF_DATA = b"\x36\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
_ASF = b"\x30\x26\xb2\x75\x8e\x66\xcf\x11\xa6\xd9\x00\xaa\x00\x62\xce\x6c"
CONTAINERS = (
    Container("WAV", {0: b"RIFF", 8: b"WAVE"}, _chunks(12, _RIFF, b"data", 4, "little")),
    Container("WAV", {0: b"RIFX", 8: b"WAVE"}, _chunks(12, _RIFX, b"data", 4, "big")),
    Container("RF64", {0: b"RF64", 8: b"WAVE"}, _check_rf64),
    Container("BW64", {0: b"BW64", 8: b"WAVE"}, _check_rf64, libsndfile=False),
    Container("W64", {0: _W64}, _chunks(40, guid_chunk(8), _W64_DATA, 8, "little", surplus=24)),
    Container("AIFF", {0: b"FORM", 8: b"AIFF"}, _chunks(12, _RIFX, b"SSND", 4, "big")),
    Container("AIFF", {0: b"FORM", 8: b"AIFC"}, _chunks(12, _RIFX, b"SSND", 4, "big")),
    Container("CAF", {0: b"caff"}, _check_caf),
    Container("AU", {0: b".snd"}, _check_au),
    Container("SPHERE", {0: b"NIST_1A\n"}, _check_sphere),
    Container("FLAC", {0: b"fLaC"}, _check_flac),
    Container("Ogg", {0: b"OggS"}, _check_ogg),
    Container("MP4", {4: b"ftyp"}, check_mp4, libsndfile=False),
    Container("MP4", {4: b"moov"}, check_mp4, libsndfile=False),
    Container("MP4", {4: b"mdat"}, check_mp4, libsndfile=False),
    Container("MP4", {4: b"wide"}, check_mp4, libsndfile=False),
    Container("Matroska", {0: b"\x1a\x45\xdf\xa3"}, _pieces(0, element, "element"), libsndfile=False),
    Container("AVI", {0: b"RIFF", 8: b"AVI "}, _pieces(0, avi_chunk, "chunk"), libsndfile=False),
    Container("ASF", {0: _ASF}, _check_asf, libsndfile=False),
    Container("FLV", {0: b"FLV\x01"}, _pieces(9, flv_tag, "tag"), libsndfile=False),
    Container("AC-3", {0: b"\x0b\x77"}, _pieces(0, ac3_frame, "frame"), libsndfile=False),
    Container("MPEG-PS", {0: b"\0\0\x01\xba"}, _pieces(0, mpeg_pack, "packet"), libsndfile=False),
    *(
        Container("MPEG-TS", {start + size * number: b"\x47" for number in range(3)}, check, libsndfile=False)
        for start, size in ((0, 188), (4, 192))
        for check in (_pieces(0, transport_packet(size), "packet"),)
    ),
    Container("WavPack", {0: b"wvpk"}, _pieces(0, wavpack_block, "block"), libsndfile=False),
    Container("VOC", {0: b"Creative Voice File\x1a"}, _pieces(26, voc_block, "block")),
    *(Container("AMR", {0: magic}, check_amr, libsndfile=False) for magic in AMR_BYTES),
)
ADTS = Container("AAC", {}, check_adts, libsndfile=False)
MPEG = Container("MP3", {}, check_mpeg)
