"""Whisper base hears 60 real clips: nearly word for word, the same each time, and it tells swapped texts."""

from __future__ import annotations

import itertools
import shutil
from pathlib import Path

import pytest

import merdata
from merdata.asr.against import rows_by_language
from merdata.asr.judge import says_another
from merdata.asr.models import find_model, open_recogniser
from merdata.asr.recogniser import Request

for package in ("faster_whisper", "jiwer"):
    pytest.importorskip(package, reason=f"{package} is not installed: make real")

EVERY = {  # corpus -> where its clips are, below the real data, and which of them: 60 in all
    "ravdess": ("ravdess/Actor_*/03-01-0[1-8]-01-0[12]-01-*.wav", 4, 32),
    "tess": ("tess/*/*/*_*.wav", 16, 16),
    "emodb": ("emodb/wav/*.wav", 6, 12),
}


@pytest.fixture(scope="module")
def heard(real_data: Path, ctranslate2_base: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    folder = tmp_path_factory.mktemp("heard")
    for corpus, (pattern, step, most) in EVERY.items():
        for path in sorted(real_data.glob(pattern))[::step][:most]:
            target = folder / corpus / path.relative_to(real_data / pattern.split("/")[0])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        merdata.build([corpus], folder / corpus, folder / "store", jobs=0)
    made = merdata.transcribe(folder / "store", str(ctranslate2_base), device="cpu", jobs=2)
    assert (made["layer"], made["rows"], made["silent"]) == ("asr/whisper-base", 60, 0)
    return merdata.open_store(folder / "store")


def test_clips_are_heard_nearly_word_for_word(heard: merdata.Store) -> None:
    rates = {rate.corpus: rate for rate in merdata.text_against_audio(heard, "whisper-base").rates}
    assert rates["ravdess"].word_errors < 0.03
    assert rates["emodb"].word_errors < 0.2
    assert rates["tess"].word_errors < 0.2  # its last words stand alone: bath, calm, germ


def test_languages_and_confidence(heard: merdata.Store) -> None:
    told = merdata.transcripts(heard, "whisper-base").to_pandas()
    assert set(told["language"][told["id"].str.startswith("emodb/")]) == {"de"}
    assert set(told["language"][~told["id"].str.startswith("emodb/")]) == {"en"}
    assert told["confidence"].between(0.2, 1).all() and told["words_per_second"].between(0.5, 6).all()


@pytest.mark.parametrize("corpus", ["ravdess", "emodb"])
def test_no_clip_is_accused_and_every_swapped_text_is(heard: merdata.Store, corpus: str) -> None:
    found = merdata.text_against_audio(heard, "whisper-base", corpora=[corpus])
    assert found.mismatches == []
    (rows,) = rows_by_language(heard, "whisper-base", [corpus]).values()
    texts = sorted({row.own for row in rows})
    for row in rows:
        for wrong in texts:
            if wrong != row.own:
                evidence, other = says_another(wrong, row.said, [text for text in texts if text != wrong])
                assert evidence > 0 and other == row.own


def test_the_same_shard_gives_the_same_bytes_alone(heard: merdata.Store, ctranslate2_base: Path) -> None:
    path = sorted((heard.path / "layers" / "asr" / "whisper-base" / "emodb").iterdir())[0]
    before = path.read_bytes()
    path.unlink()
    made = merdata.transcribe(heard, str(ctranslate2_base), device="cpu", jobs=0)
    assert made["kept"] == len(heard.shards()) - 1
    assert path.read_bytes() == before


def test_both_engines_hear_the_same(heard: merdata.Store, ctranslate2_base: Path, whisper_base: Path) -> None:
    """int8 in faster-whisper, float32 in transformers: the same words, and likelihoods that are near."""
    shard = heard.shards(["ravdess"])[0]
    ((_, samples),) = itertools.islice(merdata.read_audio(shard.path), 1)
    own, other = "Kids are talking by the door.", "Dogs are sitting by the door."
    request = Request(samples, "en", lambda _: [own, other])
    fast, exact = (
        open_recogniser(find_model(str(folder)), "cpu").hear([request], 1)[0]
        for folder in (ctranslate2_base, whisper_base)
    )
    assert fast.text == exact.text == own
    assert fast.likelihood == pytest.approx(exact.likelihood, abs=0.2)
    assert exact.likelihoods[own] > -5 > -15 > exact.likelihoods[other]
    assert fast.likelihoods == pytest.approx(exact.likelihoods, abs=5)
