"""RAVDESS, speech only: 24 actors, two sentences, eight emotions; everything is in the file name.

Livingstone & Russo (2018), PLoS ONE 13(5): e0196391. Names: MM-VV-EE-II-SS-RR-AA.wav.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from merdata.corpora.corpus import Corpus, name_of
from merdata.corpora.terms import ATTRIBUTION, GATED, Terms
from merdata.corpora.tree import Tree
from merdata.utterance import Utterance

EMOTIONS = {
    "01": "neutral",
    "02": "calm",
    "03": "happy",
    "04": "sad",
    "05": "angry",
    "06": "fearful",
    "07": "disgust",
    "08": "surprised",
}
INTENSITIES = {"01": "normal", "02": "strong"}
SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
FILE_NAME = re.compile(
    r"03-01-(?P<emotion>0[1-8])-(?P<intensity>0[12])-(?P<sentence>0[12])"
    r"-(?P<repetition>0[12])-(?P<actor>0[1-9]|1\d|2[0-4])"
)
SONG = re.compile(r"03-02-.*")


def read(tree: Tree) -> Iterator[Utterance]:
    """Speech files, wherever they are; the song files only enter the ledger."""
    yield from _speech(tree)
    for path, match in tree.matching(SONG):
        yield Utterance(
            id=str(path.with_suffix("")),
            source=str(path),
            raw_label="song",
            speaker=match[0][-2:],
            excluded="song",
        )


def _speech(tree: Tree) -> Iterator[Utterance]:
    for path, match in tree.matching(FILE_NAME):
        actor = match["actor"]
        yield Utterance(
            id=match[0],
            source=str(path),
            raw_label=EMOTIONS[match["emotion"]],
            speaker=actor,
            text=SENTENCES[match["sentence"]],
            gender="male" if int(actor) % 2 else "female",
            prompt=match["sentence"],
            intensity=INTENSITIES[match["intensity"]],
            scripted=True,
        )


def complete(_: set[str]) -> Iterator[str]:
    """Every combination; neutral has one intensity."""
    for emotion, intensity, sentence, repetition, actor in product(
        EMOTIONS, INTENSITIES, SENTENCES, ("01", "02"), range(1, 25)
    ):
        if (emotion, intensity) != ("01", "02"):
            yield f"03-01-{emotion}-{intensity}-{sentence}-{repetition}-{actor:02d}"


CORPUS = Corpus(
    name="ravdess",
    title="RAVDESS (speech)",
    domain="acted",
    languages=("en",),
    licence="CC-BY-NC-SA-4.0",
    terms=Terms(public=GATED, private=ATTRIBUTION, labels=ATTRIBUTION, text=True),
    homepage="https://zenodo.org/records/1188976",
    expected_rows=1_440,
    targets={
        "neutral": "neutral",
        "calm": "neutral",
        "happy": "joy",
        "sad": "sadness",
        "angry": "anger",
        "fearful": "fear",
        "disgust": "disgust",
        "surprised": "surprise",
    },
    debatable=("calm",),
    layout="Actor_01/03-01-01-01-01-01-01.wav ... Actor_24/",
    file_name=FILE_NAME,
    read=read,
    complete=complete,
    crossed=True,
    keys={"emobox": lambda row: f"ravdess-{name_of(row)}"},
)
