"""EESC, the Estonian Emotional Speech Corpus: read sentences, emotion and text in a TextGrid beside each.

Altrov and Pajupuu (2012), LREC workshop on corpora for research on emotion.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath

from merdata.corpora.account import some
from merdata.corpora.corpus import Corpus
from merdata.corpora.eesc.miniature import plan
from merdata.corpora.terms import ATTRIBUTION, Terms
from merdata.corpora.tree import Tree
from merdata.errors import UnknownEncoding
from merdata.utterance import Utterance

FILE_NAME = re.compile(r"\d+")
GRID = re.compile(r"(?P<name>\d+)\.textgrid", re.IGNORECASE)
TIER = re.compile(r'name\s*=\s*"(?P<name>[^"]*)"(?P<body>.*?)(?=item\s*\[\d+\]:|\Z)', re.DOTALL)
TEXT = re.compile(r'(?:text|mark)\s*=\s*"((?:[^"]|"")*)"')
NOBODY = "speaker: published as one woman, and as two; the files do not tell them apart"


def read(tree: Tree) -> Iterator[Utterance]:
    """Every recording, with what its TextGrid says; one whose TextGrid cannot be read has no label."""
    copies: dict[str, list[PurePosixPath]] = {}
    for path, match in tree.texts(GRID):
        copies.setdefault(match["name"], []).append(path)
    grids = {name: tree.one_of(paths) for name, paths in copies.items()}
    unlabelled = []
    for path, match in tree.matching(FILE_NAME) if grids else ():
        tiers, why = _tiers(tree, grids.get(match[0]))
        label, text = tiers.get("emotion"), tiers.get("sentence")
        unlabelled += [] if label else [f"{match[0]}.TextGrid"]
        yield Utterance(
            id=match[0],
            source=str(path),
            raw_label=label,
            speaker=None,
            shard="all",
            text=text,
            gender="female",
            scripted=True,
            notes=(
                NOBODY,
                *(() if text else (f"text: {why or 'empty in its TextGrid'}",)),
                *(() if label else (f"label: {why or 'empty in its TextGrid'}",)),
            ),
        )
    if unlabelled:
        tree.remarks.append(f"missing, unreadable or without an emotion: {some(unlabelled)}")


def _tiers(tree: Tree, path: PurePosixPath | None) -> tuple[dict[str, str], str]:
    """Tier -> what its intervals say, and why there is none."""
    if path is None:
        return {}, "it has no TextGrid"
    try:
        text = tree.read_text(path)
    except UnknownEncoding:
        return {}, "the encoding of its TextGrid cannot be told"
    said = {tier["name"].strip().lower(): TEXT.findall(tier["body"]) for tier in TIER.finditer(text)}
    words = {name: " ".join(" ".join(parts).split()).replace('""', '"') for name, parts in said.items()}
    return {name: own for name, own in words.items() if own}, ""


CORPUS = Corpus(
    name="eesc",
    title="EESC (Estonian Emotional Speech Corpus)",
    domain="acted",
    languages=("et",),
    licence="CC BY, without a version (a public list)",
    terms=Terms(ATTRIBUTION, ATTRIBUTION, ATTRIBUTION, text=True),
    homepage="https://peeter.eki.ee:5000/",
    expected_rows=1_164,
    difference="1,234 are published; a public loader reads 1,164",
    targets={"anger": "anger", "joy": "joy", "neutral": "neutral", "sadness": "sadness"},
    layout="119700.wav with 119700.TextGrid beside it ...",
    file_name=FILE_NAME,
    read=read,
    sample=plan,
)
