"""IEMOCAP: five sessions of two actors, scripted and improvised dialogues, rated by several people.

Busso et al. (2008), Language Resources and Evaluation 42: 335-359. Rows come from the label lines of
`Session*/dialog/EmoEvaluation/<dialogue>.txt`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from merdata.corpora.corpus import Corpus, mark_duplicates, name_of, stray
from merdata.corpora.terms import NEVER, Terms
from merdata.corpora.tree import Tree
from merdata.errors import LayoutError
from merdata.utterance import Utterance, Vote

DIALOGUE = r"(?P<dialogue>(?P<session>Ses0[1-5])[FM]_(?:impro|script)\d\d[a-z]?(?:_\d[a-z]?)?)"
NAME = rf"{DIALOGUE}_(?P<sex>[FM])\d{{3}}"
FILE_NAME = re.compile(rf"{NAME}\.wav", re.ASCII)
TABLE_NAME = re.compile(rf"{DIALOGUE}\.txt", re.ASCII)
LABEL = re.compile(
    r"\[(?P<start>\d+\.\d+) - (?P<end>\d+\.\d+)\]\s+(?P<name>\w+)\s+(?P<emotion>\w+)"
    r"\s+\[(?P<valence>[\d.]+), (?P<arousal>[\d.]+), (?P<dominance>[\d.]+)\]",
    re.ASCII,
)
LOOKS_LIKE_LABEL = re.compile(r"\[\d")
RATER = re.compile(r"(?P<rater>C-[EFM]\w*):\s*(?P<labels>[^()]*)")
LINE = re.compile(r"(?P<name>Ses\w+)\s+\[[\d.]+-[\d.]+\]:\s*(?P<text>.*)", re.ASCII)
STAGE_TAG = re.compile(r"\[[A-Za-z][A-Za-z _-]*\]")


@dataclass
class Turn:
    """A label line and the raters' lines below it."""

    match: re.Match[str]
    votes: list[Vote] = field(default_factory=list)


def read(tree: Tree) -> Iterator[Utterance]:
    """A row a label line, with its clip where the disk has it; clips without a label line enter the ledger.

    Raises:
        LayoutError: a label line cannot be understood.
    """
    clips = {path.stem: path for path, _ in reversed(list(tree.matching(FILE_NAME)))}
    texts = _transcripts(tree)
    rated: set[str] = set()
    rows = []
    for path, _ in tree.matching(TABLE_NAME):
        if path.parent.name == "EmoEvaluation":
            turns = sorted(_turns(tree, path), key=lambda turn: float(turn.match["start"]))
            rated |= {turn.match["name"] for turn in turns}
            rows += [_utterance(turn, at, clips, texts) for at, turn in enumerate(turns)]
    yield from mark_duplicates(rows)
    for name, path in sorted(clips.items()):
        if name not in rated:
            yield stray(path, "no label line of EmoEvaluation names this clip")


def _turns(tree: Tree, path: PurePosixPath) -> list[Turn]:
    turns: list[Turn] = []
    for number, line in enumerate(tree.read_text(path).split("\n"), start=1):
        label, rater = LABEL.match(line.strip()), RATER.match(line.strip())
        if label and re.fullmatch(NAME, label["name"], re.ASCII):
            turns.append(Turn(label))
        elif LOOKS_LIKE_LABEL.match(line):
            raise LayoutError(f"{tree.root / path}, line {number}: {line.strip()!r} is no label line")
        elif rater and turns:
            labels = (label.strip() for label in rater["labels"].split(";"))
            turns[-1].votes += [Vote(rater["rater"], label) for label in labels if label]
    return turns


def _utterance(turn: Turn, at: int, clips: dict[str, PurePosixPath], texts: dict[str, str]) -> Utterance:
    name = turn.match["name"]
    parts = re.fullmatch(NAME, name, re.ASCII)
    assert parts is not None  # _turns keeps no other
    raw_text = texts.get(name)
    text = " ".join(STAGE_TAG.sub(" ", raw_text or "").split()) or None
    why = "text: no line of the transcript" if raw_text is None else "text: nothing but stage tags"
    speaker = parts["session"] + parts["sex"]
    return Utterance(
        id=name,
        source=str(clips[name]) if name in clips else None,
        raw_label=turn.match["emotion"],
        speaker=speaker,
        text=text,
        raw_text=raw_text if raw_text != text else None,
        gender="female" if parts["sex"] == "F" else "male",
        session=parts["session"],
        dialogue=parts["dialogue"],
        turn=at,
        scripted="_script" in name,
        valence=float(turn.match["valence"]),
        arousal=float(turn.match["arousal"]),
        dominance=float(turn.match["dominance"]),
        votes=tuple(turn.votes),
        notes=() if text else (why,),
    )


def _transcripts(tree: Tree) -> dict[str, str]:
    """Id -> line of the transcripts; overlap turns (`FXX0`) have no clip, some lines have no id."""
    lines: dict[str, str] = {}
    for path, _ in tree.matching(TABLE_NAME):
        if path.parent.name == "transcriptions":
            matches = (LINE.fullmatch(line.strip()) for line in tree.read_text(path).split("\n"))
            lines |= {match["name"]: match["text"].strip() for match in matches if match}
    return lines


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
