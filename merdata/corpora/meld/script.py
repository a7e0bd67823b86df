"""Dialogues for the miniature of MELD: who speaks, in what emotion, in which words."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import NamedTuple

import numpy as np
import yaml

from merdata.sample.voice import seeded

REGULARS = {
    "Chandler": "male",
    "Monica": "female",
    "Joey": "male",
    "Phoebe": "female",
    "Ross": "male",
    "Rachel": "female",
}
GUESTS = {"The Waiter": "male", "Guy": "male", "Woman": "female", "Dr. Miller": "female"}
GUEST_SHARE = 0.08
LENGTHS = (4, 10)
SENTIMENTS = {
    "anger": ("negative",),
    "disgust": ("negative",),
    "fear": ("negative",),
    "joy": ("positive",),
    "sadness": ("negative",),
    "surprise": ("negative", "positive"),
    "neutral": ("neutral",),
}
EMOTIONS = tuple(SENTIMENTS)
SHARES = (0.09, 0.03, 0.03, 0.15, 0.06, 0.10, 0.54)
# How an emotional line is worded: in its own words, with neutral ones besides, or neutral alone.
WORDINGS = {"own": 0.45, "both": 0.2, "plain": 0.35}


class Turn(NamedTuple):
    """One row of the csv; season, episode and times follow from the dialogue."""

    split: str
    dialogue: int
    number: int
    speaker: str
    gender: str
    emotion: str
    sentiment: str
    text: str

    @property
    def name(self) -> str:
        """Its id without the corpus, such as `train/dia0_utt0`."""
        return f"{self.split}/dia{self.dialogue}_utt{self.number}"


def dialogue(
    split: str,
    number: int,
    place: int,
    turns: int | None,
    cast: int,
    seed: int,
) -> list[Turn]:
    """The turns of one dialogue.

    Args:
        split: its split.
        number: its number there.
        place: how many dialogues of the split come before it.
        turns: how many turns it has; None for chance.
        cast: how many of the regulars take part.
        seed: of chance.
    """
    rng = seeded(seed, "meld dialogue", split, number)
    length = turns or int(rng.integers(LENGTHS[0], LENGTHS[1], endpoint=True))
    present = rng.permutation(list(REGULARS)[:cast])[:3].tolist()
    emotions = [_emotion(place, at, rng) for at in range(length)]
    return [_turn(split, number, at, emotion, present, rng) for at, emotion in enumerate(emotions)]


def _emotion(place: int, at: int, rng: np.random.Generator) -> str:
    """Two opening turns are dealt in order, so that every split has every class; then chance."""
    if at < 2:
        return EMOTIONS[(2 * place + at) % len(EMOTIONS)]
    return str(rng.choice(EMOTIONS, p=SHARES))


def _turn(
    split: str,
    number: int,
    at: int,
    emotion: str,
    present: list[str],
    rng: np.random.Generator,
) -> Turn:
    guest = rng.random() < GUEST_SHARE
    speaker = str(rng.choice(list(GUESTS) if guest else present))
    gender = (GUESTS if guest else REGULARS)[speaker]
    sentiment = str(rng.choice(SENTIMENTS[emotion]))
    return Turn(split, number, at, speaker, gender, emotion, sentiment, _text(emotion, rng))


def _text(emotion: str, rng: np.random.Generator) -> str:
    wording = str(rng.choice(list(WORDINGS), p=list(WORDINGS.values())))
    parts = {"own": (emotion,), "both": (emotion, "neutral"), "plain": ("neutral",)}[wording]
    return " ".join(_line(part, rng) for part in rng.permutation(parts))


def _line(emotion: str, rng: np.random.Generator) -> str:
    lines = _lines()
    words = {slot: str(rng.choice(lines[slot])) for slot in ("place", "thing")}
    return str(rng.choice(lines[emotion])).format(name=rng.choice(list(REGULARS)), **words)


@cache
def _lines() -> dict[str, list[str]]:
    text = (files(__package__) / "lines.yaml").read_text("utf-8")
    lines: dict[str, list[str]] = yaml.safe_load(text)
    return lines
