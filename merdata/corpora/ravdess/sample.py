"""RAVDESS in miniature: eight actors, one repetition, and the others that show a known defect."""

from __future__ import annotations

from itertools import product

import numpy as np

from merdata.sample.files import File, Line, pcm16, recording

RATE = 48_000
ACTORS = 8
EMOTIONS = {  # code -> class of the voice, how strongly it is played
    "01": ("neutral", 1.0),
    "02": ("sadness", 0.3),  # calm
    "03": ("joy", 1.0),
    "04": ("sadness", 1.0),
    "05": ("anger", 1.0),
    "06": ("fear", 1.0),
    "07": ("disgust", 1.0),
    "08": ("surprise", 1.0),
}
INTENSITIES = {"01": 0.9, "02": 1.25}
SENTENCES = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
STEREO = (
    "03-01-02-01-01-02-01",
    "03-01-08-01-02-02-01",
    "03-01-02-01-02-02-05",
    "03-01-03-01-02-01-20",
    "03-01-06-01-01-02-20",
)
TWINS = {"03-01-03-01-02-02-07": "03-01-03-01-02-01-07"}  # file -> the one whose bytes it has


def plan(seed: int, speakers: int | None) -> list[File]:
    """The files of the first actors."""
    actors = [f"{number:02d}" for number in range(1, min(speakers or ACTORS, 24) + 1)]
    return [_file(name, seed) for actor in actors for name in _names(actor)]


def _names(actor: str) -> list[str]:
    """Repetition 01 of everything (neutral has one intensity), and the defects of this actor."""
    names = {
        f"03-01-{emotion}-{intensity}-{sentence}-01-{actor}"
        for emotion, intensity, sentence in product(EMOTIONS, INTENSITIES, SENTENCES)
        if (emotion, intensity) != ("01", "02")
    }
    return sorted(names | {name for name in (*STEREO, *TWINS) if name.endswith(f"-{actor}")})


def _file(name: str, seed: int) -> File:
    path, line = f"Actor_{name[-2:]}/{name}.wav", _line(TWINS.get(name, name))
    if name in STEREO:
        return File(path, lambda: _stereo(line, seed))
    return recording(path, line, seed, RATE)


def _line(name: str) -> Line:
    _, _, code, intensity, sentence, _, actor = name.split("-")
    emotion, strength = EMOTIONS[code]
    gender = "male" if int(actor) % 2 else "female"
    strength *= INTENSITIES[intensity]
    return Line("ravdess", name, actor, gender, emotion, SENTENCES[sentence], strength)


def _stereo(line: Line, seed: int) -> bytes:
    """Two channels, the right one a little softer."""
    mono = line.spoken(seed, RATE)
    return pcm16(np.stack([mono, mono * np.float32(0.9)], axis=1), RATE)
