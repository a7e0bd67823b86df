"""CREMA-D: 91 actors, 12 sentences, six emotions, crowd votes on voice, face and both.

Cao et al. (2014), IEEE Trans. Affective Computing 5(4): 377-390. The label is the emotion acted.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import zip_longest

from merdata.corpora.corpus import Corpus, mark_duplicates, name_of
from merdata.corpora.terms import ATTRIBUTION, Terms
from merdata.corpora.tree import Row, Tree
from merdata.utterance import Utterance, Vote

SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "IWW": "I wonder what this is about.",
    "TAI": "The airplane is almost full.",
    "MTI": "Maybe tomorrow it will be cold.",
    "IWL": "I would like a new alarm clock.",
    "ITH": "I think I have a doctor's appointment.",
    "DFA": "Don't forget a jacket.",
    "ITS": "I think I've seen this before.",
    "TSI": "The surface is slick.",
    "WSI": "We'll stop in a couple of minutes.",
}
LEVELS = {"LO": "low", "MD": "medium", "HI": "high"}  # XX: unspecified
VOTES = {"A": "ANG", "D": "DIS", "F": "FEA", "H": "HAP", "N": "NEU", "S": "SAD"}
PANELS = {"Voice": "voice", "Face": "face", "MultiModal": "both"}
FILE_NAME = re.compile(
    rf"(?P<actor>1\d{{3}})_(?P<sentence>{'|'.join(SENTENCES)})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)"
    r"_(?P<level>LO|MD|HI|XX|X)\.(?P<kind>wav|mp3)",
    re.IGNORECASE,
)


def read(tree: Tree) -> Iterator[Utterance]:
    """The WAV files, or the MP3 files where a clip has no WAV; gender and votes where the csv files are."""
    genders, votes = _genders(tree), _votes(tree)
    wavs = {path.stem.upper() for path, match in tree.matching(FILE_NAME) if match["kind"].lower() == "wav"}
    return mark_duplicates(
        _utterance(str(path), match, genders, votes)
        for path, match in tree.matching(FILE_NAME)
        if match["kind"].lower() == "wav" or path.stem.upper() not in wavs
    )


def _utterance(
    source: str, match: re.Match[str], genders: dict[str, str], votes: dict[str, tuple[Vote, ...]]
) -> Utterance:
    actor, sentence, emotion = match["actor"], match["sentence"].upper(), match["emotion"].upper()
    level = match["level"].upper().replace("XX", "X").replace("X", "XX")  # older clones have one X
    name = f"{actor}_{sentence}_{emotion}_{level}"
    return Utterance(
        id=name,
        source=source,
        raw_label=emotion,
        speaker=actor,
        text=SENTENCES[sentence],
        gender=genders.get(actor),
        prompt=sentence,
        intensity=LEVELS.get(level),
        scripted=True,
        votes=votes.get(name, ()),
        notes=() if actor in genders else ("gender: VideoDemographics.csv does not name this actor",),
    )


def _genders(tree: Tree) -> dict[str, str]:
    path = tree.named("VideoDemographics.csv")
    rows = tree.read_csv(path, ["ActorID", "Sex"]) if path else []
    return {row["ActorID"].strip(): row["Sex"].strip().lower() for row in rows}


def _votes(tree: Tree) -> dict[str, tuple[Vote, ...]]:
    path = tree.named("summaryTable.csv")
    columns = ["FileName", *(panel + kind for panel in PANELS for kind in ("Vote", "Level"))]
    rows = tree.read_csv(path, columns) if path else []
    return {row["FileName"].strip(): tuple(_panel_votes(row)) for row in rows}


def _panel_votes(row: Row) -> Iterator[Vote]:
    """A tie is written `A:D` with levels `60:55`."""
    for panel, rater in PANELS.items():
        labels, levels = row[f"{panel}Vote"].split(":"), row[f"{panel}Level"].split(":")
        for label, level in zip_longest(labels, levels):
            if label in VOTES:
                yield Vote(rater, VOTES[label], _number(level))


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None


CORPUS = Corpus(
    name="cremad",
    title="CREMA-D",
    domain="acted",
    languages=("en",),
    licence="ODbL-1.0",
    terms=Terms(public=ATTRIBUTION, private=ATTRIBUTION, labels=ATTRIBUTION, text=True),
    homepage="https://github.com/CheyneyComputerScience/CREMA-D",
    expected_rows=7_442,
    targets={
        "ANG": "anger",
        "DIS": "disgust",
        "FEA": "fear",
        "HAP": "joy",
        "NEU": "neutral",
        "SAD": "sadness",
    },
    layout="AudioWAV/1001_DFA_ANG_XX.wav ... (or AudioMP3/), VideoDemographics.csv",
    file_name=FILE_NAME,
    read=read,
    crossed=True,
    keys={"emobox": lambda row: f"cremad-{name_of(row).replace('_', '-')}"},
)
