"""EMO-DB in miniature: every sentence in every emotion, one take."""

from __future__ import annotations

from itertools import product

from berlin_for_merdata import SENTENCES, TARGETS, WOMEN
from merdata.plugin import File, Line, recording

ACTORS = ("03", "08", "09", "10")


def plan(seed: int, speakers: int | None) -> list[File]:
    """The files of the first actors, 16 kHz as in the corpus."""
    return [
        recording(f"wav/{actor}{sentence}{emotion}a.wav", _line(actor, sentence, emotion), seed, 16_000)
        for actor, sentence, emotion in product(ACTORS[:speakers], SENTENCES, TARGETS)
    ]


def _line(actor: str, sentence: str, emotion: str) -> Line:
    name, gender = f"{actor}{sentence}{emotion}a", "female" if actor in WOMEN else "male"
    return Line("berlin", name, actor, gender, TARGETS[emotion] or "neutral", SENTENCES[sentence])
