"""Declared corpora on their real file lists: the rows, labels, genders and speakers that are known of each.

The lists hold paths; a table that a corpus needs is written in its own format, of the listed labels.
"""

from __future__ import annotations

import csv
import json
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pytest

from merdata.corpora.corpus import Survey
from merdata.corpora.registry import get_corpus
from merdata.corpora.tree import Tree

LISTS = "filelists"


@dataclass(frozen=True)
class Known:
    """What is known of a corpus: rows by raw label, speakers, men and women among them, rows with a text."""

    labels: dict[str, int]
    speakers: int
    men: int = 0
    women: int = 0
    texts: int = 0
    strays: int = 0
    without: tuple[str, ...] = field(default=())


def even(rows: int, *labels: str) -> dict[str, int]:
    return dict.fromkeys(labels, rows)


KNOWN = {
    "aesdd": Known({"a": 121, "d": 122, "f": 120, "h": 119, "s": 122}, 6, 3, 3),
    "ased": Known({"n": 522, "f": 510, "h": 486, "s": 470, "a": 486}, 65, 40, 25),
    "asvpesd": Known(
        {
            **{
                "neutral": 1314,
                "angry": 1064,
                "happy": 613,
                "sad": 551,
                "surprise": 492,
                "disappointment": 288,
            },
            **{
                "excited": 270,
                "disgust": 190,
                "fear": 170,
                "boredom": 98,
                "pain": 54,
                "pleasure": 35,
                "other": 1,
            },
        },
        129,
        strays=8_824,
    ),
    "cafe": Known({**even(144, *"CDJPST"), "N": 72}, 12, 6, 6, 936),
    "casia": Known(even(200, "angry", "fear", "happy", "neutral", "sad", "surprise"), 4),
    "emodb": Known({"W": 127, "L": 81, "E": 46, "A": 69, "F": 71, "T": 62, "N": 79}, 10, 5, 5, 535),
    "emovo": Known(even(84, "neu", "dis", "gio", "pau", "rab", "sor", "tri"), 6, 3, 3, 588),
    "enterface": Known(  # the list lacks the 30 clips of subject 12, which its maker lost
        {**even(210, "anger", "disgust", "fear", "sadness", "surprise"), "happiness": 207},
        42,
        33,
        9,
        strays=6,
    ),
    "jlcorpus": Known(
        even(
            240,
            *("angry", "happy", "excited", "sad", "neutral"),
            *("anxious", "apologetic", "assertive", "concerned", "encouraging"),
        ),
        4,
        2,
        2,
        2_400,
    ),
    "mesd": Known(
        {**even(144, "Disgust", "Fear", "Happiness", "Sadness"), "Anger": 143, "Neutral": 143}, 0, texts=862
    ),
    "oreau": Known({"C": 67, "D": 67, "J": 62, "N": 70, "P": 51, "S": 62, "T": 55}, 32, 25, 7),
    "polish": Known(even(150, *"ans"), 5, 5, 0, 450),
    "resd": Known(
        {
            **{"anger": 219, "disgust": 185, "enthusiasm": 198, "fear": 223},
            **{"happiness": 218, "neutral": 191, "sadness": 162},
        },
        0,
    ),
    "savee": Known({**even(60, "a", "d", "f", "h", "sa", "su"), "n": 120}, 4, 4, 0, 456),
    "subesco": Known(
        even(1_000, "ANGRY", "DISGUST", "FEAR", "HAPPY", "NEUTRAL", "SAD", "SURPRISE"), 20, 10, 10, 7_000
    ),
    "turevdb": Known({"Angry": 487, "Sad": 483, "Calm": 408, "Happy": 357}, 6, texts=1_735),
    "urdu": Known(even(100, *"AHNS"), 29, 18, 11),
    "emozionalmente": Known(
        even(986, "anger", "disgust", "fear", "joy", "neutrality", "sadness", "surprise"), 431, texts=6_902
    ),
    "emns": Known(
        {
            **{"Angry": 126, "Disgust": 162, "Excited": 150, "Happy": 157},
            **{"Neutral": 149, "Sad": 147, "Sarcastic": 139, "Surprise": 151},
        },
        *(1, 0, 1, 1_181, 24),
    ),
    "mer2023": Known(
        {"angry": 1208, "happy": 1038, "neutral": 1248, "sad": 730, "surprise": 190, "worried": 616}, 0
    ),
    "shemo": Known(
        {"anger": 1042, "neutral": 1160, "sadness": 361, "happiness": 203, "surprise": 202, "fear": 32},
        87,
        56,
        31,
        3_000,
    ),
    "m3ed": Known({}, 0, texts=24_437),
    "pavoque": Known(
        {**{"neutral": 3126, "angry": 601, "happy": 584, "sad": 556, "poker": 575, "outtakes": 1892}},
        *(1, 1, 0, 7_334),
    ),
    "nemo": Known({}, 9, 5, 4, 4_481),
    "emorynlp": Known({}, 0, texts=9_489),
}
Paths = list[str]


def listed(data: Path, name: str) -> list[list[str]]:
    lines = (data / LISTS / f"{name}.tsv").read_text("utf-8").splitlines()
    return [line.split("\t") for line in lines]


def write(path: Path, rows: list[dict[str, str]], delimiter: str = ",") -> str:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)
    return path.name


def emozionalmente(data: Path, root: Path) -> Paths:
    samples = [
        {
            "file_name": Path(path).name,
            "sentence": "È tardi.",
            "actor": f"a{place % 431}",
            "emotion_expressed": raw,
        }
        for place, (path, _, _, raw) in enumerate(listed(data, "emozionalmente"))
    ]
    users = [{"username": f"a{number}", "gender": "OTHER", "age": "30"} for number in range(431)]
    return [write(root / "samples.csv", samples), write(root / "users.csv", users)]


def emns(data: Path, root: Path) -> Paths:
    rows = [
        {
            **{"utterance": 'He said "no".', "emotion": raw, "status": "Complete", "gender": "female"},
            **{"level": "5", "audio_recording": f"wavs/{Path(path).name}", "user_id": "3"},
        }
        for path, _, _, raw in listed(data, "emns")
    ]
    waiting = [
        {**rows[0], "status": "Needs Updating", "audio_recording": f"wavs/recorded_audio_z{number}.webm"}
        for number in range(24)
    ]
    write(root / "metadata.csv", [*rows, *waiting], "|")
    return ["metadata.csv", *(f"cleaned_webm/recorded_audio_z{number}.webm" for number in range(24))]


def mer2023(data: Path, root: Path) -> Paths:
    tables: dict[str, list[dict[str, str]]] = {}
    for path, _, _, raw in listed(data, "mer2023"):
        row = {"name": Path(path).stem, "discrete": raw, "valence": "-1.5"}
        tables.setdefault(Path(path).parent.name, []).append(row)
    return [write(root / f"{part}-label.csv", rows) for part, rows in tables.items()]


def shemo(data: Path, root: Path) -> Paths:
    """The list has 2,838 of the files; the table names all 3,000."""
    shutil.copy(data / "shemo" / "modified_shemo.json", root)
    there = {Path(path).name for path, *_ in listed(data, "shemo")}
    table = json.loads((root / "modified_shemo.json").read_text("utf-8"))
    folder = {"F": "female", "M": "male"}
    return ["modified_shemo.json", *(f"{folder[name[0]]}/{name}" for name in table if name not in there)]


def m3ed(data: Path, root: Path) -> Paths:
    annotation: dict[str, dict[str, dict[str, dict[str, object]]]] = {}
    for path, *_ in listed(data, "m3ed"):
        side, _, key = Path(path).stem.partition("_")
        name = key.rpartition("_")[0]
        dialogues = annotation.setdefault(name.rpartition("_")[0], {})
        dialogue = dialogues.setdefault(
            name, {"SpeakerInfo": {"A": {"Name": "one"}, "B": {"Name": "two"}}, "Dialog": {}}
        )
        dialogue["Dialog"][key] = {
            **{"Speaker": side, "Text": "你好。", "EmoAnnotation": {"final_main_emo": "Neutral"}}
        }
    (root / "annotation.json").write_text(json.dumps(annotation), "utf-8")
    parts = {"train": 38, "val": 7, "test": 11}
    names = iter(sorted(annotation))
    for part, number in parts.items():
        series = "".join(f"{next(names)}\n" for _ in range(number))
        (root / f"movie_list_{part}.txt").write_text(series, "utf-8")
    assert next(names, None) is None  # 56 series
    return ["annotation.json", *(f"movie_list_{part}.txt" for part in parts)]


def pavoque(data: Path, root: Path) -> Paths:
    """The tables as the release has them: the listed spans of each recording."""
    tables: dict[str, list[dict[str, object]]] = {}
    for place, (path, _, _, style, start, end) in enumerate(listed(data, "pavoque")):
        row = {"prompt": f"p{place}", "text": "Ich bin Spike.", "style": style}
        tables.setdefault(Path(path).stem, []).append({**row, "start": float(start), "end": float(end)})
    for name, own in tables.items():
        (root / f"{name}.yaml").write_text(json.dumps(own), "utf-8")
    return [f"{name}.yaml" for name in tables]


def nemo(data: Path, root: Path) -> Paths:
    shutil.copy(data / "nemo" / "data.tsv", root)
    lines = (root / "data.tsv").read_text("utf-8").splitlines()[1:]
    return ["data.tsv", *(f"samples/{line.split(chr(9))[0]}" for line in lines)]


def emorynlp(data: Path, root: Path) -> Paths:
    paths: list[str] = []
    for split in ("train", "dev", "test"):
        name = f"emorynlp_{split}_final.csv"
        shutil.copy(data / "emorynlp" / name, root)
        paths.append(name)
        with (root / name).open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                clip = "sea{Season}_ep{Episode}_sc{Scene_ID}_utt{Utterance_ID}.mp4".format(**row)
                paths.append(f"emorynlp_{split}_splits/{clip}")
    return paths


MAKERS: dict[str, Callable[[Path, Path], Paths]] = {
    maker.__name__: maker for maker in (emozionalmente, emns, mer2023, shemo, m3ed, pavoque, nemo, emorynlp)
}


def survey(name: str, data: Path, root: Path) -> Survey:
    """What the corpus makes of its list; only tables are on disk, since no reader opens audio."""
    own = MAKERS[name](data, root) if name in MAKERS else []
    there = [path for path, *_ in listed(data, name)] if (data / LISTS / f"{name}.tsv").is_file() else []
    corpus = get_corpus(name)
    paths = sorted(map(PurePosixPath, {*there, *own}))
    return corpus.survey_tree(Tree(root, tuple(paths), {}, name, corpus.languages))


@pytest.mark.parametrize("name", KNOWN)
def test_the_rows_are_those_that_are_known(name: str, real_data: Path, tmp_path: Path) -> None:
    known, corpus = KNOWN[name], get_corpus(name)
    made = survey(name, real_data, tmp_path)
    rows = [row for row in made.rows if row.excluded is None]
    lost = {"enterface": 30, "m3ed": 12}.get(name, 0)
    assert len(rows) == corpus.expected_rows - lost
    assert len({row.id for row in rows}) == len(rows)
    assert all(row.source for row in rows)
    assert made.contested == []
    labels = Counter(row.raw_label for row in rows)
    assert set(labels) <= set(corpus.targets)
    assert labels == known.labels or not known.labels
    speakers = {row.speaker: row.gender for row in rows if row.speaker}
    if known.speakers:
        assert len(speakers) == known.speakers
    if known.men or known.women:
        assert Counter(speakers.values()) == Counter(male=known.men, female=known.women)
    assert sum(row.text is not None for row in rows) == known.texts
    assert all(row.text or any(note.startswith("text:") for note in row.notes) for row in rows)
    assert sum(row.excluded == "stray" for row in made.rows) == known.strays
    assert corpus.missing({row.id for row in rows}) == []
    defects = {id for entry in corpus.defects for id in entry["ids"]}
    assert defects <= {row.id.partition("/")[2] for row in rows}


@pytest.mark.parametrize("name", ["emodb", "emovo", "savee", "turevdb"])
def test_emobox_means_these_rows(name: str, real_data: Path, tmp_path: Path) -> None:
    """All keys of its first fold are those of rows of the whole list."""
    corpus = get_corpus(name)
    keys = {corpus.keys["emobox"](row) for row in survey(name, real_data, tmp_path).rows}  # type: ignore[arg-type]
    theirs: set[str] = set()
    for path in (real_data / "emobox" / "data" / name).glob("fold_1/*_fold_1.json"):
        theirs |= json.loads(path.read_text("utf-8")).keys()
    assert len(theirs) > 400
    assert theirs <= keys
