"""One's own recordings: from a folder and a table to a store, with nothing guessed and nothing lost."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import soundfile

import merdata
from merdata.builder.build import Report
from merdata.builder.plan import choose, foresee, make_plan
from merdata.errors import CorpusNotFound, LayoutError, MerdataError, OptionError, PolicyError
from merdata.own.own import stored_name
from merdata.own.tables import recognise
from tests.merdata.tables import write_table

RATE = 16_000
NAMES = [f"{speaker}/take {number}.wav" for speaker in ("ana", "ben", "cai", "dee") for number in range(3)]
LABELS = ["angry", "Happy", "neutral"] * 4


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four speakers with three takes each, and a long recording."""
    folder = tmp_path_factory.mktemp("mine") / "rec"
    rng = np.random.default_rng(0)
    for name in NAMES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / name, rng.uniform(-0.3, 0.3, RATE // 4), RATE)
    soundfile.write(folder / "long.flac", rng.uniform(-0.3, 0.3, 10 * RATE), RATE)
    return folder


def plain(**columns: object) -> pd.DataFrame:
    return pd.DataFrame(
        {"file": NAMES, "label": LABELS, "speaker": [name.split("/")[0] for name in NAMES], **columns}
    )


def written(table: pd.DataFrame, path: Path) -> str:
    return str(write_table(table, path))


def foreseen(table: str, source: Path, **choices: object) -> dict:  # type: ignore[type-arg]
    plan = make_plan(choose([table], source, **choices), Path("nowhere"))  # type: ignore[arg-type]
    return {
        "rows": [row.utterance for task in plan.tasks for row in task.rows],
        **foresee(plan)["corpora"][0],
    }


def test_all_columns_go_through(recordings: Path, tmp_path: Path) -> None:
    table = plain(
        text="Ça va, née 你好.", language="fr", gender=["f", "M", "woman"] * 4, valence=0.5, arousal=1,
        split=["train", "dev", "Test"] * 4, session="s1", dialogue=["d1", "d2"] * 6, turn=range(12),
        prompt="p", dominance=-2.5,
    )  # fmt: skip
    report = merdata.build(
        [written(table, tmp_path / "my-Rec 2.csv")], recordings, tmp_path / "store", jobs=0
    )
    assert (report.counts[0].stored, report.counts[0].expected) == (12, 12)
    store = merdata.open_store(tmp_path / "store")
    rows = {row["id"]: row for row in store.rows(["id", "text", "label"]).to_pylist()}
    first = rows["myrec2/ana/take_1"]
    assert store.corpora["myrec2"]["domain"] == "conversational"
    expected = {
        "text": "Ça va, née 你好.", "raw_label": "Happy", "speaker": "ana", "gender": "male",
        "official_split": "validation", "session": "s1", "dialogue": "d2", "turn": 1, "prompt": "p",
        "valence": 0.5, "arousal": 1.0, "dominance": -2.5, "source": "ana/take 1.wav", "label": "joy",
        "language": "fr", "notes": [],
    }  # fmt: skip
    columns = [*expected, "id"]
    row = next(row for row in store.rows(columns).select(columns).to_pylist() if row["id"] == first["id"])
    assert {name: row[name] for name in expected} == expected
    assert merdata.split(store, "official").table.num_rows == 12


USUAL = [
    "Path,Emotion,Spk,Transcript", "filename;emo;speaker_id;sentence", "wav\tclass\tActor\tutterance",
    "audio_path,emotion_label,SpkrID,transcription", "File Name|Label|speaker|Text",
]  # fmt: skip


@pytest.mark.parametrize("header", USUAL)
def test_usual_names_of_columns_are_recognised_and_said(
    header: str, recordings: Path, tmp_path: Path
) -> None:
    mark = next(mark for mark in ",;\t|" if mark in header)
    lines = [mark.join((name, label, name[:3], "Hi")) for name, label in zip(NAMES, LABELS, strict=True)]
    (tmp_path / "t.csv").write_text("\r\n".join([header, *lines]))
    made = foreseen(str(tmp_path / "t.csv"), recordings)
    assert made["states"] == {"to decode": 12}
    assert {row.speaker for row in made["rows"]} == {"ana", "ben", "cai", "dee"}
    theirs = header.split(mark)
    said = ", ".join(
        ours if ours == name else f"{ours} = {name}"
        for ours, name in zip(("file", "label", "speaker", "text"), theirs, strict=True)
    )
    assert made["remarks"] == [f"t.csv: columns {said}"]


@pytest.mark.parametrize(
    "header", ["Datei,Émotion,Sprecher", "fichier,EMOCIÓN,locuteur", "文件,情感,说话人", "Файл,эмоция,диктор"]
)
def test_columns_may_be_named_in_other_languages(header: str) -> None:
    found = recognise(header.split(","), ("file", "label", "speaker"))
    assert list(found.values()) == header.split(",")


def test_the_more_usual_name_wins() -> None:
    header = ["filename", "path", "emotion", "class", "age"]
    assert recognise(header, ("file", "label", "speaker")) == {"file": "path", "label": "emotion"}


PATHS: dict[str, tuple[Callable[[str, Path], str], str]] = {
    "relative": (lambda name, _: name, ""),
    "dotted": (lambda name, _: f"./{name}", ""),
    "backslashes": (lambda name, _: name.replace("/", "\\"), ""),
    "absolute": (lambda name, root: str(root / name), ""),
    "below a folder of the table's": (lambda name, _: f"data/rec/{name}", ""),
    "no ending": (lambda name, _: name.removesuffix(".wav"), "files found without their ending: 12"),
    "another ending": (
        lambda name, _: name.replace(".wav", ".mp3"),
        "files found with another ending: 12",
    ),
}


@pytest.mark.parametrize("way", PATHS)
def test_paths_are_resolved(way: str, recordings: Path, tmp_path: Path) -> None:
    path, said = PATHS[way]
    table = plain(file=[path(name, recordings) for name in NAMES])
    made = foreseen(written(table, tmp_path / "t.csv"), recordings)
    assert [row.source for row in made["rows"]] == NAMES
    assert [row.id for row in made["rows"]] == [f"t/{name[:-4].replace(' ', '_')}" for name in NAMES]
    assert made["remarks"][1:] == ([said] if said else [])


WRITTEN: dict[str, tuple[str, str, list[str | None], str]] = {
    "rows of nothing": ("csv", "file,label\n\n,\nlong,joy\n , \n", ["long.flac"], ""),
    "Excel's separator": ("csv", "sep=;\r\nfile;label\r\nlong;joy\r\n", ["long.flac"], ""),
    "a data frame's gaps": ("csv", "file,label,speaker\nlong,joy,nan\n", ["long.flac"], "no speakers"),
    "capitals": ("csv", "file,label\nANA/Take 0.WAV,joy\n", ["ana/take 0.wav"], "by capitals"),
    "capitals, no ending": ("csv", "file,label\nANA/Take 0,joy\n", ["ana/take 0.wav"], "by capitals"),
    "a folder": ("csv", "dir,file,label\nana,take 0,joy\nben\\,take 0.wav,joy\n",
                 ["ana/take 0.wav", "ben/take 0.wav"], ""),
    "a folder elsewhere": ("csv", "folder,file,label\nold,long.flac,joy\n", ["long.flac"], ""),
    "a name of several": ("csv", "file,label\ntake 0,joy\n", [None], "several files have: 1, such as take 0"),
    "lines in a text": ("jsonl", '{"file": "long", "label": "joy", "x": "a\u2028b"}\r\n', ["long.flac"], ""),
    "columns left out": ("jsonl", '{"file": "long", "label": "joy"}\n{"file": "ana/take 0", "label": "joy", '
                         '"id": "3", "start": "0 days", "dialogue": "a", "language": "English"}',
                         ["long.flac", "ana/take 0.wav"], ""),
    "lines in .json, as datasets writes them": (
        "json", '{"file": "long", "label": "joy"}\n{"file": "ana/take 0", "label": "joy"}\n',
        ["long.flac", "ana/take 0.wav"], "",
    ),
    "one object by its key": ("json", '{"long": {"label": "joy"}}\n', ["long.flac"], ""),
    "a list over lines": (
        "json", '[\n{"file": "long", "label": "joy"},\n{"file": "ben/take 0", "label": "joy"}]',
        ["long.flac", "ben/take 0.wav"], "",
    ),
    "by column, as pandas writes it": (
        "json", '{"path":{"0":"long","1":"ben/take 0"},"emotion":{"0":"joy","1":null}}',
        ["long.flac", "ben/take 0.wav"], "",
    ),
    "audio of datasets": ("jsonl", '{"audio": {"path": "long.flac"}, "label": "joy"}', ["long.flac"], ""),
}  # fmt: skip


@pytest.mark.parametrize("way", WRITTEN)
def test_tables_as_programs_write_them(way: str, recordings: Path, tmp_path: Path) -> None:
    ending, text, sources, said = WRITTEN[way]
    (tmp_path / f"t.{ending}").write_text(text, newline="")
    made = foreseen(str(tmp_path / f"t.{ending}"), recordings)
    assert [row.source for row in made["rows"]] == sources
    assert said in " ".join(made["remarks"][1:])


@pytest.mark.parametrize(
    ("encoding", "text"),
    [("cp1254", "Şimdi eve gidiyorum çünkü işim bitti."), ("utf-16", "Привет!"), ("utf-8-sig", "Ça va ?")],
)
def test_a_table_in_another_encoding_is_read_and_its_rows_say_so(
    encoding: str, text: str, recordings: Path, tmp_path: Path
) -> None:
    (tmp_path / "t.csv").write_bytes(f"file,label,text\nlong,joy,{text}\n".encode(encoding))
    made = foreseen(str(tmp_path / "t.csv"), recordings)
    (row,) = made["rows"]
    assert row.text == text
    other = encoding != "utf-8-sig"
    assert (f"encoding: t.csv is {encoding}, not UTF-8" in row.notes) == other
    assert (f"; read as {encoding}" in made["remarks"][0]) == other


def test_an_option_says_the_encoding_that_a_table_does_not_tell(recordings: Path, tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_bytes("file,label,text\nlong,joy,niño\n".encode("cp1252"))
    with pytest.raises(LayoutError, match=r"t\.csv: .* it may be .*--option t\.encoding=NAME"):
        foreseen(str(table), recordings)
    (row,) = foreseen(str(table), recordings, options=["t.encoding=cp1252"])["rows"]
    assert row.text == "niño"
    with pytest.raises(OptionError, match="unknown encoding: klingon"):
        foreseen(str(table), recordings, options=["t.encoding=klingon"])


DERIVED: dict[str, tuple[str, str, object, str]] = {
    "an end": ('start,dur\nlong,joy,12345.678,"0,7"\n', "end", 12346.378, "end = start + dur"),
    "the whole file": ("duration\nlong,joy,10\n", "end", None, "not used: duration"),
    "a time": ("start,end\nlong,joy,0 days,0 days 03:00:01.250000\n", "end", 10801.25, ""),
    "no time": ("start,end\nlong,joy,0 days,NaT\n", "end", None, ""),
    "a turn, as MELD's": (
        "dialogue,Utterance_ID\nlong,joy,a,3\nana/take 0,joy,b,3\n",
        "turn",
        3,
        "turn = Utt",
    ),
    "no turn": ("dialogue\nlong,joy,a\n", "turn", None, "no column turn: what was said before"),
    "a language's name": ("language\nlong,joy,German\n", "language", "de", ""),
    "its country": ("lang\nlong,joy,pt-BR\n", "language", "pt", ""),
    "a gender": ("sex\nlong,joy,x\n", "gender", None, "not male or female, so not stored: 1 rows, x"),
}


@pytest.mark.parametrize("what", DERIVED)
def test_what_follows_from_other_columns(what: str, recordings: Path, tmp_path: Path) -> None:
    text, field, value, said = DERIVED[what]
    (tmp_path / "t.csv").write_text(f"file,label,{text}")
    made = foreseen(str(tmp_path / "t.csv"), recordings)
    assert getattr(made["rows"][0], field) == value
    assert said in " ".join(made["remarks"])


def test_whole_numbers_of_a_data_frame_with_gaps_have_no_point(recordings: Path, tmp_path: Path) -> None:
    frame = pd.DataFrame({"file": NAMES[:3], "label": "joy", "speaker": [1, None, 2], "valence": 2.5})
    assert frame["speaker"].dtype == float
    frame.to_parquet(tmp_path / "t.parquet")
    rows = foreseen(str(tmp_path / "t.parquet"), recordings)["rows"]
    assert [row.speaker for row in rows] == ["1", None, "2"]
    assert {row.valence for row in rows} == {2.5}


def test_accents_that_a_mac_writes_apart(tmp_path: Path) -> None:
    (tmp_path / "rec").mkdir()
    (tmp_path / "rec" / "n\u00e4he.wav").touch()
    (tmp_path / "t.csv").write_text("file,label\nna\u0308he.wav,joy\n")
    assert [row.source for row in foreseen(str(tmp_path / "t.csv"), tmp_path / "rec")["rows"]] == [
        "n\u00e4he.wav"
    ]


def test_audio_columns_of_datasets_name_their_files(recordings: Path, tmp_path: Path) -> None:
    """Of Parquet only the paths are read, however large the bytes beside them."""
    audio = [{"bytes": b"RIFF" * 1_000, "path": name} for name in NAMES]
    table = pd.DataFrame({"audio": audio, "emotion": LABELS, "speaker": ["1", "2", None] * 4})
    table.to_parquet(tmp_path / "t.parquet")
    made = foreseen(str(tmp_path / "t.parquet"), recordings)
    assert {row.source: row.raw_label for row in made["rows"]} == dict(zip(NAMES, LABELS, strict=True))
    assert made["speakers"] == {"1": 4, "2": 4, "unknown": 4}


def test_paths_from_the_table_s_own_folder_and_lone_names(recordings: Path, tmp_path: Path) -> None:
    root = Path(shutil.copytree(recordings, tmp_path / "root" / "rec")).parent
    made = foreseen(written(plain(), root / "rec" / "t.csv"), root)
    assert [row.source for row in made["rows"]] == [f"rec/{name}" for name in NAMES]
    assert (made["files"]["metadata"], made["files"]["files"]) == (1, 14)
    lone = pd.DataFrame({"name": ["long"], "label": ["joy"]})
    made = foreseen(written(lone, tmp_path / "t.tsv"), root)
    assert [row.source for row in made["rows"]] == ["rec/long.flac"]
    assert "files found in a folder that the table does not name: 1" in made["remarks"]


def test_files_that_do_not_exist_are_named_and_ledgered(recordings: Path, tmp_path: Path) -> None:
    table = plain()
    table.loc[5, "file"] = "ben/gone.wav"
    report = merdata.build([written(table, tmp_path / "t.jsonl")], recordings, tmp_path / "store", jobs=0)
    assert report.counts[0].dropped == {"missing": 1}
    assert "files that do not exist: 1, ben/gone.wav" in report.counts[0].remarks
    ledger = merdata.open_store(tmp_path / "store").ledger("t").to_pylist()
    assert [row["id"] for row in ledger if row["state"] == "dropped"] == ["t/ben/gone"]


def test_spans_of_one_recording(recordings: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"wav": "long.flac", "emotion": "sad", "begin": [0, 2.5, 8], "stop": [1.5, 4, 11]})
    report = merdata.build([written(table, tmp_path / "t.parquet")], recordings, tmp_path / "store", jobs=0)
    assert (report.counts[0].stored, report.counts[0].dropped) == (2, {"span": 1})
    rows = merdata.open_store(tmp_path / "store").rows(["id", "source", "seconds"]).to_pylist()
    assert [(row["id"], row["source"], row["seconds"]) for row in rows] == [
        ("t/long_0.0-1.5", "long.flac#t=0.0,1.5", 1.5),
        ("t/long_2.5-4.0", "long.flac#t=2.5,4.0", 1.5),
    ]


def test_labels_that_name_no_class_need_a_policy(recordings: Path, tmp_path: Path) -> None:
    table = written(plain(label=["ang", "Freude", "1", "no"] * 3), tmp_path / "t.csv")
    with pytest.raises(PolicyError) as error:
        foreseen(table, recordings)
    lines = str(error.value).splitlines()[1:]
    assert lines == [
        "  '1': drop  # 3 rows", "  Freude: joy  # 3 rows",
        "  'ang': anger  # 3 rows", "  'no': drop  # 3 rows",
    ]  # fmt: skip
    (tmp_path / "policy.yaml").write_text("\n".join(line.strip() for line in lines))
    from merdata.labels import read_policy

    made = foreseen(table, recordings, policy=read_policy(tmp_path / "policy.yaml"))
    assert made["labels"] == {
        "1": {"dropped": 3}, "ang": {"anger": 3}, "Freude": {"joy": 3}, "no": {"dropped": 3},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "file,emotion,label\nlong,angry,1\n",
            r"in the column label, do .* Is emotion the column of labels\?",
        ),
        (
            "file,class\n" + "".join(f"{number},text {number}\n" for number in range(1_001)),
            r"the column class has 1,001 values .*\(text 0, text 1, .{,300}\): is it the column of labels\?$",
        ),
    ],
)
def test_a_column_that_is_not_that_of_labels_is_named(text: str, says: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(PolicyError, match=says):
        choose([str(tmp_path / "t.csv")])


def test_without_speakers_there_is_no_speaker_split(recordings: Path, tmp_path: Path) -> None:
    table = plain(text=[f"Sentence {number}." for number in range(12)]).drop(columns="speaker")
    report = merdata.build([written(table, tmp_path / "t.csv")], recordings, tmp_path / "store", jobs=0)
    why = "no speakers are known: it cannot be split by speaker, so a test cannot be of new voices"
    assert why in report.counts[0].remarks
    store = merdata.open_store(tmp_path / "store")
    made = merdata.split(store)
    assert set(made.table["split"].to_pylist()) == {"train"}
    assert not any(made.properties["claims"].values())
    assert "t does not say who speaks, so it cannot be divided by speakers" in made.properties["notes"][0]
    with pytest.raises(MerdataError, match="the nearest is --protocol text --corpus t"):
        merdata.split(store, "speaker")
    random = merdata.split(store, "random", ratios=(0.5, 0.25, 0.25))
    assert random.properties["speaker_dependent"] == []
    why = "t does not say who speaks: the speakers of its test rows may be in train"
    assert why in random.properties["notes"]


def test_without_labels_rows_are_stored_without_a_class(recordings: Path, tmp_path: Path) -> None:
    table = pd.DataFrame({"file": NAMES})
    report = merdata.build([written(table, tmp_path / "t.csv")], recordings, tmp_path / "store", jobs=0)
    assert report.counts[0].labels == {"unlabelled": {"unlabelled": 12}}


FAULTS: dict[str, tuple[str, str]] = {
    "outside": ("file,label\n/elsewhere/a.wav,joy\n", r"row 1: /elsewhere/a.wav is not below .*t\.root="),
    "windows outside": ("file,label\nD:\\rec\\a.wav,joy\n", r"row 1: D:/rec/a.wav is not below"),
    "above": ("file,label\n../a.wav,joy\n", r"leads out of"),
    "twice": ("file,label\nana/take 0.wav,joy\nana/take 0.wav,sad\n", r"row 1 and row 2 are the same file"),
    "no file": ("speaker,label\n1,joy\n", r"no column for the files.*: its columns are label, speaker"),
    "empty file": ("file,label\n,joy\n", r"row 1 has no file"),
    "number": ("file,label,valence\nlong,joy,high\n", r"row 1, column valence: 'high' is not a number"),
    "turn": ("file,label,turn\nlong,joy,first\n", r"row 1, column turn: 'first' is not a whole number"),
    "split": ("file,label,split\nlong,joy,fold1\n", r"column split: 'fold1' is not train, validation"),
    "ragged": ("file,label\nlong,joy,1,2\n", r"row 1: 4 cells, where the header has 2 columns"),
    "language": ("file,label,language\nlong,joy,Klingon\n", r"'Klingon' is not a code"),
    "nothing": ("", r"is empty: it has no header"),
    "twice, spelled otherwise": ("file,label\nana/take 0,joy\nana\\take 0.WAV,sad\n", r"are the same file"),
    "twice, with ids": ("id,file,label\n1,long,joy\n2,long.flac,sad\n", r"row 1 and row 2 are the same file"),
    "backwards": ("file,label,start,end\nlong,joy,2.5,1\n", r"row 1: from 2.5 to 1 seconds is no part"),
    "before it begins": ("file,label,start\nlong,joy,-1\n", r"row 1: a part cannot start at -1 seconds"),
    "no header": ("long.flac,joy\nlong,sad\n", r"columns are long.flac, joy; its first line must name them"),
}  # fmt: skip


def test_a_line_that_is_not_json_is_named(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"file": "a", "label": "joy"}\n\n{"file"')
    with pytest.raises(LayoutError, match=r"t\.jsonl: line 3: it is not JSON"):
        choose([str(tmp_path / "t.jsonl")])


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_a_table(fault: str, recordings: Path, tmp_path: Path) -> None:
    text, says = FAULTS[fault]
    (tmp_path / "t.csv").write_text(text)
    with pytest.raises(LayoutError, match=says):
        foreseen(str(tmp_path / "t.csv"), recordings)


def test_moved_files_are_found_when_the_owner_says_where_they_were(recordings: Path, tmp_path: Path) -> None:
    table = written(plain(file=[f"D:\\rec\\{name}" for name in NAMES]), tmp_path / "t.csv")
    made = foreseen(table, recordings, options=["t.root=D:\\rec"])
    assert [row.source for row in made["rows"]] == NAMES


@pytest.mark.parametrize(("up", "source"), [("../rec/", "rec"), ("../../rec/", "rec"), ("../../rec/", "")])
def test_paths_that_go_up_and_come_down_in_the_folder_are_found(
    up: str, source: str, recordings: Path, tmp_path: Path
) -> None:
    """As seen from the folder, or from that of the table."""
    shutil.copytree(recordings, tmp_path / "rec")
    (tmp_path / "meta/lists").mkdir(parents=True)
    table = written(plain(file=[f"{up}{name}" for name in NAMES]), tmp_path / "meta/lists/t.csv")
    found = [row.source for row in foreseen(table, tmp_path / source)["rows"]]
    assert found == [name if source else f"rec/{name}" for name in NAMES]


@pytest.mark.parametrize(
    ("name", "says"),
    [("tess.csv", "known|knows"), ("2024.csv", "letters"), ("gone.csv", "gone.csv does not exist")],
)
def test_names_that_cannot_be(name: str, says: str, tmp_path: Path) -> None:
    if name != "gone.csv":
        (tmp_path / name).write_text("file,label\na,joy\n")
    with pytest.raises(CorpusNotFound, match=says):
        choose([str(tmp_path / name)])


def test_a_store_calls_a_corpus_by_its_plain_name() -> None:
    named = {"CREMA-D": "cremad", "rec/my-Rec 2.CSV": "myrec2", "My_Rec": "myrec", "mine.yaml": "mine"}
    assert {given: stored_name(given) for given in named} == named


YAML = """
name: mine
title: Mine
id: "{speaker}_{take}"
languages: [en]
names: ["{speaker}/take {take}"]
parts: {speaker: [ana, ben, cai, dee], take: '\\d'}
fields:
  label: {of: take, map: {"0": angry, "1": happy, "2": neutral}}
  text: {missing: nobody wrote it down}
labels: {angry: anger, happy: joy, neutral: neutral}
"""


def built(recordings: Path, folder: Path, text: str = YAML) -> Report:
    (folder / "mine.yaml").write_text(text)
    return merdata.build([str(folder / "mine.yaml")], recordings, folder / "store", jobs=0)


def test_a_yaml_file_is_a_corpus_too(recordings: Path, tmp_path: Path) -> None:
    report = built(recordings, tmp_path)
    assert (report.counts[0].stored, report.made) == (12, 4)
    assert built(recordings, tmp_path).made == 0
    assert built(recordings, tmp_path, YAML.replace("happy: joy", "happy: surprise")).made == 4
    rows = merdata.open_store(tmp_path / "store").rows(["label", "raw_label"]).to_pylist()
    assert {row["label"] for row in rows if row["raw_label"] == "happy"} == {"surprise"}


@pytest.mark.parametrize(("terms", "rights", "passes"), [
    ("", None, False),
    ("", "I recorded them, and all agreed in writing", True),
    ("terms: {private: attribution}", None, True),
    ("terms: {labels: attribution}", "they are mine", False),
])  # fmt: skip
def test_what_is_uploaded_is_the_owner_s_word(
    terms: str, rights: str | None, passes: bool, recordings: Path, tmp_path: Path
) -> None:
    from merdata.hub.gate import Request, Visibility, check
    from merdata.hub.rows import check_rows
    from merdata.hub.upload import _terms

    built(recordings, tmp_path, YAML + terms)
    store = merdata.open_store(tmp_path / "store")
    request = Request(_terms(store, ["mine"]), rights=rights)
    if passes:
        assert check(request, "me/mine", Visibility.ABSENT)
        check_rows(store)
    else:
        with pytest.raises(merdata.LicenceError):
            check(request, "me/mine", Visibility.ABSENT)


def test_a_changed_table_is_seen(recordings: Path, tmp_path: Path) -> None:
    table = plain()
    path = written(table, tmp_path / "t.csv")
    merdata.build([path], recordings, tmp_path / "store", jobs=0)
    assert merdata.build([path], recordings, tmp_path / "store", jobs=0).made == 0
    written(table.assign(label="sad"), tmp_path / "t.csv")
    assert merdata.build([path], recordings, tmp_path / "store", jobs=0).made == 4
    facts = json.loads((tmp_path / "store" / "merdata.json").read_text())["corpora"]["t"]
    assert facts["terms"] == {"public": "gated", "private": "gated", "labels": "gated", "text": True}
