"""TESS: two actresses say 200 words in the carrier "Say the word ..." in seven emotions.

Pichora-Fuller & Dupuis (2020), University of Toronto Dataverse, doi:10.5683/SP2/E8H2MF.
The emotion is read from the file name: the folders' spellings differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from merdata.corpora.corpus import Corpus, name_of
from merdata.corpora.terms import ATTRIBUTION, GATED, Terms
from merdata.corpora.tree import Tree
from merdata.utterance import Utterance

SPEAKERS = {"oaf": "OAF", "yaf": "YAF", "oa": "OAF"}  # OA_bite_neutral.wav is a slip for OAF
FILE_NAME = re.compile(
    r"(?P<speaker>OAF|YAF|OA)_(?P<word>[a-z]+)_(?P<emotion>angry|disgust|fear|happy|neutral|ps|sad)",
    re.IGNORECASE,
)


def read(tree: Tree) -> Iterator[Utterance]:
    """Files of any of the layouts (nested, flat, doubled)."""
    for path, match in tree.matching(FILE_NAME):
        speaker = SPEAKERS[match["speaker"].lower()]
        word, emotion = match["word"].lower(), match["emotion"].lower()
        yield Utterance(
            id=f"{speaker}_{word}_{emotion}",
            source=str(path),
            raw_label=emotion,
            speaker=speaker,
            text=f"Say the word {word}.",
            gender="female",
            prompt=word,
            scripted=True,
        )


def complete(ids: set[str]) -> Iterator[str]:
    """Both actresses say every word that either of them says, in every emotion."""
    words = {id.split("_")[1] for id in ids}
    for speaker, word, emotion in product(("OAF", "YAF"), words, CORPUS.targets):
        yield f"{speaker}_{word}_{emotion}"


CORPUS = Corpus(
    name="tess",
    title="TESS",
    domain="acted",
    languages=("en",),
    licence="CC-BY-NC-ND-4.0",
    terms=Terms(public=GATED, private=ATTRIBUTION, labels=ATTRIBUTION, text=True),
    homepage="https://doi.org/10.5683/SP2/E8H2MF",
    expected_rows=2_800,
    targets={
        "angry": "anger",
        "disgust": "disgust",
        "fear": "fear",
        "happy": "joy",
        "neutral": "neutral",
        "ps": "surprise",
        "sad": "sadness",
    },
    layout="OAF_angry/OAF_back_angry.wav ... YAF_sad/, or all files in one folder",
    file_name=FILE_NAME,
    read=read,
    complete=complete,
    crossed=True,
    keys={"emobox": lambda row: f"tess-{name_of(row).replace('_', '-')}"},
)
