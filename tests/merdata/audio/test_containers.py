"""Every container that ends early is `truncated`; headers without a size are read to the end."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from merdata.audio.clip import AudioError, Clip, normalise
from merdata.audio.decoders import ffmpeg_program
from tests.merdata.audio.test_clip import PCM, encode, encode_aac, tone, wav_of_size

SECONDS = 3.0
SPEECH = (
    tone(16_000, SECONDS) + 0.05 * np.random.default_rng(0).standard_normal(int(SECONDS * 16_000))
).astype(np.float32)
FORMATS = {  # extension and words for ffmpeg
    "mp3, variable rate": "mp3 -q:a 4",
    "mp3, constant rate": "mp3 -b:a 64k",
    "mp3 without a Xing header": "mp3 -b:a 64k -write_xing 0 -id3v2_version 0",
    "mp2": "mp2 -b:a 160k",
    "vorbis": "ogg -c:a libvorbis",
    "opus in ogg": "opus",
    "flac in ogg": "ogg -c:a flac",
    "flac": "flac",
    "m4a": "m4a",
    "m4a, index first": "m4a -movflags +faststart",
    "alac": "m4a -c:a alac",
    "fragmented mp4": "mp4 -c:a aac -movflags frag_keyframe+empty_moov -frag_duration 500000",
    "mov": "mov -c:a pcm_s16le",
    "3gp": "3gp -c:a aac",
    "adts": "aac",
    "wav": "wav",
    "adpcm": "wav -c:a adpcm_ima_wav",
    "mp3 in wav": "wav -c:a libmp3lame",
    "rf64": "wav -rf64 always",
    "w64": "w64",
    "aiff": "aiff",
    "au": "au",
    "caf": "caf",
    "alac in caf": "caf -c:a alac",
    "webm": "webm -c:a libopus",
    "mkv": "mkv -c:a aac",
    "avi": "avi -c:a pcm_s16le",
    "mp3 in avi": "avi -c:a libmp3lame",
    "wma": "wma -c:a wmav2",
    "flv": "flv -ar 44100 -c:a libmp3lame",
    "mpeg-ts": "ts -c:a aac",
    "amr": "amr -ar 8000 -c:a libopencore_amrnb",
}
PIPED = {  # written to a pipe: no header knows the length; the frames of some do
    "wav": ("wav", False),
    "au": ("au", False),
    "aiff": ("aiff", False),
    "caf": ("caf", False),
    "w64": ("w64", False),
    "asf -c:a wmav2": ("wma", False),
    "mp3": ("mp3", True),
    "flac": ("flac", True),
    "ogg -c:a libvorbis": ("ogg", True),
    "matroska -c:a aac": ("mkv", True),
    "webm -c:a libopus": ("webm", True),
    "avi -c:a pcm_s16le": ("avi", True),
    "mp4 -c:a aac -movflags frag_keyframe+empty_moov": ("mp4", True),
}
CUTS: dict[str, Callable[[int], int]] = {
    "a third": lambda size: size // 3,
    "two thirds": lambda size: 2 * size // 3,
    "99 %": lambda size: size * 99 // 100,
    "all but a byte": lambda size: size - 1,
}


def ffmpeg(*words: str | Path) -> bytes:
    done = subprocess.run([ffmpeg_program(), "-v", "error", "-y", *words], capture_output=True)
    if done.returncode:
        pytest.skip(f"this ffmpeg does not write it: {done.stderr.decode()[-200:]}")
    return done.stdout


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("source") / "speech.wav"
    soundfile.write(path, SPEECH, 16_000)
    return path


def written(source: Path, words: str) -> bytes:
    extension, *options = words.split()
    path = source.with_name(f"clip.{extension}")
    ffmpeg("-i", source, *options, path)
    return path.read_bytes()


def fate(data: bytes) -> str:
    try:
        clip = normalise(data)
    except AudioError as error:
        return error.reason
    return f"{clip.seconds:.1f} s"


@pytest.mark.parametrize("name", FORMATS)
def test_what_is_whole_is_read_and_what_is_cut_is_truncated(name: str, source: Path) -> None:
    data = written(source, FORMATS[name])
    assert normalise(data).seconds == pytest.approx(SECONDS, abs=0.11)  # encoders pad
    if name == "mp2":  # a third is a whole number of frames, and nothing counts them
        data = data[:-100]
        assert fate(data) == "truncated"
        return
    fates = {cut: fate(data[: size(len(data))]) for cut, size in CUTS.items()}
    assert fates == dict.fromkeys(CUTS, "truncated")


@pytest.mark.parametrize(
    "words",
    ["ac3", "eac3", "mpg -c:a mp2", "vob -c:a ac3", "ts -c:a mp2", "m2ts -c:a ac3", "wv", "voc", "tta"],
)
def test_what_is_cut_within_one_of_its_pieces_is_truncated(words: str, source: Path) -> None:
    data = written(source, words)
    assert normalise(data).seconds == pytest.approx(SECONDS, abs=0.11)
    assert normalise(data).notes == ()
    assert {fate(data[: size(len(data)) - 99]) for size in (CUTS["99 %"], CUTS["all but a byte"])} == {
        "truncated"
    }


@pytest.mark.parametrize("words", ["nut -c:a pcm_s16le", "rm -c:a ac3", "ircam -f ircam"])
def test_of_a_kind_that_states_no_length_it_is_noted_that_it_may_be_cut(words: str, source: Path) -> None:
    data = written(source, words)
    note = "audio: nothing in this kind of file says how long it is, so it may have been cut short"
    assert normalise(data).notes == normalise(data[: len(data) // 2]).notes == (note,)


@pytest.mark.parametrize("words", PIPED)
def test_what_was_written_to_a_pipe_is_read_to_its_end(words: str, source: Path) -> None:
    data = ffmpeg("-i", source, "-f", *words.split(), "pipe:")
    clip = normalise(data)
    assert clip.seconds == pytest.approx(SECONDS, abs=0.11)
    _, tells = PIPED[words]
    assert (fate(data[: 2 * len(data) // 3]) == "truncated") or not tells


def test_an_mp4_whose_index_names_more_than_there_is_is_truncated(source: Path) -> None:
    """The index first, and then data that go to the end of the file, wherever that is (a size of 0)."""
    data = bytearray(written(source, "m4a -movflags +faststart"))
    start = data.rindex(b"mdat")
    data[start - 4 : start] = bytes(4)
    assert fate(bytes(data)) == "3.0 s"
    assert {fate(bytes(data[: size(len(data))])) for size in CUTS.values()} == {"truncated"}


@pytest.mark.parametrize("frames", [1, 2, 40])
def test_an_mp3_that_lacks_whole_frames_is_truncated_by_its_own_count(frames: int, source: Path) -> None:
    data = written(source, "mp3 -b:a 64k -id3v2_version 0")
    size = 144 * 64_000 // 16_000 // 2  # of each frame: MPEG-2 layer III has half of 1152 samples
    assert len(data) % size == 0
    assert fate(data[: -frames * size]) == "truncated"


@pytest.mark.parametrize(
    "tag", [b"TAG" + b"x" * 125, b"APETAGEX" + b"\xff\xfb" * 20, b"\0" * 700, b"\xff" * 9 + b"junk" * 99]
)
def test_tags_and_padding_after_an_mp3_are_no_fault(tag: bytes, source: Path) -> None:
    data = written(source, "mp3 -b:a 64k -write_xing 0")
    assert normalise(data + tag).seconds == pytest.approx(SECONDS, abs=0.11)


@pytest.mark.parametrize(
    "subtype",
    [
        ("FLAC", "PCM_16"),
        ("MP3", "MPEG_LAYER_III"),
        ("OGG", "OPUS"),
        ("OGG", "VORBIS"),
        ("NIST", "PCM_16"),
        ("W64", "PCM_16"),
        ("CAF", "ALAC_16"),
        ("AIFF", "FLOAT"),
    ],
)
def test_what_libsndfile_wrote_is_whole_or_truncated(subtype: tuple[str, str]) -> None:
    data = encode(SPEECH, 16_000, *subtype)
    assert fate(data) == "3.0 s"
    assert {fate(data[: size(len(data))]) for size in CUTS.values()} == {"truncated"}


def test_a_flac_that_lacks_whole_frames_is_truncated() -> None:
    """RFC 9639: a frame begins with 14 bits of sync code; here each has the same block size."""
    data = encode(SPEECH, 16_000, "FLAC", "PCM_16")
    start = data.rindex(data[data.index(b"\xff\xf8") :][:4])
    assert fate(data[:start]) == "truncated"


PLACEHOLDERS = [
    0, 0x7FFFF000, 0x7FFFFFFF, 0x7FFFFFFF - 36, 1 << 31, 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFDB, 2_000_000_000,
]  # fmt: skip


@pytest.mark.parametrize("riff", [None, *PLACEHOLDERS])
@pytest.mark.parametrize("size", PLACEHOLDERS)
def test_a_wav_without_a_size_is_read_to_its_end_with_a_note(size: int, riff: int | None) -> None:
    data = bytearray(wav_of_size(size, PCM))
    if riff is not None:
        struct.pack_into("<I", data, 4, riff)
    clip = normalise(bytes(data))
    whole = normalise(wav_of_size(len(PCM), PCM))
    assert np.array_equal(clip.samples, whole.samples)
    assert clip.notes == ("audio: its header states no size; it was read to the end of the file",)
    assert whole.notes == ()


@pytest.mark.parametrize("riff", PLACEHOLDERS)
def test_a_riff_size_alone_does_not_matter(riff: int) -> None:
    data = bytearray(wav_of_size(len(PCM), PCM))
    struct.pack_into("<I", data, 4, riff)
    assert normalise(bytes(data)).notes == ()


@pytest.mark.parametrize("more", [2, 1_000, len(PCM), 1_999_999_998, 0x10000000])
def test_a_size_that_is_merely_larger_than_the_file_is_a_cut_copy(more: int) -> None:
    assert fate(wav_of_size(len(PCM) + more, PCM)) == "truncated" or more > 1_999_000_000


def test_a_wav_with_nothing_but_further_chunks_is_empty() -> None:
    assert fate(wav_of_size(0, b"LIST" + struct.pack("<I", 4) + b"INFO")) == "empty"


@pytest.mark.parametrize("form", [b"RMID", b"ACON", b"WEBP", b"PAL ", b"\0\1\2\3"])
def test_the_form_of_a_riff_file_decides(form: bytes) -> None:
    with pytest.raises(AudioError, match="a RIFF file of the form") as caught:
        normalise(b"RIFF" + struct.pack("<I", 1_000) + form + b"data" + b"\0" * 1_000)
    assert caught.value.reason == "not-audio"


VIDEOS = ["mp4", "mov", "mkv", "webm", "avi", "flv", "ts", "ogv", "wmv"]


@pytest.mark.parametrize("extension", VIDEOS)
def test_a_video_without_sound_is_no_audio(extension: str, tmp_path: Path) -> None:
    path = tmp_path / f"clip.{extension}"
    ffmpeg("-f", "lavfi", "-i", "testsrc=duration=1:size=64x64:rate=10", path)
    assert fate(path.read_bytes()) == "no-audio"


@pytest.mark.parametrize("extension", VIDEOS)
def test_the_sound_of_a_video_is_read(extension: str, source: Path) -> None:
    path = source.with_name(f"talk.{extension}")
    rate = ("-ar", "44100") if extension == "flv" else ()
    ffmpeg("-f", "lavfi", "-i", "testsrc=duration=3:size=64x64:rate=10", "-i", source, *rate, path)
    assert normalise(path.read_bytes()).seconds == pytest.approx(SECONDS, abs=0.15)


@pytest.mark.parametrize("name", ["clip.WAV", "clip", "clip.mp3", "clip.txt", "[clip] *?.wav", "-clip.wav"])
@pytest.mark.parametrize("kind", ["WAV", "FLAC", "OGG", "MP3", "m4a", "matroska"])
def test_the_content_decides_whatever_the_name(kind: str, name: str, tmp_path: Path) -> None:
    if kind in ("m4a", "matroska"):
        data = encode_aac(np.stack([tone()] * 2), "stereo", kind="ipod" if kind == "m4a" else kind)
    else:
        data = encode(tone(), kind=kind, subtype=None)
    (tmp_path / name).write_bytes(data)
    clip = normalise(data, str(tmp_path / name))
    assert isinstance(clip, Clip)
    assert clip.seconds == pytest.approx(0.5, abs=0.1)


IMPOSTORS = {
    "csv": (b"id,text\n1,hello\n" * 9, "not-audio", "download it again"),
    "umlauts": ("Größe;Läufe\n".encode() * 900, "not-audio", "text"),
    "json": (b'{"error": "not found"}', "not-audio", "text"),
    "page": ("\ufeff<!DOCTYPE html><html>".encode(), "not-audio", "a web page"),
    "zip": (b"PK\x03\x04" + bytes(99), "not-audio", "unpack it"),
    "gzip": (b"\x1f\x8b\x08" + bytes(99), "not-audio", "unpack it"),
    "picture": (b"\xff\xd8\xff\xe0" + bytes(99), "not-audio", "a picture"),
    "midi": (b"MThd\0\0\0\6" + bytes(99), "not-audio", "MIDI"),
    "pointer": (b"version https://git-lfs.github.com/spec/v1\noid", "lfs-pointer", "git lfs pull"),
    "nothing": (b"", "empty", "download it again"),
}


@pytest.mark.parametrize("name", IMPOSTORS)
def test_what_is_not_audio_is_named_with_what_to_do(name: str) -> None:
    data, reason, says = IMPOSTORS[name]
    with pytest.raises(AudioError, match=says) as caught:
        normalise(data)
    assert caught.value.reason == reason


BROKEN = """
import random, sys
from pathlib import Path
from merdata.audio.clip import AudioError, normalise
from merdata.audio import decoders

folder = Path(sys.argv[1])
for path in sorted(folder.iterdir()):
    data = path.read_bytes()
    for decoder in (None, decoders._soundfile, decoders._pyav, decoders._ffmpeg):
        try:
            normalise(data, str(path)) if decoder is None else decoder(data, str(path))
        except AudioError as error:
            print(path.name, error.reason, error)
        except Exception as error:
            print(path.name, decoder.__name__, decoders._why(error))
"""


def test_no_message_tells_of_the_machine_or_the_run(source: Path, tmp_path: Path) -> None:
    """Two processes, hash seeds, folders and languages give the same words for the same broken files."""
    files = {"noise": np.random.default_rng(5).bytes(9_000)}
    for name, words in FORMATS.items():
        data = bytearray(written(source, words))
        quarter, half = len(data) // 4, len(data) // 2
        data[quarter:half] = np.random.default_rng(3).bytes(half - quarter)
        files |= {f"{name}.x": bytes(data), f"{name}, head.x": bytes(data[:12]) + bytes(4_000)}
    said = []
    for number, seed in enumerate(("1", "77")):
        folder = tmp_path / f"folder {number}" / "files"
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_bytes(content)
        environment = os.environ | {"PYTHONHASHSEED": seed, "LC_ALL": ("C", "C.UTF-8")[number]}
        environment["PYTHONPATH"] = os.pathsep.join(sys.path)
        done = subprocess.run(
            [sys.executable, "-c", BROKEN, str(folder)], capture_output=True, text=True, env=environment
        )
        assert done.returncode == 0, done.stderr
        said.append(done.stdout)
    assert said[0] == said[1]
    assert len(said[0].splitlines()) > 60
    assert str(tmp_path) not in said[0]
    assert "0x" not in said[0]
