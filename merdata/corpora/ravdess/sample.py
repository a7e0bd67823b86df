"""RAVDESS in miniature: eight actors, one repetition, and the others that show a known defect."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np

from merdata.corpora.registry import get_corpus
from merdata.corpora.tree import Tree
from merdata.sample.files import File, Line, pcm16, recording
from merdata.utterance import Utterance

RATE = 48_000
ACTORS = 8
CALM = ("sadness", 0.3)  # class of the voice, how strongly it is played
STRENGTHS = {"normal": 0.9, "strong": 1.25}
STEREO = (
    "03-01-02-01-01-02-01",
    "03-01-08-01-02-02-01",
    "03-01-02-01-02-02-05",
    "03-01-03-01-02-01-20",
    "03-01-06-01-01-02-20",
)
TWINS = {"03-01-03-01-02-02-07": "03-01-03-01-02-01-07"}  # file -> the one whose bytes it has


def plan(seed: int, speakers: int | None) -> list[File]:
    """The files of the first actors: repetition 01 of everything, and the defects."""
    corpus = get_corpus("ravdess")
    actors = [f"{number:02d}" for number in range(1, min(speakers or ACTORS, 24) + 1)]
    names = sorted(corpus.complete(set()) if corpus.complete else ())
    paths = {
        name: PurePosixPath(f"Actor_{actor}/{name}.wav")
        for actor in actors
        for name in names
        if name.endswith(f"-{actor}") and (name.split("-")[5] == "01" or name in (*STEREO, *TWINS))
    }
    rows = {row.id: row for row in corpus.read(Tree(Path(), tuple(paths.values())))}
    return [_file(name, rows, seed) for name in paths]


def _file(name: str, rows: dict[str, Utterance], seed: int) -> File:
    path, line = str(rows[name].source), _line(rows[TWINS.get(name, name)])
    if name in STEREO:
        return File(path, lambda: _stereo(line, seed))
    return recording(path, line, seed, RATE)


def _line(row: Utterance) -> Line:
    target = get_corpus("ravdess").targets[str(row.raw_label)]
    emotion, strength = CALM if row.raw_label == "calm" else (str(target), 1.0)
    strength *= STRENGTHS[str(row.intensity)]
    return Line("ravdess", row.id, str(row.speaker), str(row.gender), emotion, str(row.text), strength)


def _stereo(line: Line, seed: int) -> bytes:
    """Two channels, the right one a little softer."""
    mono = line.spoken(seed, RATE)
    return pcm16(np.stack([mono, mono * np.float32(0.9)], axis=1), RATE)
