"""Real recordings of six declared corpora in one store: texts, speakers, and the defects that are known."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import merdata

FOLDERS = {
    "emodb": "emodb",
    "nemo": "nemo",
    "emovo": "emovo",
    "ased": "ased",
    "turevdb": "turevdb",
    "urdu": "urdu",
}
STORED = {"emodb": 80, "nemo": 54, "emovo": 16, "ased": 40, "turevdb": 40, "urdu": 32}


@pytest.fixture(scope="module")
def store(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    path = tmp_path_factory.mktemp("declared") / "store"
    for corpus in STORED:
        merdata.build(
            [corpus], real_data / corpus, path, jobs=0, policy=["emodb.L=keep"] if corpus == "emodb" else []
        )
    return merdata.open_store(path)


def ledger(store: merdata.Store, corpus: str) -> dict[str, dict[str, Any]]:
    return {
        row["id"].partition("/")[2]: row
        for row in store.ledger(corpus).to_pylist()
        if row["state"] == "stored"
    }


def rows(store: merdata.Store, corpus: str, *columns: str) -> dict[str, dict[str, Any]]:
    table = store.rows(["id", *columns], [corpus]).to_pylist()
    return {row["id"].partition("/")[2]: row for row in table}


def defects(store: merdata.Store, corpus: str) -> dict[str, list[str]]:
    return dict(store.corpora[corpus]["counts"]["defects"])


def test_every_file_is_a_row(store: merdata.Store) -> None:
    assert {corpus: len(ledger(store, corpus)) for corpus in STORED} == STORED


def test_texts_are_those_of_the_release(store: merdata.Store, real_data: Path) -> None:
    table = (real_data / "nemo" / "data.tsv").read_text("utf-8").splitlines()
    texts = {line.split("\t")[0].removesuffix(".wav"): line.split("\t")[2] for line in table[1:]}
    nemo = rows(store, "nemo", "text", "speaker", "gender")
    assert {id: row["text"] for id, row in nemo.items()} == {id: texts[id] for id in nemo}
    assert {row["speaker"] for row in nemo.values()} <= {
        id[:3] for id in texts
    }  # padded with blanks in the file
    assert rows(store, "emodb", "text")["14a07Wc"]["text"] == "In sieben Stunden wird es soweit sein."
    assert rows(store, "emovo", "text")["rab-f1-b1"]["text"] == "Gli operai si alzano presto."
    assert {row["text"] for row in rows(store, "urdu", "text").values()} == {None}


def test_a_chunk_before_the_data_is_no_sound(store: merdata.Store) -> None:
    padded = {"14a07Wc", "14a07Fd", "14a07Na"}  # of the four, these are at hand
    assert {id.partition("/")[2] for id in defects(store, "emodb")["pad-chunk"]} == padded
    for id, row in ledger(store, "emodb").items():
        if id in padded:
            assert (row["decoder"], row["source_channels"]) == ("soundfile/WAV", 1)
            assert 1.2 < row["seconds"] < 9


def test_channels_of_emovo(store: merdata.Store) -> None:
    channels = {id: row["source_channels"] for id, row in ledger(store, "emovo").items()}
    assert Counter(channels.values()) == {2: 15, 1: 1}
    assert channels["rab-f1-b1"] == 1
    assert defects(store, "emovo") == {"mono": ["emovo/rab-f1-b1"]}


def test_wrong_sex_codes_and_twins_of_ased(store: merdata.Store) -> None:
    people = rows(store, "ased", "speaker", "gender")
    genders: dict[str, set[str]] = {}
    for row in people.values():
        genders.setdefault(row["speaker"], set()).add(row["gender"])
    assert all(len(own) == 1 for own in genders.values())
    found = defects(store, "ased")
    assert found["sex-code"]
    assert {id.partition("/")[2].split("-")[3] for id in found["sex-code"]} == {"02"}
    assert all(people[id.partition("/")[2]]["gender"] == "female" for id in found["sex-code"])
    twins = store.corpora["ased"]["counts"]["same_audio"]
    assert twins
    assert {id for pair in twins for id in pair} <= set(found["identical-audio"])


def test_urdu_has_fewer_speakers_than_it_says(store: merdata.Store) -> None:
    assert defects(store, "urdu") == {"short": ["urdu/SM1_F8_A08"]}
    assert ledger(store, "urdu")["SM1_F8_A08"]["seconds"] == pytest.approx(0.99, abs=0.01)
