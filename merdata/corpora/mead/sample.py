"""MEAD in miniature: a few clips of every group, one group whole, and what copies of it lack."""

from __future__ import annotations

from merdata.corpora.mead.texts import sentences
from merdata.sample.files import File, Line, mp4

RATE = 48_000
SPEAKERS = ("M003", "W009", "M028", "W011")
EMOTIONS = {  # folder -> class of the voice
    "angry": "anger",
    "contempt": "disgust",
    "disgusted": "disgust",
    "fear": "fear",
    "happy": "joy",
    "neutral": "neutral",
    "sad": "sadness",
    "surprised": "surprise",
}
STRENGTHS = {"1": 0.8, "2": 1.0, "3": 1.25}
CLIPS = {"1": (1, 2, 3), "2": (1, 2), "3": (1, 2)}  # numbers of a group, by level
WHOLE = ("M003", "fear", "1")  # long enough for its sentences to be known
HOLE = ("W009", "sad", "1")  # its clip 2 is not there
LINES = ("Why would you tell her now", "They moved the table again", "Nobody knew it was over")


def plan(seed: int, speakers: int | None) -> list[File]:
    """The recordings of the first speakers, and one empty file of video beside them."""
    chosen = SPEAKERS[:speakers]
    groups = [
        (speaker, emotion, level)
        for speaker in chosen
        for emotion in EMOTIONS
        for level in (("1",) if emotion == "neutral" else STRENGTHS)
    ]
    clips = [_recording(*group, number, seed) for group in groups for number in _numbers(group)]
    return [*clips, File(f"{chosen[0]}/video/front/angry/level_1/001.mp4", bytes)]


def _numbers(group: tuple[str, str, str]) -> tuple[int, ...]:
    if group == WHOLE:
        return tuple(range(1, 31))
    return tuple(number for number in CLIPS[group[2]] if group != HOLE or number != 2)


def _recording(speaker: str, emotion: str, level: str, number: int, seed: int) -> File:
    path = f"{speaker}/audio/{emotion}/level_{level}/{number:03d}.m4a"
    whole = (speaker, emotion, level) == WHOLE
    known = sentences(speaker, emotion, int(level), range(1, 31)) if whole else {}
    text = (known[number].text if known else None) or LINES[number % len(LINES)]
    gender = "male" if speaker[0] == "M" else "female"
    line = Line("mead", path, speaker, gender, EMOTIONS[emotion], text, STRENGTHS[level])
    return File(path, lambda: mp4(line.spoken(seed, RATE)[None], RATE, "mono"))
