"""Copies are found at another level, cut, resampled and coded again; other clips of a sentence are not."""

from __future__ import annotations

import shutil
import subprocess
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile
import soxr
from imageio_ffmpeg import get_ffmpeg_exe

import merdata
from merdata.leakage.fingerprint import bit_error, fingerprint
from merdata.leakage.near import Clip, same_recordings

Floats = npt.NDArray[np.float32]
RATE = 48_000  # of RAVDESS
ONES = ["03-01-05-01-02-01", "03-01-04-02-01-01", "03-01-06-02-02-01"]  # an emotion, a sentence, repetition 1


def as_mp3(samples: Floats, folder: Path) -> Floats:
    """There and back at 64 kbit/s."""
    one, two, three = (folder / name for name in ("in.wav", "in.mp3", "out.wav"))
    soundfile.write(one, samples, RATE)
    for arguments in (["-i", one, "-b:a", "64k", two], ["-i", two, "-ar", str(RATE), three]):
        subprocess.run([get_ffmpeg_exe(), "-y", "-loglevel", "error", *map(str, arguments)], check=True)
    return soundfile.read(three, dtype="float32")[0]


CHANGES: dict[str, Callable[[Floats, Path], Floats]] = {
    "mp3": as_mp3,
    "level": lambda samples, _: samples * np.float32(10 ** (-6 / 20)),
    "cut": lambda samples, _: samples[RATE // 5 : -RATE // 5],
    "resampled": lambda samples, _: soxr.resample(soxr.resample(samples, RATE, 16_000), 16_000, RATE),
    "all": lambda samples, folder: as_mp3(samples, folder)[RATE // 5 : -RATE // 5] * np.float32(0.5),
}


@pytest.fixture(scope="module")
def planted(
    real_data: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[merdata.Store, set[frozenset[str]]]:
    """The real RAVDESS and TESS clips, copies planted under names that are free, and the planted pairs."""
    folder = tmp_path_factory.mktemp("planted")
    for name in ("ravdess", "tess"):
        shutil.copytree(real_data / name, folder / name, copy_function=shutil.copyfile)
    actors = {path.name[-2:]: path for path in sorted((folder / "ravdess").rglob("Actor_*"))}
    pairs = set()
    for actor, change in zip(list(actors)[: len(CHANGES)], CHANGES.values(), strict=True):
        for one in ONES:
            source, name = actors[actor] / f"{one}-{actor}.wav", f"{one[:-2]}02-{actor}.wav"
            samples, _ = soundfile.read(source, dtype="float32")
            target = actors[actor] / name
            assert not target.exists()
            soundfile.write(target, change(samples, folder), RATE, subtype="PCM_16")
            pairs.add(frozenset((f"ravdess/{source.stem}", f"ravdess/{target.stem}")))
    for name in ("ravdess", "tess"):
        merdata.build([name], folder / name, folder / "store")
    merdata.split(folder / "store", "random", name="mixed")
    return merdata.open_store(folder / "store"), pairs


def test_every_copy_is_found_and_nothing_else(planted: tuple[merdata.Store, set[frozenset[str]]]) -> None:
    store, pairs = planted
    found = merdata.audit(store, "mixed")
    assert found.copies is not None
    assert {frozenset((copy.one, copy.other)) for copy in found.copies} == pairs
    assert len(pairs) == len(CHANGES) * len(ONES)
    assert (found.conflicts.groups, found.conflicts.differing) == (
        1,
        0,
    )  # the byte-identical pair of actor 07


def test_copies_on_both_sides_are_counted(planted: tuple[merdata.Store, set[frozenset[str]]]) -> None:
    store, pairs = planted
    split_of = merdata.load_protocol(store, "mixed").splits()
    twins = {frozenset(("ravdess/03-01-03-01-02-01-07", "ravdess/03-01-03-01-02-02-07"))}
    expected = sum(
        {split_of[one], split_of[other]} == {"train", "test"} for one, other in map(sorted, pairs | twins)
    )
    findings = merdata.audit(store, "mixed").findings
    of = {(one.shared, one.corpus, one.evaluation): one for one in findings}
    found = of["near audio", "ravdess", "test"]
    assert found.rows == expected
    pair = found.examples[0].split(" = ")
    assert [split_of[id] for id in pair] == ["test", "train"]


def test_the_second_audit_reads_the_cache(planted: tuple[merdata.Store, set[frozenset[str]]]) -> None:
    store, _ = planted
    first = merdata.audit(store, "mixed")
    cached = sorted((store.path / ".cache" / "fingerprints").iterdir())
    assert len(cached) == len(store.shards())
    cached[0].write_bytes(b"broken")
    assert merdata.audit(store, "mixed", jobs=0) == first


def test_nobody_looks_unless_asked(store: merdata.Store) -> None:
    assert merdata.audit(store, near_audio=False).copies is None


def test_a_fingerprint_keeps_its_bits_at_another_level() -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 32_000).astype(np.float32)
    bits, loud = fingerprint(noise, 16_000)
    half, _ = fingerprint(noise / 2, 16_000)
    other, _ = fingerprint(noise[::-1].copy(), 16_000)
    assert loud.all()
    assert bit_error(bits, half) < 0.001
    assert bit_error(bits, other) == pytest.approx(0.5, abs=0.05)


def test_a_fingerprint_works_on_a_few_frames_at_a_time() -> None:
    """Of a minute all windowed frames at once are 5,200 x 1,480 float32, 31 MB, which cost page faults."""
    noise = np.random.default_rng(0).normal(0, 0.1, 60 * 4_000).astype(np.float32)
    fingerprint(noise[:8_000], 4_000)  # imports
    tracemalloc.start()
    fingerprint(noise, 4_000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 5_000_000


@pytest.mark.parametrize("length", [0, 1, 100, 5_000])
def test_what_is_too_short_has_no_fingerprint(length: int) -> None:
    bits, loud = fingerprint(np.ones(length, np.float32), 16_000)
    assert len(bits) == len(loud) == 0
    assert list(same_recordings([Clip(0, bits, loud), Clip(1, bits, loud)])) == []


def test_silence_is_no_copy_of_silence() -> None:
    clips = [Clip(at, *fingerprint(np.zeros(16_000, np.float32), 16_000)) for at in range(2)]
    assert list(same_recordings(clips)) == []
