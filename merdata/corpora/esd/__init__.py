"""ESD: ten speakers of Mandarin and ten of English say 350 sentences each in five emotions.

Zhou et al. (2022), Speech Communication 137: 1-18. The emotion is read from the folder; the transcripts
`0001/0001.txt` ... are in three encodings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from pathlib import PurePosixPath

from merdata.corpora.corpus import Corpus, name_of
from merdata.corpora.esd.tables import BLOCK, LABELS, Table, read_tables, unsteady_ids
from merdata.corpora.terms import ATTRIBUTION, NEVER, Terms
from merdata.corpora.tree import Tree, split_of
from merdata.utterance import Utterance

MEN = {"0004", "0005", "0006", "0008", "0010", "0011", "0012", "0013", "0014", "0020"}
EMOTIONS = ("Neutral", "Angry", "Happy", "Sad", "Surprise")  # in the order of their blocks
EVALUATION, TEST = 20, 50  # of a block the first 20 are evaluation, the next 30 test, the others train
FILE_NAME = re.compile(
    r"(?P<speaker>00(?:0[1-9]|1\d|20))_(?P<number>00(?!0000)(?:0\d{3}|1[0-6]\d\d|17[0-4]\d|1750))",
    re.ASCII,
)
GBK_COMMA = re.compile(r"\s*(?:£¬|，)\s*")  # in English text; £¬ are its bytes read as Latin-1
DIFFERS = "transcript: not the text of this speaker's same prompt in another emotion"


def read(tree: Tree) -> Iterator[Utterance]:
    """The audio files, wherever they are, with the texts of the tables that are there."""
    tables = read_tables(tree)
    clips = list(tree.matching(FILE_NAME))
    telling = {speaker for speaker, table in tables.items() if table.lines}
    if silent := sorted({match["speaker"] for _, match in clips} - telling):
        names = ", ".join(f"{speaker}.txt" for speaker in silent)
        tree.remarks.append(f"missing: {names}, or their lines: no row of these speakers has a text")
    unsteady = {id for table in tables.values() for id in unsteady_ids(table.lines)}
    for path, match in clips:
        speaker, number = match["speaker"], int(match["number"])
        emotion, label_notes = _emotion(path, number)
        split, split_notes = _split(path, number)
        name = f"{speaker}_{match['number']}"
        raw_text, text_notes = _text(name, emotion, tables.get(speaker))
        language = "zh" if int(speaker) <= 10 else "en"
        text = clean(raw_text) if language == "en" else raw_text
        other_notes = [DIFFERS] if name in unsteady else []
        yield Utterance(
            id=name,
            source=str(path),
            raw_label=emotion,
            speaker=speaker,
            language=language,
            text=text or None,
            raw_text=raw_text if raw_text and raw_text != text else None,
            gender="male" if speaker in MEN else "female",
            official_split=split,
            prompt=f"{language}-{(number - 1) % BLOCK + 1:03d}",
            scripted=True,
            notes=(*label_notes, *split_notes, *text_notes, *other_notes),
        )


def _emotion(path: PurePosixPath, number: int) -> tuple[str, list[str]]:
    by_number = EMOTIONS[(number - 1) // BLOCK]
    folders = (LABELS.get(folder.lower()) for folder in reversed(path.parts[:-1]))
    emotion = next(filter(None, folders), None)
    if emotion is None:
        return by_number, ["label: derived from the file's number; no folder tells it"]
    other = f"label: the file's number is one of {by_number}, its folder says {emotion}"
    return emotion, [] if emotion == by_number else [other]


def _split(path: PurePosixPath, number: int) -> tuple[str, list[str]]:
    """Of the official tree by the folder; where the tree is flat, by the number, which tells it too."""
    split = split_of(path)
    if split:
        return split, []
    place = (number - 1) % BLOCK
    split = "validation" if place < EVALUATION else "test" if place < TEST else "train"
    return split, ["official_split: derived from the file's number; no folder tells it"]


def _text(name: str, emotion: str, table: Table | None) -> tuple[str, list[str]]:
    file = f"{name[:4]}.txt"
    if table is None:
        return "", [f"text: no {file} was found"]
    text, label = table.lines.get(name, ("", ""))
    why = "has two lines for it that differ" if name in table.twice else "has none for it"
    notes = list(table.notes) if text else [f"text: {file} {why}"]
    if label and LABELS.get(label.lower()) != emotion:
        notes.append(f"label: {file} says {label}, the folder {emotion}")
    return text, notes


def clean(text: str) -> str:
    """English text with its full-width commas, right or garbled, made ASCII."""
    return GBK_COMMA.sub(", ", text).strip()


def complete(_: set[str]) -> Iterator[str]:
    """Every speaker has every number."""
    for speaker, number in product(range(1, 21), range(1, len(EMOTIONS) * BLOCK + 1)):
        yield f"{speaker:04d}_{number:06d}"


CORPUS = Corpus(
    name="esd",
    title="ESD",
    domain="acted",
    languages=("zh", "en"),
    licence="contradictory: its LICENSE file is MIT, its README says research only, after signing a licence; "
    "the stricter holds",
    terms=Terms(public=NEVER, private=ATTRIBUTION, labels=ATTRIBUTION),
    homepage="https://github.com/HLTSingapore/Emotional-Speech-Data",
    expected_rows=35_000,
    targets={
        "Neutral": "neutral",
        "Angry": "anger",
        "Happy": "joy",
        "Sad": "sadness",
        "Surprise": "surprise",
    },
    layout="0001/0001.txt, 0001/Angry/train/0001_000401.wav ... 0020/ (or 0001/Angry/0001_000351.wav)",
    file_name=FILE_NAME,
    read=read,
    complete=complete,
    crossed=True,
    keys={"emobox": lambda row: f"esd-{name_of(row).replace('_', '-')}"},
)
