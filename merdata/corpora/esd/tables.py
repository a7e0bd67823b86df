"""The transcripts of ESD: a table a speaker, in one of three encodings, with tabs or blanks."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from merdata.corpora.encodings import read_mixed
from merdata.corpora.tree import Tree

BLOCK = 350  # numbers of an emotion, a number a sentence
LABELS = {  # as they are written in lower case -> emotion
    **{"中立": "Neutral", "生气": "Angry", "快乐": "Happy", "伤心": "Sad", "惊喜": "Surprise"},
    **{emotion.lower(): emotion for emotion in ("Neutral", "Angry", "Happy", "Sad", "Surprise")},
}
TABLE_NAME = re.compile(r"00(?:0[1-9]|1\d|20)\.txt", re.IGNORECASE | re.ASCII)
LINE = re.compile(r"(?P<id>[0-9]{4}_[0-9]{6})(?:\s+(?P<rest>.*))?")

Table = dict[str, tuple[str, str]]  # id -> text, label


def read_tables(tree: Tree) -> dict[str, Table]:
    """By speaker the transcripts; of several files of a name the one nearest to the root."""
    paths = sorted((path for path, _ in tree.matching(TABLE_NAME)), key=lambda path: len(path.parts))
    nearest = {path.stem: path for path in reversed(paths)}
    return {speaker: parse(read_mixed(tree.root / path)) for speaker, path in nearest.items()}


def parse(text: str) -> Table:
    """Lines `id text label`, with tabs or blanks between; the label may be missing."""
    # str.splitlines would break lines at U+0085 too.
    lines = (LINE.fullmatch(line.strip()) for line in re.split(r"[\r\n]+", text))
    return {line["id"]: _text_and_label(line["rest"] or "") for line in lines if line}


def _text_and_label(rest: str) -> tuple[str, str]:
    text, tab, label = rest.rpartition("\t")
    if not tab:
        last = rest.split()[-1] if rest else ""
        text, label = (rest.removesuffix(last), last) if last.lower() in LABELS else (rest, "")
    return text.strip(), label.strip()


def unsteady_ids(table: Table) -> Iterator[str]:
    """Ids whose prompt has more than one text, but for case, blanks and punctuation."""
    prompts = defaultdict(list)
    for name, (text, _) in table.items():
        prompts[(int(name[5:]) - 1) % BLOCK].append((name, re.sub(r"\W", "", text).casefold()))
    for same in prompts.values():
        if len({letters for _, letters in same if letters}) > 1:
            yield from (name for name, letters in same if letters)
