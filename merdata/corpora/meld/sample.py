"""MELD in miniature: 48 dialogues of the three splits, as csv files and mp4 clips."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import NamedTuple

import numpy as np

from merdata.corpora.meld.script import Turn, dialogue
from merdata.sample.files import File, Line, mp4, table
from merdata.sample.voice import seeded

CLIP_RATE = 48_000
HEADER = (
    *("Sr No.", "Utterance", "Speaker", "Emotion", "Sentiment", "Dialogue_ID", "Utterance_ID"),
    *("Season", "Episode", "StartTime", "EndTime"),
)
CAST = 6
SURROUND_SHARE = 0.12  # of the clips are in 5.1, the speech in the third channel, the centre
ROOM = 0.002  # noise in every channel


class Split(NamedTuple):
    """A split: where its clips lie, and the numbers of its dialogues, which start again in each.

    Dialogues whose real namesakes have a known defect are left out, but for those that are here to
    show it; these come first, so that the smallest miniature has them too.
    """

    name: str
    folder: str
    dialogues: Sequence[int]


SPLITS = (
    Split("train", "train/train_splits", (125, 0, 1, 2, 3, *range(5, 30))),
    Split("dev", "dev/dev_splits_complete", (110, 66, 0, 1, 2, 3, 4, 5)),
    Split("test", "test/output_repeated_splits_test", (0, 3, 6, 7, 8, 9, 10, 13, 16, 18)),
)
LENGTHS = {"train/dia125": 6, "dev/dia110": 9, "dev/dia66": 9}  # as many turns as the defects need
CORRUPT = "train/dia125_utt3"
MISSING = "dev/dia110_utt7"
STRAY = Turn("dev", 66, 9, "Guy", "male", "neutral", "neutral", "Nobody wrote this down.")
MOJIBAKE = "dev"  # its csv is the variant whose cp1252 was read as Latin-1
ELLIPSIS = "dev/dia110_utt0"  # becomes U+0085 there, which is a line end to str.splitlines


def plan(seed: int, speakers: int | None) -> list[File]:
    """Clips and csv of the three splits; with fewer regulars, fewer dialogues in proportion."""
    cast = min(speakers or CAST, CAST)
    return [file for split in SPLITS for file in _files(split, cast, seed)]


def _files(split: Split, cast: int, seed: int) -> list[File]:
    turns = turns_of(split, cast, seed)
    there = [turn for turn in turns if turn.name != MISSING]
    if STRAY.split == split.name:
        there.append(STRAY)
    clips = [_clip(split, turn, seed) for turn in there]
    return [*clips, File(f"{split.name}_sent_emo.csv", lambda: _csv(split, turns, seed))]


def turns_of(split: Split, cast: int, seed: int) -> list[Turn]:
    """The rows of a split's csv, in order; `cast` is how many regulars there are."""
    numbers = split.dialogues[: max(2, len(split.dialogues) * cast // CAST)]
    turns: list[Turn] = []
    for place, number in enumerate(numbers):
        length = LENGTHS.get(f"{split.name}/dia{number}")
        turns += dialogue(split.name, number, place, length, cast, seed)
    return sorted(_with_ellipsis(turn) for turn in turns)


def _with_ellipsis(turn: Turn) -> Turn:
    return turn._replace(text=f"Well… {turn.text}") if turn.name == ELLIPSIS else turn


def _clip(split: Split, turn: Turn, seed: int) -> File:
    path = f"{split.folder}/dia{turn.dialogue}_utt{turn.number}.mp4"
    if turn.name == CORRUPT:
        return File(path, lambda: seeded(seed, CORRUPT).bytes(20_000))
    return File(path, lambda: _mp4(turn, seed))


def _mp4(turn: Turn, seed: int) -> bytes:
    """Mostly stereo, the speech in both channels; now and then 5.1, the speech in the centre."""
    rng = seeded(seed, "meld channels", turn.name)
    surround = rng.random() < SURROUND_SHARE
    gains = np.array([0, 0, 1, 0, 0, 0] if surround else [1, 0.95], np.float32)
    speech = _line(turn).spoken(seed, CLIP_RATE)
    room = rng.standard_normal((len(gains), len(speech)), np.float32)
    channels = gains[:, None] * speech + np.float32(ROOM) * room
    return mp4(channels, CLIP_RATE, "5.1" if surround else "stereo")


def _line(turn: Turn) -> Line:
    return Line("meld", turn.name, turn.speaker, turn.gender, turn.emotion, turn.text)


def _csv(split: Split, turns: list[Turn], seed: int) -> bytes:
    rows = [HEADER, *((number, *row) for number, row in enumerate(_rows(turns, seed), start=1))]
    if split.name == MOJIBAKE:
        return table(rows).encode("cp1252").decode("latin-1").encode("utf-8")
    return table(rows, end="\r\n").encode("utf-8")


def _rows(turns: list[Turn], seed: int) -> Iterator[tuple[object, ...]]:
    for number, group in groupby(turns, key=lambda turn: turn.dialogue):
        rng = seeded(seed, "meld scene", turns[0].split, number)
        season, episode, clock = rng.integers(1, 10), rng.integers(1, 25), rng.uniform(30, 1200)
        for turn in group:
            begin = clock + rng.uniform(0.1, 0.8)
            clock = begin + _line(turn).seconds(seed)
            words = (turn.text, turn.speaker, turn.emotion, turn.sentiment)
            yield *words, number, turn.number, season, episode, _time(begin), _time(clock)


def _time(seconds: float) -> str:
    milliseconds = round(seconds * 1000)
    minutes, rest = divmod(milliseconds, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d},{rest % 1000:03d}"
