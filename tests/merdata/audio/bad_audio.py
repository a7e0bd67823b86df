"""Files that pretend to be audio, or are it in an odd way, and what must become of each."""

from __future__ import annotations

import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np

from tests.merdata.audio.test_clip import NAN, PCM, encode, encode_aac, tone, video_only, wav_of_size

STORED = "stored"
Write = Callable[[Path], object]


def _bytes(data: bytes) -> Write:
    return lambda path: path.write_bytes(data)


def _header(channels: int = 1, rate: int = 16_000) -> bytes:
    """A WAV that is whole but for what its header says."""
    data = bytearray(wav_of_size(len(PCM), PCM))
    struct.pack_into("<HI", data, 22, channels, rate)
    return bytes(data)


def _flac(flip: int | None = None, frames: int | None = None) -> bytes:
    data = bytearray(encode(tone(), kind="FLAC"))
    if flip is not None:
        data[flip] ^= 0xFF
    if frames is not None:  # total samples: the last 36 bits before the MD5 in STREAMINFO
        data[21] = data[21] & 0xF0 | frames >> 32
        struct.pack_into(">I", data, 22, frames & 0xFFFFFFFF)
    return bytes(data)


def _surround() -> np.ndarray:
    quiet, speech, rumble = np.zeros(24_000, np.float32), tone(), tone(hertz=60, level=0.9)
    return np.stack([quiet, quiet, speech, rumble, quiet, quiet], axis=1)


def _hours(path: Path) -> None:
    """Three hours of zeros that take no disk."""
    size = 3 * 3_600 * 32_000
    path.write_bytes(wav_of_size(size, b""))
    os.truncate(path, 44 + size)


def _hour_of_flac(path: Path) -> None:
    path.write_bytes(encode(np.tile(tone(16_000, 1.0), 3_600), 16_000, kind="FLAC"))


def _link_out(path: Path) -> None:
    outside = path.parents[1].with_suffix(".outside.wav")
    outside.write_bytes(wav_of_size(len(PCM), PCM))
    path.symlink_to(outside)


def _folder(path: Path) -> None:
    path.mkdir()
    (path / "readme.txt").write_text("not audio")


STEREO = np.stack([tone(), tone()])
ID3 = b"ID3\x04\x00\x00" + bytes([0, 0, 0x40, 0]) + b"\0" * 8_192
KINDS: dict[str, tuple[Write, str]] = {
    "zero bytes": (_bytes(b""), "empty"),
    "a header of 30 bytes": (_bytes(encode(tone())[:30]), "truncated"),
    "cut data": (_bytes(encode(tone())[:20_000]), "truncated"),
    "declares no data, as a recorder does": (_bytes(wav_of_size(0, PCM)), STORED),
    "declares twice the data": (_bytes(wav_of_size(2 * len(PCM), PCM)), "truncated"),
    "declares 4 GB, as a pipe does": (_bytes(wav_of_size(0xFFFFFFFF, PCM)), STORED),
    "0 channels": (_bytes(_header(channels=0)), "undecodable"),
    "1024 channels": (_bytes(_header(channels=1_024)), "bad-header"),
    "rate 0": (_bytes(_header(rate=0)), "undecodable"),
    "rate 4e9": (_bytes(_header(rate=4_000_000_000)), "undecodable"),
    "a web page": (_bytes(b"\n<!DOCTYPE html><html><body>404</body></html>"), "not-audio"),
    "a git-lfs pointer": (
        _bytes(b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n"),
        "lfs-pointer",
    ),
    "text": (_bytes(b"id\ttext\n" * 40), "not-audio"),
    "random bytes": (_bytes(np.random.default_rng(1).bytes(4_000)), "undecodable"),
    "FLAC": (_bytes(_flac()), STORED),
    "MP3": (_bytes(encode(tone(), kind="MP3", subtype=None)), STORED),
    "MP3 behind 8 KiB of ID3": (_bytes(ID3 + encode(tone(), kind="MP3", subtype=None)), STORED),
    "AIFF": (_bytes(encode(tone(), kind="AIFF")), STORED),
    "AAC in MP4": (_bytes(encode_aac(STEREO, "stereo")), STORED),
    "cut MP4": (_bytes(encode_aac(STEREO, "stereo")[:3_000]), "truncated"),
    "MP4 without sound": (lambda path: path.write_bytes(video_only()), "no-audio"),
    "cut FLAC": (_bytes(_flac()[:5_000]), "truncated"),
    "FLAC with a broken CRC": (_bytes(_flac(flip=6_000)), "undecodable"),
    "FLAC that declares 2^36 samples": (_bytes(_flac(frames=2**36 - 1)), "too-long"),
    "0 samples": (_bytes(encode(np.zeros(0, np.float32), 16_000)), "empty"),
    "1 sample": (_bytes(encode(np.full(1, 0.5, np.float32), 16_000)), "silent"),
    "NaN": (_bytes(encode(NAN, 16_000, subtype="FLOAT")), "not-finite"),
    "infinity": (_bytes(encode(np.where(np.isnan(NAN), np.inf, NAN), 16_000, subtype="FLOAT")), "not-finite"),
    "DC only": (_bytes(encode(np.full(8_000, 0.4, np.float32), 16_000)), "silent"),
    "digital silence": (_bytes(encode(np.zeros(8_000, np.float32), 16_000)), "silent"),
    "clipped": (_bytes(encode(np.clip(tone(level=3.0), -1, 1))), STORED),
    "beyond full scale": (_bytes(encode(tone(level=3.0), subtype="FLOAT")), STORED),
    "8 bit": (_bytes(encode(tone(), subtype="PCM_U8")), STORED),
    "24 bit": (_bytes(encode(tone(), subtype="PCM_24")), STORED),
    "32 bit": (_bytes(encode(tone(), subtype="PCM_32")), STORED),
    "float64": (_bytes(encode(tone(), subtype="DOUBLE")), STORED),
    "mu-law": (_bytes(encode(tone(), subtype="ULAW")), STORED),
    "8 kHz": (_bytes(encode(tone(8_000), 8_000)), STORED),
    "44.1 kHz": (_bytes(encode(tone(44_100), 44_100)), STORED),
    "96 kHz": (_bytes(encode(tone(96_000), 96_000)), STORED),
    "stereo in opposite phase": (_bytes(encode(np.stack([tone(), -tone()], axis=1))), "silent"),
    "5.1 with speech in the centre": (_bytes(encode(_surround())), STORED),
    "RF64": (_bytes(encode(tone(), kind="RF64")), STORED),
    "three hours": (_hours, "too-long"),
    "an hour in FLAC": (_hour_of_flac, "too-long"),
    "a FIFO": (lambda path: os.mkfifo(path), "not-a-file"),
    "a folder": (_folder, "not-a-file"),
    "a link out of the corpus": (_link_out, "outside"),
    "a link to itself": (lambda path: path.symlink_to(path.name), "unreadable"),
    "a link to nothing": (lambda path: path.symlink_to("nothing.wav"), "unreadable"),
    "in a folder whose name is not UTF-8": (_bytes(encode(tone())), STORED),
    "in a folder with a line break": (_bytes(encode(tone())), STORED),
}
FOLDERS = {
    "in a folder whose name is not UTF-8": os.fsdecode(b"caf\xe9"),
    "in a folder with a line break": "two\nlines",
}


def write_corpus(folder: Path) -> dict[str, str]:
    """A RAVDESS of one file a kind; id -> kind."""
    names = [
        f"03-01-{emotion:02d}-{intensity:02d}-{sentence:02d}-{repetition:02d}-01"
        for emotion in range(2, 9)
        for intensity in (1, 2)
        for sentence in (1, 2)
        for repetition in (1, 2)
    ]
    kinds = dict(zip(names, KINDS, strict=False))
    assert len(kinds) == len(KINDS)
    for name, kind in kinds.items():
        path = folder / FOLDERS.get(kind, "Actor_01") / f"{name}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        KINDS[kind][0](path)
    return {f"ravdess/{name}": kind for name, kind in kinds.items()}
