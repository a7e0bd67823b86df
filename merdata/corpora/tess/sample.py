"""TESS in miniature: both actresses, ten of the 200 words, the fourteen folders as spelled."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

from merdata.corpora.registry import get_corpus
from merdata.corpora.tree import Tree
from merdata.sample.files import File, Line, recording
from merdata.utterance import Utterance

RATE = 24_414
SPEAKERS = ("OAF", "YAF")
WORDS = ("back", "bite", "boat", "book", "food", "germ", "king", "neat", "pool", "road")
ROOT = "TESS Toronto emotional speech set data"
FOLDERS = {  # where a folder is not called speaker_emotion
    "OAF_fear": "OAF_Fear",
    "OAF_ps": "OAF_Pleasant_surprise",
    "OAF_sad": "OAF_Sad",
    "YAF_ps": "YAF_pleasant_surprised",
}
RENAMED = {"OAF_bite_neutral": "OA_bite_neutral"}
KINDS = {"YAF_germ_angry": "AIFF", "YAF_neat_fear": "AIFF"}
RATES = {"OAF_food_fear": 96_000}


def plan(seed: int, speakers: int | None) -> list[File]:
    """The files of the first, or both, speakers."""
    corpus = get_corpus("tess")
    paths = [
        PurePosixPath(_path(speaker, word, label))
        for speaker in SPEAKERS[:speakers]
        for label in corpus.targets
        for word in WORDS
    ]
    return [_file(row, seed) for row in corpus.read(Tree(Path(), tuple(paths)))]


def _path(speaker: str, word: str, label: str) -> str:
    name, folder = f"{speaker}_{word}_{label}", f"{speaker}_{label}"
    return f"{ROOT}/{FOLDERS.get(folder, folder)}/{RENAMED.get(name, name)}.wav"


def _file(row: Utterance, seed: int) -> File:
    emotion = str(get_corpus("tess").targets[str(row.raw_label)])
    line = Line("tess", row.id, str(row.speaker), str(row.gender), emotion, str(row.text), 1.1)
    return recording(str(row.source), line, seed, RATES.get(row.id, RATE), KINDS.get(row.id, "WAV"))
