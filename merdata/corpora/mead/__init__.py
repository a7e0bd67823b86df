"""MEAD (part 0, speech): 48 actors, eight emotions at three levels (neutral at one).

Wang et al. (2020), ECCV. Speaker, emotion, level and number are read from the path; the number is no sentence
id, for groups that lost recordings were numbered anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from merdata.corpora.corpus import Corpus, StoredRow, mark_duplicates, stray
from merdata.corpora.mead.texts import Sentence, sentences
from merdata.corpora.terms import ATTRIBUTION, NEVER, Terms
from merdata.corpora.tree import Tree
from merdata.utterance import Utterance

EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
FILE_NAME = re.compile(r"\d{3}\.(?:m4a|wav)", re.IGNORECASE | re.ASCII)
PATH = re.compile(
    rf"(?:.*/)?(?P<speaker>[MW]\d{{3}})/audio/(?P<emotion>{'|'.join(EMOTIONS)})"
    r"/level_(?P<level>[123])/(?P<number>\d{3})\.\w+",
    re.ASCII | re.DOTALL,
)
ORDER_UNKNOWN = "text: the order of this group's sentences is not known"
NO_PLACE = "its path is not SPEAKER/audio/EMOTION/level_N/NNN.m4a"
NOT_PUBLIC = "text: the sentence of this clip is not public"

Group = tuple[str, str, str]  # speaker, emotion, level
Clips = list[tuple[int, PurePosixPath | None]]


def read(tree: Tree) -> Iterator[Utterance]:
    """Every number of every group; a hole in a group's numbering is a row that the disk lacks."""
    groups: dict[Group, Clips] = {}
    strays = []
    for path, _ in tree.matching(FILE_NAME):
        match = PATH.fullmatch(str(path))
        if match is None:
            strays.append(path)
            continue
        group = (match["speaker"], match["emotion"], match["level"])
        groups.setdefault(group, []).append((int(match["number"]), path))
    yield from mark_duplicates(row for group, clips in sorted(groups.items()) for row in _rows(group, clips))
    yield from (stray(path, NO_PLACE) for path in strays)


def _rows(group: Group, clips: Clips) -> Iterator[Utterance]:
    speaker, emotion, level = group
    there = {number for number, _ in clips}
    holes: Clips = [(number, None) for number in range(1, max(there)) if number not in there]
    texts = sentences(speaker, emotion, max(there))
    for number, path in sorted([*clips, *holes], key=lambda clip: (clip[0], str(clip[1]))):
        sentence = texts[number - 1] if texts and number else Sentence(None, None)
        why = () if sentence.text else (NOT_PUBLIC if texts else ORDER_UNKNOWN,)
        yield Utterance(
            id=f"{speaker}/{emotion}/level_{level}/{number:03d}",
            source=str(path) if path else None,
            raw_label=emotion,
            speaker=speaker,
            text=sentence.text,
            gender="male" if speaker[0] == "M" else "female",
            prompt=sentence.prompt,
            intensity=f"level_{level}",
            scripted=True,
            notes=why,
        )


def emobox_key(row: StoredRow) -> str:
    speaker, emotion, level, number = PurePosixPath(row.id).parts[-4:]
    return f"mead-{speaker}-{emotion}-{level}-{number}".replace("_", "-")


CORPUS = Corpus(
    name="mead",
    title="MEAD (part 0, speech)",
    domain="acted",
    languages=("en",),
    licence="research, non-commercial (terms of use of the release)",
    terms=Terms(public=NEVER, private=ATTRIBUTION, labels=ATTRIBUTION),
    homepage="https://github.com/uniBruce/Mead",
    expected_rows=31_734,
    difference="five clips of the release cannot be decoded, and copies of 31,729 files lack them "
    "(W014 angry level_1 017, M041 sad level_2 011-014)",
    targets={
        "angry": "anger",
        "contempt": None,
        "disgusted": "disgust",
        "fear": "fear",
        "happy": "joy",
        "neutral": "neutral",
        "sad": "sadness",
        "surprised": "surprise",
    },
    debatable=("contempt",),
    layout="M003/audio/angry/level_1/001.m4a ... W040/ (video folders beside are passed over)",
    file_name=FILE_NAME,
    read=read,
    keys={"emobox": emobox_key},
)
