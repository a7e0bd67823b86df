"""Any file to 16 kHz mono PCM16, or one named reason why not."""

from __future__ import annotations

import io
import shutil
import struct
import subprocess
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from merdata.audio.clip import AudioError, normalise, read_wav, silence, to_pcm16, wav_bytes
from merdata.audio.decoders import ffmpeg_program


def tone(rate: int = 48_000, seconds: float = 0.5, level: float = 0.3, hertz: float = 440) -> np.ndarray:
    return (level * np.sin(2 * np.pi * hertz * np.arange(int(rate * seconds)) / rate)).astype(np.float32)


def encode(
    samples: np.ndarray, rate: int = 48_000, kind: str = "WAV", subtype: str | None = "PCM_16"
) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, rate, format=kind, subtype=subtype)
    return buffer.getvalue()


def encode_aac(channels: np.ndarray, layout: str, rate: int = 48_000, kind: str = "mp4") -> bytes:
    """`channels` is float32 `[channels, n]`."""
    buffer = io.BytesIO()
    with av.open(buffer, "w", format=kind) as container:
        stream = container.add_stream("aac", rate=rate, layout=layout)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(channels), format="fltp", layout=layout)
        frame.rate = rate
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


def level(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples.astype(np.float64)))))


@pytest.mark.parametrize(
    ("kind", "subtype", "decoder"),
    [
        ("WAV", "PCM_16", "soundfile/WAV"),
        ("WAV", "PCM_U8", "soundfile/WAV"),
        ("WAV", "PCM_24", "soundfile/WAV"),
        ("WAV", "PCM_32", "soundfile/WAV"),
        ("WAV", "DOUBLE", "soundfile/WAV"),
        ("WAV", "ULAW", "soundfile/WAV"),
        ("RF64", "PCM_16", "soundfile/RF64"),
        ("AIFF", "PCM_16", "soundfile/AIFF"),
        ("FLAC", "PCM_16", "soundfile/FLAC"),
        ("OGG", "VORBIS", "soundfile/OGG"),
        ("MP3", None, "soundfile/MP3"),
        ("CAF", "PCM_16", "soundfile/CAF"),
    ],
)
def test_every_container_gives_the_same_tone(kind: str, subtype: str | None, decoder: str) -> None:
    clip = normalise(encode(tone(), kind=kind, subtype=subtype))
    assert clip.decoder == decoder
    assert (clip.rate, clip.channels) == (48_000, 1)
    assert clip.seconds == pytest.approx(0.5, abs=0.06)
    assert level(clip.samples / 32_768) == pytest.approx(0.3 / np.sqrt(2), rel=0.05)


@pytest.mark.parametrize("rate", [8_000, 11_025, 16_000, 22_050, 24_414, 44_100, 96_000])
def test_every_rate_becomes_16_khz(rate: int) -> None:
    clip = normalise(encode(tone(rate, seconds=1.0), rate))
    assert clip.seconds == pytest.approx(1.0, abs=0.001)
    spectrum = np.abs(np.fft.rfft(clip.samples))
    assert np.argmax(spectrum) / clip.seconds == pytest.approx(440, abs=2)


def test_resampling_does_not_alias() -> None:
    clip = normalise(encode(tone(48_000, 1.0, hertz=8_500) + tone(48_000, 1.0, level=0.01, hertz=440)))
    spectrum = np.abs(np.fft.rfft(clip.samples * np.hanning(len(clip.samples))))
    folded = spectrum[7_400:7_600].max()  # where 8.5 kHz would come back
    assert folded < spectrum[430:450].max() / 100


def test_16_khz_pcm16_passes_bit_by_bit() -> None:
    samples = np.random.default_rng(0).integers(-32_768, 32_768, 16_000, dtype=np.int16)
    clip = normalise(encode(samples, 16_000))
    assert np.array_equal(clip.samples, samples)
    assert clip.notes == ()


def test_stereo_is_the_mean_of_both_channels() -> None:
    left, right = tone(16_000), tone(16_000, hertz=880)
    clip = normalise(encode(np.stack([left, right], axis=1), 16_000))
    expected = to_pcm16((read_wav(encode(left, 16_000)) + read_wav(encode(right, 16_000))) / 2)
    assert clip.channels == 2
    assert np.abs(clip.samples.astype(int) - expected).max() <= 1


def test_surround_keeps_the_centre_and_drops_the_lfe() -> None:
    quiet, speech, rumble = np.zeros(24_000, np.float32), tone(), tone(hertz=60, level=0.9)
    samples = np.stack([quiet, quiet, speech, rumble, quiet, quiet], axis=1)
    clip = normalise(encode(samples))
    assert level(clip.samples / 32_768) == pytest.approx(0.7071 * 0.3 / np.sqrt(2), rel=0.01)
    in_container = normalise(encode_aac(samples.T, "5.1"))
    assert in_container.decoder == "pyav/aac"
    assert in_container.channels == 6
    assert level(in_container.samples / 32_768) == pytest.approx(level(clip.samples / 32_768), rel=0.08)


@pytest.mark.parametrize("kind", ["mp4", "ipod", "matroska"])
def test_containers_with_aac_go_through_pyav(kind: str) -> None:
    clip = normalise(encode_aac(np.stack([tone(), tone()]), "stereo", kind=kind))
    assert clip.decoder == "pyav/aac"
    assert clip.seconds == pytest.approx(0.5, abs=0.08)
    assert level(clip.samples / 32_768) == pytest.approx(0.3 / np.sqrt(2), rel=0.1)


def test_what_libsndfile_refuses_goes_to_the_next_decoder(tmp_path: Path) -> None:
    # A codec that libsndfile does not know inside a WAV.
    path = tmp_path / "clip.wav"
    source = tmp_path / "source.wav"
    source.write_bytes(encode(tone()))
    command = [
        ffmpeg_program(),
        "-v",
        "error",
        "-i",
        source,
        "-c:a",
        "adpcm_swf",
        "-ar",
        "44100",
        "-f",
        "wav",
        path,
    ]
    subprocess.run(command, check=True, capture_output=True)
    clip = normalise(path.read_bytes(), str(path))
    assert clip.decoder in {"pyav/adpcm_swf", "ffmpeg"}
    assert clip.seconds == pytest.approx(0.5, abs=0.1)


def test_the_ffmpeg_decoder_agrees_with_soundfile(tmp_path: Path) -> None:
    from merdata.audio.decoders import _ffmpeg, _soundfile

    path = tmp_path / "clip.flac"
    path.write_bytes(encode(np.stack([tone(), tone(hertz=660)], axis=1), kind="FLAC"))
    ours, theirs = (decoder(path.read_bytes(), str(path)) for decoder in (_ffmpeg, _soundfile))
    assert (ours.rate, ours.decoder) == (48_000, "ffmpeg")
    assert np.array_equal(ours.samples, theirs.samples)


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="it asks Linux which files are open")
def test_the_file_that_another_process_reads_is_closed_before(monkeypatch: pytest.MonkeyPatch) -> None:
    """Windows lets no second process open a file that is still open."""
    from merdata.audio import decoders

    run, seen = decoders._run, []

    def watched(command: list[str]) -> bytes:
        (path,) = (word.removeprefix("file:") for word in command if word.startswith("file:/"))
        seen.append(Path(path).stat().st_size)
        assert path not in [str(link.resolve()) for link in Path("/proc/self/fd").iterdir()]
        return run(command)

    monkeypatch.setattr(decoders, "_run", watched)
    data = encode(tone(), kind="FLAC")
    assert decoders._ffmpeg(data, None).rate == 48_000
    assert seen == [len(data)]


def test_without_ffmpeg_on_path_the_static_one_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    program = ffmpeg_program()
    assert subprocess.run([program, "-version"], capture_output=True, check=True).stdout


def wav_of_size(declared: int, data: bytes) -> bytes:
    head = struct.pack(
        "<4sI4s4sIHHIIHH4sI",
        b"RIFF",
        36 + len(data),
        b"WAVE",
        b"fmt ",
        16,
        1,
        1,
        16_000,
        32_000,
        2,
        16,
        b"data",
        declared,
    )
    return head + data


PCM = (tone(16_000) * 32_767).astype("<i2").tobytes()
NAN = np.where(np.arange(8_000) == 77, np.nan, tone(16_000)).astype(np.float32)

FAULTS = {
    "no bytes": (b"", "empty"),
    "no samples": (encode(np.zeros(0, np.float32), 16_000), "empty"),
    "git-lfs pointer": (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "lfs-pointer"),
    "web page": (b"\n<!DOCTYPE html><html><body>404</body></html>", "not-audio"),
    "text": (b"id\ttext\n" * 40, "not-audio"),
    "random bytes": (np.random.default_rng(1).bytes(4_000), "undecodable"),
    "declares nothing and has nothing": (wav_of_size(0, b""), "empty"),
    "header cut at 30 bytes": (encode(tone())[:30], "truncated"),
    "data cut in half": (encode(tone())[:20_000], "truncated"),
    "declares more than there is": (wav_of_size(2 * len(PCM), PCM), "truncated"),
    "flac cut in half": (encode(tone(), kind="FLAC")[:5_000], "truncated"),
    "m4a cut in half": (encode_aac(np.stack([tone(), tone()]), "stereo")[:3_000], "truncated"),
    "NaN": (encode(NAN, 16_000, subtype="FLOAT"), "not-finite"),
    "infinity": (encode(np.where(np.isnan(NAN), np.inf, NAN), 16_000, subtype="FLOAT"), "not-finite"),
    "digital silence": (encode(np.zeros(8_000, np.float32), 16_000), "silent"),
    "a constant": (encode(np.full(8_000, 0.4, np.float32), 16_000), "silent"),
    "opposite phase": (encode(np.stack([tone(), -tone()], axis=1)), "silent"),
    "one bit of noise": (
        encode(np.random.default_rng(0).integers(-1, 2, 9_000).astype(np.int16), 16_000),
        "silent",
    ),
    "too many channels": (encode(np.zeros((100, 20), np.float32) + 0.1, 16_000), "bad-header"),
    "a rate that cannot be": (encode(tone(), 100), "bad-header"),
    "mp4 without sound": (None, "no-audio"),
}


def video_only() -> bytes:
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        stream.pix_fmt = "yuv420p"
        frame = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8))
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return buffer.getvalue()


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_has_its_name(fault: str, tmp_path: Path) -> None:
    data, reason = FAULTS[fault]
    path = tmp_path / "clip.wav"
    path.write_bytes(video_only() if data is None else data)
    with pytest.raises(AudioError) as caught:
        normalise(path.read_bytes(), str(path))
    assert caught.value.reason == reason
    assert str(caught.value)


def test_what_would_clip_is_scaled_and_said() -> None:
    clip = normalise(encode(tone(16_000, level=3.0), 16_000, subtype="FLOAT"))
    assert clip.samples.max() == 32_767
    assert clip.samples.min() >= -32_768
    assert any("scaled by -9.5" in note for note in clip.notes)
    square = np.sign(tone(48_000, seconds=1.0)) * np.float32(0.999)
    overshoot = normalise(encode(square))
    assert any("scaled" in note for note in overshoot.notes)
    saturated = np.abs(overshoot.samples.astype(int)) >= 32_767
    assert not (saturated[1:] & saturated[:-1]).any()  # peaks, no plateaus


@given(st.lists(st.floats(-4, 4, width=32), min_size=1, max_size=50))
def test_rounding_never_wraps(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    rounded = to_pcm16(samples).astype(np.int64)
    assert np.abs(rounded - np.clip(samples * 32_768.0, -32_768, 32_767)).max() <= 0.5


@given(st.lists(st.integers(-32_768, 32_767), max_size=50))
def test_wav_has_a_44_byte_header_and_reads_back(values: list[int]) -> None:
    samples = np.array(values, np.int16)
    data = wav_bytes(samples)
    assert len(data) == 44 + 2 * len(samples)
    assert np.array_equal(to_pcm16(read_wav(data)), samples)
    there, rate = soundfile.read(io.BytesIO(data), dtype="int16")
    assert rate == 16_000
    assert np.array_equal(there, samples)


def test_silence_is_half_a_second() -> None:
    assert silence().seconds == 0.5
    assert not silence().samples.any()


MUTANTS = [
    encode(tone(seconds=0.1)),
    encode(tone(seconds=0.1), kind="FLAC"),
    encode(tone(seconds=0.1), kind="AIFF"),
    encode_aac(np.stack([tone(seconds=0.1)] * 2), "stereo"),
]


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(MUTANTS), st.data())
def test_mutated_files_are_read_or_refused_by_name(original: bytes, data: st.DataObject) -> None:
    mutant = bytearray(original)
    for _ in range(data.draw(st.integers(1, 8))):
        mutant[data.draw(st.integers(0, len(mutant) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(mutant)))
    try:
        clip = normalise(bytes(mutant[:cut]))
    except AudioError as error:
        assert error.reason
    else:
        assert clip.samples.dtype == np.int16


def test_every_real_recording_is_whole(real_data: Path) -> None:
    """Ten corpora as they are published; none of their files is cut, empty or silent."""
    files = sorted(path for path in real_data.rglob("*") if path.suffix.lower() == ".wav")
    clips = [normalise(path.read_bytes(), str(path)) for path in files]
    assert len(clips) > 700
    declared = [soundfile.info(path).duration for path in files]
    assert np.allclose([clip.seconds for clip in clips], declared, atol=1e-3)
    assert not any("states no size" in note for clip in clips for note in clip.notes)
