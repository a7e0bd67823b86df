"""IEMOCAP: five sessions of two actors, scripted and improvised dialogues, rated by several people.

Busso et al. (2008), Language Resources and Evaluation 42: 335-359. Rows come from the label lines of
`Session*/dialog/EmoEvaluation/<dialogue>.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import NamedTuple

from merdata.corpora.account import some
from merdata.corpora.corpus import Corpus, name_of, stray
from merdata.corpora.terms import NEVER, Terms
from merdata.corpora.tree import Tree, agreed
from merdata.errors import LayoutError
from merdata.utterance import Utterance, Vote

DIALOGUE = r"(?P<dialogue>(?P<session>Ses0[1-5])[FM]_(?:impro|script)\d\d[a-z]?(?:_\d[a-z]?)?)"
NAME = rf"{DIALOGUE}_(?P<sex>[FM])\d{{3}}"
FILE_NAME = re.compile(NAME, re.ASCII | re.IGNORECASE)
TABLE_NAME = re.compile(rf"{DIALOGUE}\.txt", re.ASCII | re.IGNORECASE)
LABEL = re.compile(
    r"\[(?P<start>\d+\.\d+) - (?P<end>\d+\.\d+)\]\s+(?P<name>\w+)\s+(?P<emotion>\w+)"
    r"\s+\[(?P<valence>[\d.]+), (?P<arousal>[\d.]+), (?P<dominance>[\d.]+)\]",
    re.ASCII,
)
LOOKS_LIKE_LABEL = re.compile(r"\[\d")
RATER = re.compile(r"(?P<rater>C-[EFM]\w*):\s*(?P<labels>[^()]*)")
SPOKEN = re.compile(r"(?P<name>Ses\w+)\s+\[[\d.]+-[\d.]+\]:\s*(?P<text>.*)", re.ASCII)
STAGE_TAG = re.compile(r"\[[A-Za-z][A-Za-z _-]*\]")


@dataclass
class Turn:
    """A label line and the raters' lines below it, with notes on its file."""

    match: re.Match[str]
    notes: tuple[str, ...] = ()
    votes: list[Vote] = field(default_factory=list)


class Line(NamedTuple):
    """A line of a transcript, with notes on its file, and why it has no text if it has none."""

    text: str
    notes: tuple[str, ...]
    why: str = "empty"


def read(tree: Tree) -> Iterator[Utterance]:
    """A row for each label line, with its clip where the disk has it; clips without one enter the ledger.

    Raises:
        LayoutError: a label line cannot be understood, or two copies of a table differ.
    """
    clips: dict[str, list[PurePosixPath]] = {}
    for path, match in tree.matching(FILE_NAME):
        clips.setdefault(match[0].lower(), []).append(path)
    unrated = {name.rpartition("_")[0] for name in clips}
    texts = _transcripts(tree)
    spoken = {name.rpartition("_")[0].lower() for name in texts}
    silent = set[str]()
    for path in _tables(tree, "EmoEvaluation"):
        turns = sorted(_turns(tree, path), key=lambda turn: float(turn.match["start"]))
        dialogues = {turn.match["name"].rpartition("_")[0].lower() for turn in turns}
        unrated -= dialogues
        silent |= dialogues - spoken
        for place, turn in enumerate(turns):
            paths: list[PurePosixPath | None] = [*clips.pop(turn.match["name"].lower(), ())]
            yield from (_utterance(turn, place, path, texts) for path in paths or [None])
    _name(tree, "EmoEvaluation", unrated, "their clips are strays")
    _name(tree, "transcriptions", silent if spoken else (), "their rows have no text")
    for name in sorted(clips):
        yield from (stray(path, "no label line of EmoEvaluation names this clip") for path in clips[name])


def _name(tree: Tree, folder: str, dialogues: Iterable[str], cost: str) -> None:
    """Say which dialogues have no line in the tables of a folder."""
    if dialogues := sorted(dialogues):
        tree.remarks.append(f"dialog/{folder} has no line of {some(dialogues)}: {cost}")


def _tables(tree: Tree, folder: str) -> list[PurePosixPath]:
    """The text file of each dialogue in folders of that name."""
    copies: dict[str, list[PurePosixPath]] = {}
    for path, match in tree.texts(TABLE_NAME):
        if path.parent.name.lower() == folder.lower():
            copies.setdefault(match["dialogue"].lower(), []).append(path)
    return [tree.one_of(paths) for paths in copies.values()]


def _turns(tree: Tree, path: PurePosixPath) -> list[Turn]:
    turns: list[Turn] = []
    text = tree.read_text(path)
    for number, line in enumerate(text.split("\n"), start=1):
        label, rater = LABEL.match(line.strip()), RATER.match(line.strip())
        if label and re.fullmatch(NAME, label["name"], re.ASCII):
            turns.append(Turn(label, tree.notes_on(path)))
        elif LOOKS_LIKE_LABEL.match(line):
            expected = "[START - END] NAME EMOTION [V, A, D]"
            raise LayoutError(f"{tree.root / path}, line {number}: {line.strip()!r} is not {expected}")
        elif rater and turns:
            labels = (label.strip() for label in rater["labels"].split(";"))
            turns[-1].votes += [Vote(rater["rater"], label) for label in labels if label]
    return turns


def _utterance(turn: Turn, place: int, path: PurePosixPath | None, lines: dict[str, Line]) -> Utterance:
    name = turn.match["name"]
    parts = re.fullmatch(NAME, name, re.ASCII)
    assert parts is not None  # _turns keeps no other
    line = lines.get(name)
    text = " ".join(STAGE_TAG.sub(" ", line.text if line else "").split()) or None
    notes = (*turn.notes, *(line.notes if line else ()))
    if text is None:
        what = (
            "no line of the transcript"
            if line is None
            else "nothing but stage tags"
            if line.text
            else line.why
        )
        notes = (f"text: {what}", *notes)
    raw_text = line.text or None if line else None
    speaker = parts["session"] + parts["sex"]
    return Utterance(
        id=name,
        source=str(path) if path else None,
        raw_label=turn.match["emotion"],
        speaker=speaker,
        text=text,
        raw_text=raw_text if raw_text != text else None,
        gender="female" if parts["sex"] == "F" else "male",
        session=parts["session"],
        dialogue=parts["dialogue"],
        turn=place,
        scripted="_script" in name,
        valence=float(turn.match["valence"]),
        arousal=float(turn.match["arousal"]),
        dominance=float(turn.match["dominance"]),
        votes=tuple(turn.votes),
        notes=tuple(dict.fromkeys(notes)),
    )


def _transcripts(tree: Tree) -> dict[str, Line]:
    """Id -> line of the transcripts; overlap turns (`FXX0`) have no clip, some lines have no id."""
    lines: list[tuple[str, Line]] = []
    paths = _tables(tree, "transcriptions")
    if not paths:
        tree.remarks.append("dialog/transcriptions is missing: no row has a text")
    for path in paths:
        matches = (SPOKEN.fullmatch(line.strip()) for line in tree.read_text(path).split("\n"))
        notes = tree.notes_on(path)
        lines += ((match["name"], Line(match["text"].strip(), notes)) for match in matches if match)
    texts, twice = agreed(lines)
    return texts | dict.fromkeys(twice, Line("", (), "two lines of the transcript differ"))


CORPUS = Corpus(
    name="iemocap",
    title="IEMOCAP (full release)",
    domain="acted",
    languages=("en",),
    licence="signed release form of USC SAIL; no redistribution",
    terms=Terms(public=NEVER, private=NEVER, labels=NEVER),
    homepage="https://sail.usc.edu/iemocap/",
    expected_rows=10_039,
    targets={
        "ang": "anger",
        "hap": "joy",
        "exc": "joy",
        "sad": "sadness",
        "neu": "neutral",
        "fru": "anger",
        "fea": "fear",
        "sur": "surprise",
        "dis": "disgust",
        "xxx": None,
        "oth": None,
    },
    debatable=("exc", "fru", "xxx", "oth"),
    layout="Session1/dialog/EmoEvaluation/Ses01F_impro01.txt, Session1/dialog/transcriptions/, "
    "Session1/sentences/wav/Ses01F_impro01/Ses01F_impro01_F000.wav ... Session5/",
    file_name=FILE_NAME,
    read=read,
    keys={
        "emobox": lambda row: f"iemocap-{name_of(row)}",
        "emobox-track2": lambda row: f"{name_of(row)} {row.speaker.removeprefix('Ses')}",  # 02F for Ses02F
        "s3prl": name_of,
    },
)
