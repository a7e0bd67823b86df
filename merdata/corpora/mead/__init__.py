"""MEAD (part 0, speech): 48 actors, eight emotions at three levels (neutral at one).

Wang et al. (2020), ECCV. Speaker, emotion, level and number are read from the path; the number is not
the id of a sentence: groups that lost recordings were renumbered.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from merdata.corpora.corpus import Corpus, StoredRow, stray
from merdata.corpora.mead.texts import Sentence, sentences
from merdata.corpora.terms import ATTRIBUTION, NEVER, Terms
from merdata.corpora.tree import Tree
from merdata.utterance import Utterance

EMOTIONS = ("angry", "contempt", "disgusted", "fear", "happy", "neutral", "sad", "surprised")
FILE_NAME = re.compile(r"\d{3}", re.ASCII)
PATH = re.compile(
    rf"(?:.*/)?(?P<speaker>[MW]\d{{3}})/audio/(?P<emotion>{'|'.join(EMOTIONS)})"
    r"/level_(?P<level>[123])/(?P<number>\d{3})(?:\.[^/]*)?",
    re.ASCII | re.DOTALL | re.IGNORECASE,
)
NO_PLACE = "its path is not SPEAKER/audio/EMOTION/level_N/NNN.m4a"
VIDEO = re.compile(r"(?:.*/)?video/.*", re.DOTALL | re.IGNORECASE)

Group = tuple[str, str, str]  # speaker, emotion, level
Clips = dict[int, list[PurePosixPath]]  # number -> its files


def read(tree: Tree) -> Iterator[Utterance]:
    """Every number of every group; a hole in a group's numbering is a row that the disk lacks."""
    groups: dict[Group, Clips] = {}
    strays = []
    for path, _ in tree.matching(FILE_NAME):
        match = PATH.fullmatch(str(path))
        if match:
            group = (match["speaker"].upper(), match["emotion"].lower(), match["level"])
            groups.setdefault(group, {}).setdefault(int(match["number"]), []).append(path)
        elif not VIDEO.fullmatch(str(path)):
            strays.append(path)
    for group, clips in sorted(groups.items()):
        yield from _rows(group, clips)
    yield from (stray(path, NO_PLACE) for path in strays)


def _rows(group: Group, clips: Clips) -> Iterator[Utterance]:
    speaker, emotion, level = group
    texts = sentences(speaker, emotion, int(level), clips)
    for number in range(min(1, *clips), max(clips) + 1):
        sentence = texts.get(number) or Sentence(None, None, next(iter(texts.values())).why)
        for path in clips.get(number) or (None,):
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
                notes=(sentence.why,) if sentence.why else (),
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
    endings=(".m4a",),
    read=read,
    keys={"emobox": emobox_key},
)
