"""The transcripts of ESD: a table for each speaker, in one of three encodings, with tabs or blanks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import NamedTuple

from merdata.corpora.tree import Tree, agreed

BLOCK = 350  # numbers of an emotion, a number a sentence
LABELS = {  # as they are written in lower case -> emotion
    **{"中立": "Neutral", "生气": "Angry", "快乐": "Happy", "伤心": "Sad", "惊喜": "Surprise"},
    **{emotion.lower(): emotion for emotion in ("Neutral", "Angry", "Happy", "Sad", "Surprise")},
}
TABLE_NAME = re.compile(r"(?P<speaker>00(?:0[1-9]|1\d|20))\.txt", re.IGNORECASE | re.ASCII)
LINE = re.compile(r"(?P<id>[0-9]{4}_[0-9]{6})(?:\s+(?P<rest>.*))?")

Lines = dict[str, tuple[str, str]]  # id -> text, label


class Table(NamedTuple):
    """The lines of a speaker's table.

    Attributes:
        twice: ids with two different lines, which are not among `lines`.
        notes: on the rows that come from it.
    """

    lines: Lines
    twice: set[str]
    notes: tuple[str, ...]


def read_tables(tree: Tree) -> dict[str, Table]:
    """By speaker the transcripts.

    Raises:
        LayoutError: a table cannot be read, or two of a speaker differ.
    """
    paths: dict[str, list[PurePosixPath]] = {}
    for path, match in tree.texts(TABLE_NAME):
        paths.setdefault(match["speaker"], []).append(path)
    chosen = {speaker: tree.one_of(own) for speaker, own in paths.items()}
    return {
        speaker: Table(*parse(tree.read_text(path)), tree.notes_on(path)) for speaker, path in chosen.items()
    }


def parse(text: str) -> tuple[Lines, set[str]]:
    """Lines `id text label`, with tabs or blanks between; the label may be missing. Ids with two lines."""
    # str.splitlines would break lines at U+0085 too.
    lines = (LINE.fullmatch(line.strip()) for line in re.split(r"[\r\n]+", text))
    return agreed((line["id"], _text_and_label(line["rest"] or "")) for line in lines if line)


def _text_and_label(rest: str) -> tuple[str, str]:
    text, tab, label = rest.rpartition("\t")
    if not tab:
        last = rest.split()[-1] if rest else ""
        text, label = (rest.removesuffix(last), last) if last.lower() in LABELS else (rest, "")
    return text.strip(), label.strip()


def unsteady_ids(table: Lines) -> Iterator[str]:
    """Ids whose prompt has more than one text, but for case, blanks and punctuation."""
    prompts = defaultdict(list)
    for name, (text, _) in table.items():
        prompts[(int(name[5:]) - 1) % BLOCK].append((name, re.sub(r"\W", "", text).casefold()))
    for same in prompts.values():
        if len({letters for _, letters in same if letters}) > 1:
            yield from (name for name, letters in same if letters)
