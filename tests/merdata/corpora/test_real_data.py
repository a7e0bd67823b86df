"""Real recordings and csv files; skipped where they are not beside the checkout."""

from __future__ import annotations

import shutil
from collections import Counter
from pathlib import Path

import pytest

import merdata
from merdata.corpora.registry import get_corpus


@pytest.fixture(scope="module")
def store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    path = tmp_path_factory.mktemp("real") / "store"
    for corpus in ("ravdess", "tess"):
        merdata.build([corpus], real_data / corpus, path)
    merdata.build(["meld"], real_data / "meld", path, on_bad_audio="silence")
    merdata.split(path)
    return merdata.open_store(path)


def ledger(store: merdata.Store, corpus: str) -> dict[str, dict[str, object]]:
    return {row["id"]: row for row in store.ledger(corpus).to_pylist()}


def test_all_files_are_stored(store: merdata.Store) -> None:
    stored = {
        corpus: Counter(row["state"] for row in ledger(store, corpus).values()) for corpus in store.corpora
    }
    assert stored == {"ravdess": {"stored": 244}, "tess": {"stored": 266}, "meld": {"silenced": 13_708}}


def test_the_four_stereo_files_are_named_and_mixed_down(store: merdata.Store) -> None:
    rows = ledger(store, "ravdess")
    stereo = {id for id, row in rows.items() if row["source_channels"] == 2}
    assert stereo == {
        "ravdess/03-01-08-01-02-02-01",
        "ravdess/03-01-02-01-02-02-05",
        "ravdess/03-01-03-01-02-01-20",
        "ravdess/03-01-06-01-01-02-20",
    }
    assert stereo <= set(store.corpora["ravdess"]["counts"]["defects"]["stereo"])


def test_the_identical_pair_is_reported(store: merdata.Store) -> None:
    pair = ["ravdess/03-01-03-01-02-01-07", "ravdess/03-01-03-01-02-02-07"]
    assert store.corpora["ravdess"]["counts"]["same_audio"] == [pair]
    rows = ledger(store, "ravdess")
    assert rows[pair[0]]["same_audio_as"] == pair[1]
    assert rows[pair[1]]["same_audio_as"] == pair[0]


def test_the_defects_of_tess_are_handled_and_named(store: merdata.Store) -> None:
    rows = ledger(store, "tess")
    aiff = {id for id, row in rows.items() if row["decoder"] == "soundfile/AIFF"}
    assert aiff == {"tess/YAF_germ_angry", "tess/YAF_neat_fear"}
    assert {id for id, row in rows.items() if row["source_rate"] == 96_000} == {"tess/OAF_food_fear"}
    assert str(rows["tess/OAF_bite_neutral"]["source"]).endswith("OAF_neutral/OA_bite_neutral.wav")
    known = {id for ids in store.corpora["tess"]["counts"]["defects"].values() for id in ids}
    assert known == {*aiff, "tess/OAF_food_fear", "tess/OAF_bite_neutral"}


def test_meld_has_the_official_rows_and_labels(store: merdata.Store) -> None:
    rows = store.rows(["official_split", "label"], ["meld"]).to_pandas()
    assert rows["official_split"].value_counts().to_dict() == {
        "train": 9_989,
        "validation": 1_109,
        "test": 2_610,
    }
    assert rows[rows["official_split"] == "train"]["label"].value_counts().to_dict() == {
        "neutral": 4_710,
        "joy": 1_743,
        "surprise": 1_205,
        "anger": 1_109,
        "sadness": 683,
        "disgust": 271,
        "fear": 268,
    }


def test_the_mojibake_variant_gives_the_same_clean_text(real_data: Path, tmp_path: Path) -> None:
    shutil.copy(real_data / "meld" / "dev_sent_emo.mojibake-variant.csv", tmp_path / "dev_sent_emo.csv")
    broken = {row.id: row for row in get_corpus("meld").utterances(tmp_path)}
    shutil.copy(real_data / "meld" / "dev_sent_emo.csv", tmp_path / "dev_sent_emo.csv")
    clean = {row.id: row for row in get_corpus("meld").utterances(tmp_path)}
    assert len(broken) == len(clean) == 1_109
    assert {id: row.text for id, row in broken.items()} == {id: row.text for id, row in clean.items()}
    assert sum(row.raw_text is not None for row in broken.values()) > 300


def test_the_default_protocol_keeps_its_promises(store: merdata.Store) -> None:
    protocol = merdata.load_protocol(store, "mer")
    assert protocol.properties["claims"] == {
        "official": ["meld"],
        "speaker-disjoint": ["ravdess", "tess"],
        "dialogue-disjoint": ["meld"],
    }
    assert any("tess has 2 speakers" in note for note in protocol.properties["notes"])
    findings = merdata.audit(store).findings
    assert not any(finding.broken for finding in findings)
    speakers = {(one.corpus, one.evaluation): one for one in findings if one.shared == "speaker"}
    assert speakers["ravdess", "test"].rows == 0
    # The measured overlap of MELD's own split: 2,501 of 2,610 test rows, 69 of 100 speakers.
    meld = speakers["meld", "test"]
    assert (meld.rows, meld.of_rows, meld.values, meld.of_values) == (2_501, 2_610, 69, 100)


def test_cremad_votes_and_genders_are_read(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "crema-d", tmp_path, dirs_exist_ok=True)
    names = (real_data / "filelists" / "cremad.tsv").read_text().splitlines()
    (tmp_path / "AudioWAV").mkdir()
    for line in names:
        (tmp_path / line.split("\t")[0]).touch()
    rows = get_corpus("cremad").utterances(tmp_path)
    assert len(rows) == 7_442
    assert len({row.speaker for row in rows if row.gender == "male"}) == 48
    assert len({row.speaker for row in rows if row.gender == "female"}) == 43
    assert all(row.votes for row in rows)
    assert Counter(row.intensity for row in rows) == {None: 6_077, "low": 455, "medium": 455, "high": 455}
