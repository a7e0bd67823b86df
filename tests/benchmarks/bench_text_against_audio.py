"""Swapped texts planted in real corpora: how many does the audit find at one false alarm in a hundred rows?

    PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_text_against_audio.py [FOLDER]

FOLDER (default: build/text_against_audio) keeps the store and its transcripts, so that a second run hears
nothing again. The real RAVDESS, TESS and EmoDB clips are heard once by Whisper base, with the likelihoods of
each row's text and of the texts that are nearest to what was heard. Then the texts of 5 % of the rows are
exchanged, SEEDS times. A text that comes to a row and was not scored there, because it is farther from what
was heard than those that were, counts as the least likely of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

import merdata
from merdata.asr.against import HeardRow, rows_by_language
from merdata.asr.judge import says_another
from tests.benchmarks.common import REAL
from tests.real.whisper_folder import PACKAGES, ctranslate2_folder, installed

CORPORA = ("ravdess", "tess", "emodb")
LAYER = "bench"
NEAREST = 8
SHARE, FALSE_ALARMS = 0.05, 0.01
SEEDS = 200
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """Of one corpus: shares of all plantings together, and the middle 95 % of the plantings."""

    found: float
    low: float
    high: float
    wrongly: float


def main(folder: Path) -> None:
    if installed() is None:
        raise SystemExit(f"this benchmark needs {' and '.join(PACKAGES)}: make real")
    whisper, store = ctranslate2_folder(folder / "whisper-base"), folder / "store"
    for corpus in CORPORA:
        merdata.build([corpus], REAL / corpus, store)
    merdata.transcribe(store, str(whisper), layer=LAYER, score_texts=NEAREST, progress=True)
    report(merdata.open_store(store), LAYER, CORPORA)


def report(store: merdata.Store, layer: str, corpora: Sequence[str]) -> None:
    result = merdata.text_against_audio(store, layer, corpora=corpora)
    for rate in result.rates:
        print(f"{rate.corpus}: n {rate.rows}, WER {rate.word_errors:.1%}, CER {rate.letter_errors:.1%}")
    print(f"without planted faults, suspicious: {len(result.mismatches)}")
    for row in result.mismatches:
        print(f"  {row.id} {row.score:.3f} {row.kind}: {row.text!r}, heard {row.heard!r}")
    print(f"{SHARE:.0%} of the texts exchanged, {SEEDS} times; found [95 % of the plantings]")
    for corpus in corpora:
        (rows,) = rows_by_language(store, layer, [corpus]).values()
        for name, scored in (("edits alone", False), ("likelihoods", True)):
            evidence = evidence_of(rows, scored=scored)
            at_one = outcome([planting(rows, evidence, seed, None) for seed in range(SEEDS)])
            as_is = outcome([planting(rows, evidence, seed, 0.0) for seed in range(SEEDS)])
            print(
                f"  {corpus}, {name}: {told(at_one)} at {at_one.wrongly:.1%} false alarms; "
                f"as the audit lists them {told(as_is)} at {as_is.wrongly:.1%}"
            )


def told(outcome: Outcome) -> str:
    return f"{outcome.found:.1%} [{outcome.low:.1%}, {outcome.high:.1%}]"


def texts_of(rows: Sequence[HeardRow]) -> list[str]:
    return sorted({row.own for row in rows})


def evidence_of(rows: Sequence[HeardRow], *, scored: bool) -> Floats:
    """`[rows, texts]`: the evidence against each text of the corpus, if it were the row's."""
    texts = texts_of(rows)
    table = np.empty((len(rows), len(texts)))
    for line, row in zip(table, rows, strict=True):
        known = dict(list(row.likelihoods.items())[: NEAREST + 1])
        for column, text in enumerate(texts):
            others = texts[:column] + texts[column + 1 :]
            likelihoods = {text: min(known.values())} | known if scored else None
            line[column], _ = says_another(text, row.said, others, likelihoods)
    return table


def planting(
    rows: Sequence[HeardRow], evidence: Floats, seed: int, threshold: float | None
) -> tuple[int, int, int, int]:
    """Rows with a wrong text, those found, rows with their own, those accused."""
    random = np.random.default_rng(seed)
    texts = texts_of(rows)
    own = np.array([texts.index(row.own) for row in rows])
    given = own.copy()
    order = random.permutation(len(rows)).tolist()
    wanted = max(2, round(SHARE * len(rows)))
    while (given != own).sum() < wanted:
        one = order.pop()
        other = next(row for row in order if own[row] != own[one])
        order.remove(other)
        given[[one, other]] = given[[other, one]]
    told = evidence[np.arange(len(rows)), given]
    swapped, clean = told[given != own], told[given == own]
    if threshold is None:  # the lowest that accuses no more clean rows than it may
        threshold = float(np.sort(clean)[::-1][int(FALSE_ALARMS * len(clean))])
    return len(swapped), int((swapped > threshold).sum()), len(clean), int((clean > threshold).sum())


def outcome(plantings: Sequence[tuple[int, int, int, int]]) -> Outcome:
    wrong, found, right, accused = np.array(plantings).T
    low, high = np.percentile(found / wrong, [2.5, 97.5])
    return Outcome(found.sum() / wrong.sum(), low, high, accused.sum() / right.sum())


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "build/text_against_audio"))
