"""The corpus doctor: what it proposes for unknown folders, and what it asks."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

import merdata
from merdata.cli.app import app
from merdata.errors import CorpusNotFound, LayoutError
from merdata.own.doctor.beside import Beside
from merdata.own.doctor.guess import guess
from merdata.own.doctor.proposal import propose, propose_for
from merdata.own.doctor.slots import tokens
from merdata.own.own import own_corpus
from tests.benchmarks.bench_doctor import measure, tree_of
from tests.merdata.corpora.trees import touch

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


TWO = ("a_0", "a_1", "b_0", "b_1")
SPLITS = (("train", "a"), ("test", "b"))
ASKED: dict[str, tuple[list[str], dict[str, str], dict[str, object]]] = {
    "quotes": ([f"it's_{who}_{what}.wav" for who in "xyz" for what in ("happy", "sad")], {}, {"rows": 6}),
    "equal names": ([f"{who}/s1/{what}.wav" for who in "xyz" for what in ("happy", "sad")], {},
                    {"rows": 6, "id": "xyz/x/s1/happy"}),
    "Chinese": ([f"{what}/{n}.wav" for what in ("\u751f\u6c14", "\u9ad8\u5174") for n in range(3)], {},
                {"rows": 6, "line": "  \"\u751f\u6c14\": anger"}),
    "spans": (["long.wav"], {"t.csv": "file,emotion,start,end\nlong,sad,0,1\nlong,joy,1,2\n"},
              {"rows": 2, "line": "rows: 2", "id": "xyz/long_0-1"}),
    "a table a split": ([f"{name}.wav" for name in TWO],
                        {f"{split}.csv": f"file,emotion\n{a}_0,sad\n{a}_1,joy\n" for split, a in SPLITS},
                        {"line": "split: official  # ? or speaker", "labels": {"joy": 2, "sad": 2}}),
    "names of two folders": (["train/0.wav", "test/0.wav"],
                             {f"{split}.csv": "file,emotion\n0,sad\n" for split, _ in SPLITS},
                             {"labels": {"(none)": 2}, "doubt": "t*.csv is not used: several audio files"}),
    "half a table": ([f"{name}.wav" for name in TWO], {"t.csv": "file,emotion\na_0,sad\n"},
                     {"rows": 4, "doubt": "t.csv is not used: it names 1 of the 4 audio files"}),
    "no split": (["a.wav"], {"t.csv": "file,emotion,split\na,sad,Test1\n"},
                 {"rows": 0, "doubt": "it cannot be read as it is"}),
    "braces": (["a.wav"], {"t.csv": "file,emotion,speaker {ID}\na,sad,3\n"}, {"rows": 1, "speakers": 0}),
}  # fmt: skip


@pytest.mark.parametrize("what", ASKED)
def test_odd_folders(what: str, tmp_path: Path) -> None:
    audio, tables, wanted = ASKED[what]
    folder = tmp_path / "xyz"
    touch(folder, audio)
    for name, text in tables.items():
        (folder / name).write_text(text)
    proposal = propose(folder)
    made: dict[str, object] = {**proposal.outcome}
    if "id" in wanted:
        (tmp_path / "x.yaml").write_text(proposal.text)
        rows = own_corpus(str(tmp_path / "x.yaml")).utterances(folder)
        assert len({row.id for row in rows}) == len(rows) == wanted["rows"]
        made["id"] = rows[0].id
    assert wanted.get("line", "names:") in [*proposal.text.splitlines(), "names:"]
    assert any(doubt.startswith(str(wanted.get("doubt", ""))) for doubt in [*proposal.doubts, ""])
    assert {key: made[key] for key in wanted if key in made} == {
        key: value for key, value in wanted.items() if key in made
    }


def test_a_pipe_or_device_beside_the_audio_is_not_waited_for(tmp_path: Path) -> None:
    touch(tmp_path, ["Anna_angry_1.wav", "Anna_happy_1.wav", "Ben_angry_1.wav", "Ben_happy_1.wav"])
    os.mkfifo(tmp_path / "labels.csv")
    (tmp_path / "more.csv").symlink_to("/dev/zero")
    doubts = " ".join(propose(tmp_path).doubts)
    assert all(f"{name} was not understood: " in doubts for name in ("labels.csv", "more.csv"))
    assert "it is not a regular file" in doubts


def test_the_command(real_data: Path, tmp_path: Path) -> None:
    shutil.copytree(real_data / "turevdb", tmp_path / "rec")
    out = tmp_path / "mine.yaml"
    words = ["corpora", "new", str(tmp_path / "rec"), "--out", str(out)]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 0
    assert "rows: 40" in told.stdout
    assert "Calm" in told.stdout
    assert f"build with --corpus {out} --source {tmp_path / 'rec'}" in told.stdout
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
