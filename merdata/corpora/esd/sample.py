"""ESD in miniature: six of the 20 speakers, six of the 350 sentences, the official tree, mixed encodings."""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from merdata.sample.files import File, Line, recording, text_file

RATE = 16_000
ROOT = "Emotional Speech Dataset (ESD)"
BLOCK = 350


class Actor(NamedTuple):
    """A speaker, and how the transcripts are written."""

    name: str
    gender: str
    encoding: str
    comma: str = ", "


ACTORS = (
    Actor("0001", "female", "gb2312"),
    Actor("0016", "female", "gb18030", "，"),
    Actor("0011", "male", "ascii"),
    Actor("0003", "female", "utf-16"),
    Actor("0012", "male", "utf-16"),
    Actor("0004", "male", "gb2312"),
)
EMOTIONS = {  # in the order of their blocks; label in Mandarin, class of the voice
    "Neutral": ("中立", "neutral"),
    "Angry": ("生气", "anger"),
    "Happy": ("快乐", "joy"),
    "Sad": ("伤心", "sadness"),
    "Surprise": ("惊喜", "surprise"),
}
SENTENCES = {  # prompt -> Mandarin, English; nobody's but ours
    2: ("明天我们去看海，好不好。", "Tomorrow, we will go and see the sea."),
    14: ("他把书放在桌子上了。", "He has put the book on the table."),
    27: ("这条路很长，我们慢慢走。", "The road is long, so we walk slowly."),
    51: ("窗外下着小雨。", "A light rain falls outside the window."),
    120: ("请给我一杯热茶。", "A cup of hot tea, please."),
    305: ("火车已经开走了。", "The train has already left."),
}
SLIPS = {"0001_000120": "请给我一杯热水。", "0012_001355": "The train had already left."}  # read otherwise
MISSING = ("0004_000027",)  # a file without a line
BLANKS = (27, 305)  # prompts whose lines have blanks where the others have tabs


def plan(seed: int, speakers: int | None) -> list[File]:
    """The recordings and transcripts of the first actors, and a ReadMe."""
    cast = ACTORS[:speakers]
    recordings = [_recording(actor, number, seed) for actor in cast for number in _numbers()]
    tables = [File(f"{ROOT}/{actor.name}/{actor.name}.txt", partial(_table, actor)) for actor in cast]
    return [*recordings, *tables, text_file(f"{ROOT}/ReadMe.txt", "A miniature of ESD.\n")]


def _numbers() -> list[int]:
    return [BLOCK * block + prompt for block in range(len(EMOTIONS)) for prompt in SENTENCES]


def _name(actor: Actor, number: int) -> str:
    return f"{actor.name}_{number:06d}"


def _emotion(number: int) -> str:
    return list(EMOTIONS)[(number - 1) // BLOCK]


def _sentence(actor: Actor, number: int) -> str:
    mandarin, english = SENTENCES[(number - 1) % BLOCK + 1]
    text = mandarin if int(actor.name) <= 10 else english
    return SLIPS.get(_name(actor, number), text)


def _recording(actor: Actor, number: int, seed: int) -> File:
    name, emotion, place = _name(actor, number), _emotion(number), (number - 1) % BLOCK
    part = "evaluation" if place < 20 else "test" if place < 50 else "train"
    _, voice = EMOTIONS[emotion]
    line = Line("esd", name, actor.name, actor.gender, voice, _sentence(actor, number))
    return recording(f"{ROOT}/{actor.name}/{emotion}/{part}/{name}.wav", line, seed, RATE)


def _table(actor: Actor) -> bytes:
    lines = [_line(actor, number) for number in _numbers() if _name(actor, number) not in MISSING]
    return "".join(f"{line}\r\n" for line in lines).encode(actor.encoding)


def _line(actor: Actor, number: int) -> str:
    emotion = _emotion(number)
    label = EMOTIONS[emotion][0] if int(actor.name) <= 10 else emotion
    text = _sentence(actor, number).replace(", ", actor.comma)
    gap = "  " if (number - 1) % BLOCK + 1 in BLANKS else "\t"
    return gap.join((_name(actor, number), text, label))
