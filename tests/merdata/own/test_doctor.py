"""The corpus doctor: what it proposes for unknown folders, and what it asks."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import merdata
from merdata.cli.app import app
from merdata.errors import CorpusNotFound, LayoutError
from merdata.own.doctor.beside import Beside
from merdata.own.doctor.guess import guess, meaning
from merdata.own.doctor.proposal import propose, propose_for
from merdata.own.doctor.slots import tokens
from tests.benchmarks.bench_doctor import measure, tree_of

TOKENS = {
    "03a01Wa": ["03", "a", "01", "W", "a"],
    "Actor_01": ["Actor", "01"],
    "OAF_back_angry": ["OAF", "back", "angry"],
    "SM20_F8_N012": ["SM", "20", "F", "8", "N", "012"],
    "a01 (1)": ["a", "01", "1"],
    "LoudNeutral": ["Loud", "Neutral"],
    "Colère": ["Colère"],
}


@pytest.mark.parametrize("name", TOKENS)
def test_names_are_cut_into_tokens(name: str) -> None:
    assert tokens(name) == TOKENS[name]


def test_words_for_emotions() -> None:
    words = {"Happy": "joy", "Wut": "anger", "Tristesse": "sadness", "rab": "anger", "PS": "surprise"}
    assert {word: meaning(word) for word in words} == words
    assert [meaning(word) for word in ("calm", "boredom", "table", "a")] == [None] * 4


# the smaller listings; all of them are in tests/benchmarks/README.md
RIGHT = ["cafe", "casia", "emodb", "emovo", "mesd", "oreau", "polish", "savee", "turevdb", "urdu"]


@pytest.mark.parametrize("listing", RIGHT)
def test_real_names_are_read_without_an_edit(listing: str, real_data: Path) -> None:
    row, right = measure(real_data / "filelists" / f"{listing}.tsv")
    assert right, row


@pytest.mark.parametrize("listing", ["ravdess", "aesdd"])
def test_what_names_do_not_say_is_asked(listing: str, real_data: Path) -> None:
    """RAVDESS's emotions are numbers; AESDD's speaker is the number in brackets, or is it the sentence?"""
    lines = (real_data / "filelists" / f"{listing}.tsv").read_text("utf-8").splitlines()
    paths = [line.split("\t")[0] for line in lines]
    proposal = propose_for(tree_of(paths), paths, Beside())
    field = {"ravdess": "label", "aesdd": "speaker"}[listing]
    assert f"  {field}: {{missing: the names do not say it}}  # ?" in proposal.text.splitlines()
    assert any(doubt.startswith("no part of the names") for doubt in proposal.doubts)
    assert proposal.outcome["rows"] == len(paths)


def test_no_class_is_given_to_a_letter() -> None:
    paths = [f"{who}_{what}{n:02d}.wav" for who in ("DC", "JE", "JK") for what in "adfhn" for n in range(9)]
    told = guess(paths)
    assert told.labels == dict.fromkeys("adfhn")
    text = propose_for(tree_of(paths), paths, Beside()).text
    assert '  "a": null  # ?' in text.splitlines()


def test_a_table_beside_the_audio_is_used(real_data: Path, tmp_path: Path) -> None:
    proposal = propose(real_data / "nemo")
    outcome = proposal.outcome  # of the 4,481 rows of the table, those whose audio is there
    assert (outcome["rows"], outcome["texts"], outcome["speakers"]) == (54, 54, 9)
    assert outcome["unmatched"] == []
    (tmp_path / "mine.yaml").write_text(proposal.text)
    report = merdata.build([str(tmp_path / "mine.yaml")], real_data / "nemo", tmp_path / "store", jobs=0)
    assert report.counts[0].stored == 54


def test_texts_of_the_same_name_are_used(tmp_path: Path) -> None:
    for speaker in ("m1", "f2", "f3"):
        for emotion in ("angry", "happy"):
            for take in range(3):
                path = tmp_path / "unknown" / f"{speaker}_{emotion}_{take}.wav"
                path.parent.mkdir(exist_ok=True)
                path.touch()
                path.with_suffix(".txt").write_text(f"Take {take}.")
    proposal = propose(tmp_path / "unknown")
    assert proposal.outcome == {
        "rows": 18, "labels": {"angry": 9, "happy": 9}, "speakers": 3, "texts": 18, "unmatched": [],
    }  # fmt: skip


def test_the_command(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "turevdb", tmp_path / "rec")
    out = tmp_path / "mine.yaml"
    words = ["corpora", "new", str(tmp_path / "rec"), "--out", str(out)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0
    assert "rows: 40" in told.stdout
    assert "Calm" in told.stdout
    again = CliRunner().invoke(app, words)
    assert "exists: name another file" in str(again.exception)
    told = json.loads(CliRunner().invoke(app, [*words[:3], "--json"]).stdout)
    assert told["yaml"] == out.read_text("utf-8")
    assert told["unmatched"] == []
    (tmp_path / "empty").mkdir()
    with pytest.raises(LayoutError, match="has no audio"):
        propose(tmp_path / "empty")
    with pytest.raises(CorpusNotFound, match="nowhere is not a folder: name the one that holds"):
        propose(tmp_path / "nowhere")
