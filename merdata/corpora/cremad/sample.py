"""CREMA-D in miniature: eight actors, five of the twelve sentences, demographics and votes."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from itertools import chain

import numpy as np

from merdata.sample.files import File, Line, pcm16, recording, table, text_file
from merdata.sample.voice import seeded

RATE = 16_000
# 1006 and 1076 come early because they have the known defects that are planted here.
ACTORS = ("1006", "1076", "1001", "1002", "1003", "1004", "1005", "1007")
GENDERS = ("Female", "Female", "Male", "Female", "Male", "Female", "Male", "Male")
EMOTIONS = {
    "NEU": "neutral",
    "HAP": "joy",
    "SAD": "sadness",
    "ANG": "anger",
    "FEA": "fear",
    "DIS": "disgust",
}
LEVELS = {"LO": 0.6, "MD": 0.9, "HI": 1.3, "XX": 1.1}
SENTENCES = {
    "IEO": "It's eleven o'clock.",
    "TIE": "That is exactly what happened.",
    "IOM": "I'm on my way to the meeting.",
    "MTI": "Maybe tomorrow it will be cold.",
    "WSI": "We'll stop in a couple of minutes.",
}
SILENT = "1076_MTI_SAD_XX"
SILENT_SECONDS = 2.57
TWINS = {"1006_TIE_HAP_XX": "1006_TIE_NEU_XX"}  # file -> the one whose bytes it has
PEOPLE = ["African American", "Asian", "Caucasian"]
PANELS = {"Voice": 0.6, "Face": 0.75, "MultiModal": 0.85}  # -> share of votes for the emotion acted
LETTERS = "ADFHNS"
MEANS = ("Anger", "Disgust", "Fear", "Happy", "Neutral", "Sad")


def plan(seed: int, speakers: int | None) -> list[File]:
    """The recordings of the first actors of ACTORS, and the three tables on them."""
    cast = dict(sorted(list(zip(ACTORS, GENDERS, strict=True))[:speakers]))
    names = [name for actor in cast for name in _names(actor)]
    return [
        *(_file(name, cast, seed) for name in names),
        text_file("VideoDemographics.csv", table(_people(cast), csv.QUOTE_NONNUMERIC)),
        text_file("processedResults/tabulatedVotes.csv", table(_counts(names, seed), csv.QUOTE_NONNUMERIC)),
        text_file("processedResults/summaryTable.csv", table(_votes(names, seed), csv.QUOTE_ALL)),
    ]


def _names(actor: str) -> Iterator[str]:
    """The clips of an actor: levels only on the first sentence, and none of neutral."""
    for sentence in SENTENCES:
        for emotion in EMOTIONS:
            levels = ("LO", "MD", "HI") if sentence == "IEO" and emotion != "NEU" else ("XX",)
            yield from (f"{actor}_{sentence}_{emotion}_{level}" for level in levels)


def _file(name: str, cast: dict[str, str], seed: int) -> File:
    path = f"AudioWAV/{name}.wav"
    if name == SILENT:
        return File(path, lambda: pcm16(np.zeros(round(SILENT_SECONDS * RATE), np.float32), RATE))
    source = TWINS.get(name, name)
    actor, sentence, emotion, level = source.split("_")
    gender, strength = cast[actor].lower(), LEVELS[level]
    line = Line("cremad", source, actor, gender, EMOTIONS[emotion], SENTENCES[sentence], strength)
    return recording(path, line, seed, RATE)


def _people(cast: dict[str, str]) -> Iterator[Sequence[object]]:
    yield "ActorID", "Age", "Sex", "Race", "Ethnicity"
    for actor, gender in cast.items():
        rng = seeded("cremad", actor)
        ethnicity = "Hispanic" if rng.random() < 0.1 else "Not Hispanic"
        yield int(actor), int(rng.integers(20, 75)), gender, str(rng.choice(PEOPLE)), ethnicity


def _votes(names: list[str], seed: int) -> Iterator[Sequence[object]]:
    yield "", "FileName", *(f"{panel}{column}" for panel in PANELS for column in ("Vote", "Level"))
    for number, name in enumerate(names, start=1):
        yield number, name, *chain.from_iterable(_panels(name, seed))


def _panels(name: str, seed: int) -> list[tuple[str, str]]:
    rng = seeded(seed, "cremad votes", name)
    return [_vote(name.split("_")[2][0], share, rng) for share in PANELS.values()]


def _counts(names: list[str], seed: int) -> Iterator[Sequence[object]]:
    """The answers of each panel, counted; the mean of an emotion that nobody chose is -1."""
    means = [f"mean{name}Resp" for name in MEANS]
    yield "", *LETTERS, "fileName", "numResponses", "agreement", "emoVote", "meanEmoResp", *means
    for panel in range(len(PANELS)):
        for number, name in enumerate(names, start=1):
            winners, levels = (cell.split(":") for cell in _panels(name, seed)[panel])
            rng = seeded(seed, "cremad counts", name, str(panel))
            most = int(rng.integers(4, 8))
            counts = [most if letter in winners else int(rng.integers(0, 2)) for letter in LETTERS]
            level = dict(zip(winners, map(float, levels), strict=True))
            strengths = [
                level.get(letter, 50.0) if n else -1 for letter, n in zip(LETTERS, counts, strict=True)
            ]
            answers, row = sum(counts), f"{panel + 1}{number:05d}"
            yield (
                row,
                *counts,
                name,
                answers,
                most / answers,
                ":".join(winners),
                max(level.values()),
                *strengths,
            )


def _vote(acted: str, share: float, rng: np.random.Generator) -> tuple[str, str]:
    """What a panel chose and how strong it found it; one vote in eight is a tie."""
    choices = [letter for letter in LETTERS if letter != acted]
    other = "N" if acted != "N" and rng.random() < 0.5 else str(rng.choice(choices))
    levels = rng.uniform(35, 90, 2).round(2)
    if rng.random() < 0.125:
        return ":".join(sorted((acted, other))), f"{levels[0]:.2f}:{levels[1]:.2f}"
    return (acted if rng.random() < share else other), f"{levels[0]:g}"
