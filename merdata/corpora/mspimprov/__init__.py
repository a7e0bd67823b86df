"""MSP-IMPROV: 8,438 turns of twelve actors in pairs, improvised around and read from twenty target sentences.

Busso et al. (2017), IEEE Trans. Affective Computing 8(1): 67-80. The label is that of Evaluation.txt, by
listeners; the emotion in the file name is that of the scenario.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from merdata.corpora.corpus import Corpus
from merdata.corpora.mspimprov.miniature import plan
from merdata.corpora.tree import Tree, agreed
from merdata.utterance import Utterance

EVALUATION = "Evaluation.txt"
FILE_NAME = re.compile(
    r"MSP-IMPROV-(?P<prompt>S(?:0[1-9]|1\d|20))(?P<scenario>[AHNS])-(?P<speaker>[FM](?P<session>0[1-6]))"
    r"-(?P<kind>[PRST])-(?P<turn>[FM]{2}\d+)"
)
HEAD = re.compile(r"\s*UTD-IMPROV-(?P<name>[^.;]+)\.avi\s*;\s*(?P<label>[A-Z])\s*;(?P<values>.*)")
VALUE = re.compile(r"([AVD])\s*:\s*([\d.]+)")
READ = "R"


class Rating(NamedTuple):
    """What listeners heard in a clip: label, and arousal, valence and dominance from 1 to 5."""

    label: str
    values: dict[str, float]


def read(tree: Tree) -> Iterator[Utterance]:
    """One row for each clip; one that the listeners' table does not name has no label."""
    path = tree.metadata(EVALUATION, "no row has a label")
    ratings, twice = agreed(_ratings(tree.read_text(path))) if path else ({}, set())
    if path and not ratings:
        tree.remarks.append(f"{path} has no line that begins with UTD-IMPROV-: no row has a label")
    for clip, match in tree.matching(FILE_NAME):
        rating = ratings.get(match[0].removeprefix("MSP-IMPROV-"))
        values = rating.values if rating else {}
        why = "has two for it" if match[0].removeprefix("MSP-IMPROV-") in twice else "does not name it"
        yield Utterance(
            id=match[0],
            source=str(clip),
            raw_label=rating.label if rating else None,
            speaker=match["speaker"],
            gender="male" if match["speaker"].startswith("M") else "female",
            session=match["session"],
            prompt=match["prompt"] if match["kind"] == READ else None,
            scripted=match["kind"] == READ,
            valence=values.get("V"),
            arousal=values.get("A"),
            dominance=values.get("D"),
            notes=(
                "text: the release has none",
                *(() if rating else (f"label: {EVALUATION} {why}",)),
            ),
        )


def _ratings(text: str) -> Iterator[tuple[str, Rating]]:
    """Clip -> what its block begins with; the lines of the raters below are not read."""
    for line in text.splitlines():
        if head := HEAD.match(line):
            values = {name: float(value) for name, value in VALUE.findall(head["values"])}
            yield head["name"].strip(), Rating(head["label"], values)


CORPUS = Corpus(
    name="mspimprov",
    title="MSP-IMPROV",
    domain="acted",
    languages=("en",),
    licence="academic agreement with the University of Texas at Dallas",
    homepage="https://ecs.utdallas.edu/research/researchlabs/msp-lab/MSP-Improv.html",
    expected_rows=8_438,
    targets={"A": "anger", "H": "joy", "N": "neutral", "S": "sadness", "O": None, "X": None},
    layout="session1/S01A/R/MSP-IMPROV-S01A-F01-R-FF01.wav ... session6/, Evaluation.txt",
    file_name=FILE_NAME,
    read=read,
    sample=plan,
)
