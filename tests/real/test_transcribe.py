"""Whisper base hears 60 real clips: nearly word for word, the same each time, and it tells swapped texts."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import merdata
from merdata.asr.against import rows_by_language
from merdata.asr.judge import says_another
from tests.merdata.asr.real import lacking, write_whisper_base

pytestmark = pytest.mark.skipif(bool(lacking()), reason=lacking() or "")

EVERY = {  # corpus -> where its clips are, below the real data, and which of them: 60 in all
    "ravdess": ("ravdess/Actor_*/03-01-0[1-8]-01-0[12]-01-*.wav", 4, 32),
    "tess": ("tess/*/*/*_*.wav", 16, 16),
    "emodb": ("emodb/wav/*.wav", 6, 12),
}


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_whisper_base(tmp_path_factory.mktemp("models") / "whisper-base")


@pytest.fixture(scope="module")
def heard(real_data: Path, whisper: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    folder = tmp_path_factory.mktemp("heard")
    for corpus, (pattern, step, most) in EVERY.items():
        for path in sorted(real_data.glob(pattern))[::step][:most]:
            target = folder / corpus / path.relative_to(real_data / pattern.split("/")[0])
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)
        merdata.build([corpus], folder / corpus, folder / "store", jobs=0)
    made = merdata.transcribe(folder / "store", str(whisper), device="cpu", jobs=2)
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


def test_the_same_shard_gives_the_same_bytes_alone(heard: merdata.Store, whisper: Path) -> None:
    path = sorted((heard.path / "layers" / "asr" / "whisper-base" / "emodb").iterdir())[0]
    before = path.read_bytes()
    path.unlink()
    assert merdata.transcribe(heard, str(whisper), device="cpu", jobs=0)["kept"] == len(heard.shards()) - 1
    assert path.read_bytes() == before
