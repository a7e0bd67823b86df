"""Spans of long recordings: the samples of a span are those of the whole recording, cut."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

import merdata
from merdata.audio import clip as audio
from merdata.audio.clip import AudioError, normalise, normalise_span
from merdata.audio.decoders import decode
from merdata.builder.build import build
from merdata.corpora.registry import registry
from merdata.corpora.tree import Tree
from merdata.sample.files import mp4
from merdata.utterance import Span, Utterance, file_of

RATE = 44_100
SPANS = {"a": (0.0, 1.0), "b": (1.0, 2.5), "c": (2.123, 3.9), "whole": (None, None), "rest": (3.0, None)}
WRONG = {
    "backward": (2.0, 1.0),
    "empty": (1.0, 1.0),
    "beyond": (3.5, 5.0),
    "after": (6.0, 7.0),
    "nan": (float("nan"), 1.0),
}


@pytest.fixture(scope="module")
def recording() -> np.ndarray:
    """Four seconds in which no two samples in a row are alike."""
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, 4 * RATE)
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def files(recording: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("long")
    for name in ("long.wav", "long.flac", "long.aiff"):
        soundfile.write(folder / name, recording, RATE, subtype="PCM_16")
    (folder / "long.mp4").write_bytes(mp4(np.stack([recording, recording]), RATE, "stereo"))
    return folder


@pytest.mark.parametrize("name", ["long.wav", "long.flac", "long.aiff", "long.mp4"])
def test_a_span_is_cut_to_the_sample_before_anything_else(name: str, files: Path) -> None:
    whole = decode((files / name).read_bytes(), str(files / name))
    for start, end in ((0.0, 1.0), (1.0, 2.5), (2.123, 3.9)):
        own = whole.samples[round(start * RATE) : round(end * RATE)]
        alone = files / "alone.wav"
        soundfile.write(alone, own, RATE, subtype="FLOAT")
        expected = normalise(alone.read_bytes(), str(alone)).samples
        for file in (files / name, (files / name).read_bytes()):
            clip = normalise_span(file, Span(start, end))
            assert np.array_equal(clip.samples, expected)
            assert clip.seconds == pytest.approx(end - start, abs=1 / 16_000)


@pytest.mark.parametrize("name", ["long.flac", "long.mp4"])
@pytest.mark.parametrize("span", WRONG.values(), ids=WRONG.keys())
def test_a_span_that_the_recording_does_not_have(span: tuple[float, float], name: str, files: Path) -> None:
    with pytest.raises(AudioError) as error:
        normalise_span(files / name, Span(*span))
    assert error.value.reason == "span"


def test_an_end_that_was_rounded_up_costs_nothing(files: Path) -> None:
    clip = normalise_span(files / "long.flac", Span(3.0, 4.004))
    assert clip.seconds == 1.0
    assert clip.notes == ("audio: its span ends 0.004 s after the recording, where it was cut",)


def test_a_recording_that_ends_early_loses_only_the_spans_after_its_end(files: Path, tmp_path: Path) -> None:
    cut = tmp_path / "cut.flac"
    data = (files / "long.flac").read_bytes()
    cut.write_bytes(data[: len(data) // 2])
    assert len(normalise_span(cut, Span(0.0, 1.0)).samples) == 16_000
    with pytest.raises(AudioError) as error:
        normalise_span(cut, Span(3.0, 4.0))
    assert error.value.reason == "truncated"


@pytest.mark.parametrize(
    "place", ["a/b.flac", "a/b.flac#t=1.5,3.25", "a/b.flac#t=1.5", "a/b.flac#t=0.0,1e-05"]
)
def test_the_file_of_a_place(place: str) -> None:
    assert file_of(place) == "a/b.flac"


def read(_: Tree) -> Iterator[Utterance]:
    for name, (start, end) in (SPANS | WRONG).items():
        where = "long.mp4" if name == "b" else "long.flac"
        yield Utterance(id=name, source=where, raw_label="angry", speaker="1", start=start, end=end)


def test_a_corpus_of_spans(files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = replace(registry()["tess"], read=read, complete=None, package="")
    monkeypatch.setitem(registry()._loaded, "tess", corpus)
    report = build(["tess"], files, tmp_path / "store", jobs=0)
    (counts,) = report.counts
    assert (counts.stored, counts.dropped) == (len(SPANS), {"span": len(WRONG)})
    store = merdata.open_store(tmp_path / "store")
    rows = {row["id"]: row for row in store.rows(["id", "source", "source_sha256", "seconds"]).to_pylist()}
    assert rows["tess/a"]["source"] == "long.flac#t=0.0,1.0"
    assert rows["tess/rest"]["source"] == "long.flac#t=3.0"
    assert rows["tess/whole"]["source"] == "long.flac"
    assert [round(rows[f"tess/{name}"]["seconds"], 3) for name in SPANS] == [1.0, 1.5, 1.777, 4.0, 1.0]
    sha256 = hashlib.sha256((files / "long.flac").read_bytes()).hexdigest()
    assert rows["tess/c"]["source_sha256"] == sha256
    ledger = {row["id"]: row for row in store.ledger("tess").to_pylist()}
    assert ledger["tess/beyond"]["detail"] == "its span ends at 5.000 s, and the recording at 4.000 s"
    assert ledger["tess/backward"]["source"] == "long.flac#t=2.0,1.0"
    assert merdata.verify(tmp_path / "store", deep=True, jobs=0).faults == []


def test_a_span_that_moves_is_cut_again_and_others_are_not(
    files: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corpus = replace(registry()["tess"], read=read, complete=None, package="")
    monkeypatch.setitem(registry()._loaded, "tess", corpus)
    root = Path(shutil.copytree(files, tmp_path / "root"))
    build(["tess"], root, tmp_path / "store", jobs=0)
    monkeypatch.setitem(SPANS, "b", (1.0, 2.0))
    (root / "table.csv").write_text("the table has changed")
    cut: list[Span] = []
    real = audio.normalise_span
    monkeypatch.setattr(audio, "normalise_span", lambda file, span: cut.append(span) or real(file, span))
    build(["tess"], root, tmp_path / "store", jobs=0)
    assert [span for span in cut if span.start in (0.0, 2.123) or span.end == 2.0] == [(1.0, 2.0)]
