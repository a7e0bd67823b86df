"""CREMA-D: 91 actors, 12 sentences, six emotions, crowd votes on voice, face and both.

Cao et al. (2014), IEEE Trans. Affective Computing 5(4): 377-390. The label is the emotion acted. The votes
are those of tabulatedVotes.csv, 4 to 12 for each clip and panel; summaryTable.csv has only the winners.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import PurePosixPath

from merdata.corpora.corpus import Corpus, name_of
from merdata.corpora.csv_table import Row
from merdata.corpora.genders import gender_of, strange_genders
from merdata.corpora.terms import ATTRIBUTION, Terms
from merdata.corpora.tree import Tree, agreed
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
MEANS = {  # columns of the mean strength that those who answered so gave
    letter: f"mean{name}Resp"
    for letter, name in zip(VOTES, ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad"), strict=True)
}
PANELS = {"Voice": "voice", "Face": "face", "MultiModal": "both"}
NUMBERED_PANELS = {"1": "voice", "2": "face", "3": "both"}  # first digit of a row's number
PANEL_ORDER = {panel: place for place, panel in enumerate(NUMBERED_PANELS.values())}
DEMOGRAPHICS, COUNTS, WINNERS = "VideoDemographics.csv", "tabulatedVotes.csv", "summaryTable.csv"
FILE_NAME = re.compile(
    rf"(?P<actor>1\d{{3}})_(?P<sentence>{'|'.join(SENTENCES)})_(?P<emotion>ANG|DIS|FEA|HAP|NEU|SAD)"
    r"_(?P<level>LO|MD|HI|XX|X)",
    re.IGNORECASE,
)
Genders = dict[str, tuple[str | None, str]]  # actor -> gender, and what the table says
Votes = dict[str, tuple[Vote, ...]]


def read(tree: Tree) -> Iterator[Utterance]:
    """Every file, the WAV files before the MP3 files; gender and votes where the csv files are."""
    genders, votes = _genders(tree), _votes(tree)
    stated: Counter[str] = Counter()
    for path, match in tree.matching(FILE_NAME):
        stated[genders.get(match["actor"], (None, ""))[1]] += 1
        yield _utterance(path, match, genders, votes)
    tree.remarks.extend(strange_genders(stated))


def _utterance(path: PurePosixPath, match: re.Match[str], genders: Genders, votes: Votes) -> Utterance:
    actor, sentence, emotion = match["actor"], match["sentence"].upper(), match["emotion"].upper()
    level = match["level"].upper().replace("XX", "X").replace("X", "XX")  # older clones have one X
    name = f"{actor}_{sentence}_{emotion}_{level}"
    gender, stated = genders.get(actor, (None, ""))
    unknown = f"says {stated!r}" if stated else "does not name this actor"
    return Utterance(
        id=name,
        source=str(path),
        raw_label=emotion,
        speaker=actor,
        text=SENTENCES[sentence],
        gender=gender,
        prompt=sentence,
        intensity=LEVELS.get(level),
        scripted=True,
        votes=votes.get(name, ()),
        notes=() if gender else (f"gender: {DEMOGRAPHICS} {unknown}",),
    )


def _genders(tree: Tree) -> Genders:
    path = tree.metadata(DEMOGRAPHICS, "no row has a gender")
    rows = tree.read_csv(path, ["ActorID", "Sex"], "no row has a gender") if path else []
    stated, twice = agreed((str(row.integer("ActorID")), row["Sex"].strip()) for row in rows)
    stated |= dict.fromkeys(twice, "two different things")
    return {actor: (gender_of(sex), sex) for actor, sex in stated.items()}


def _votes(tree: Tree) -> Votes:
    """Clip -> a vote for each answer, or for the winners alone where the table of all answers is missing."""
    winners = tree.named(WINNERS)
    cost = f"the votes are only the winners of {WINNERS}" if winners else "no row has votes"
    path = tree.metadata(COUNTS, cost)
    if path:
        return _counted(tree.read_csv(path, ["", "fileName", *VOTES, *MEANS.values()], "no row has votes"))
    columns = ["FileName", *(panel + kind for panel in PANELS for kind in ("Vote", "Level"))]
    rows = tree.read_csv(tree.one_of(winners), columns, "no row has votes") if winners else []
    return {row["FileName"].strip(): tuple(_panel_votes(row)) for row in rows}


def _counted(rows: list[Row]) -> Votes:
    """As many votes as there were answers; the level of each is the panel's mean for that emotion."""
    votes: dict[str, list[Vote]] = {}
    for row in rows:
        panel = NUMBERED_PANELS.get(row[""][:1])
        if panel:
            own = votes.setdefault(row["fileName"].strip(), [])
            for letter, label in VOTES.items():
                level = _number(row[MEANS[letter]])
                own += [Vote(panel, label, level)] * row.integer(letter)
    return {name: tuple(sorted(own, key=lambda vote: PANEL_ORDER[vote.rater])) for name, own in votes.items()}


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
