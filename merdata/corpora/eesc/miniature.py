"""EESC in miniature: two sentences in each emotion, with their TextGrids."""

from __future__ import annotations

from merdata.sample.files import File, Line, recording, text_file

RATE = 44_100
SENTENCES = ("Täna on ilus ilm.", "Ma ei tea, kus ta on.")
EMOTIONS = ("anger", "joy", "neutral", "sadness")


def plan(seed: int, speakers: int | None) -> list[File]:
    """Recordings and TextGrids; there is one speaker, whatever the number."""
    files, number = [], 119_700
    for emotion in EMOTIONS[: None if speakers is None or speakers > 0 else 0]:
        for text in SENTENCES:
            number += 1
            line = Line("eesc", str(number), "reader", "female", emotion, text)
            files += [recording(f"{number}.wav", line, seed, RATE), _grid(number, emotion, text)]
    return files


def _grid(number: int, emotion: str, text: str) -> File:
    tiers = "".join(_tier(*tier) for tier in ((1, "emotion", emotion), (2, "sentence", text)))
    head = 'File type = "ooTextFile"\nObject class = "TextGrid"\nitem []:\n'
    return text_file(f"{number}.TextGrid", head + tiers)


def _tier(place: int, name: str, content: str) -> str:
    return (
        f'    item [{place}]:\n        class = "IntervalTier"\n        name = "{name}"\n'
        f"        intervals [1]:\n            xmin = 0\n            xmax = 1\n"
        f'            text = "{content}"\n'
    )
