"""Whether a clip says its text: verdicts on one row, from strings and likelihoods alone.

Evidence is in nats, the logarithm of the odds that the clip says something else. From likelihoods it is their
difference: log p(clip says other) - log p(clip says own). Without them each letter that is wrong counts NATS,
about what a letter takes from the likelihood of a text. That other text may be any of the corpus's, so the
logarithm of their number is taken off: with many texts, one is near by chance.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from merdata.asr.distance import distance, nearest_below

NATS = 2.0  # for each letter that is wrong
HALF = 5.0  # nats of evidence that are half way from a balanced score to a certain one
MOST_SUCCESSORS = 3
FAST, SLOW = 3.0, 6.0  # times the median pace of the corpus, from which on a row is out of range
FEWEST_WORDS = 4  # of a text that is said too slowly: one word in a long clip is common

ANOTHER, SUCCESSORS, NO_WORDS, PACE, OTHER_WORDS = (
    "another text",
    "its successors too",
    "no words",
    "pace",
    "other words",
)


@dataclass(frozen=True)
class Verdict:
    """What speaks against a row's text.

    Attributes:
        kind: `another text` of its corpus, `its successors too`, `no words`, `pace`, `other words`.
        score: 0 to 1; above a half, more speaks against the text than for it.
        other: the text that was heard instead or as well, normalised.
    """

    kind: str
    score: float
    other: str | None = None


def score_of(evidence: float) -> float:
    """Evidence in nats as a score from 0 to 1, one half where it is balanced."""
    return 0.5 * (1 + evidence / (abs(evidence) + HALF)) if math.isfinite(evidence) else float(evidence > 0)


def says_another(
    own: str, heard: str, others: Sequence[str], likelihoods: Mapping[str, float] | None = None
) -> tuple[float, str | None]:
    """Evidence that a clip says another text of its corpus, and which.

    Args:
        own: the row's text, normalised.
        heard: what was recognised, normalised.
        others: texts of the corpus but the row's own, normalised, each once.
        likelihoods: normalised text -> log-probability given the clip, of its own text and of others.
    """
    if not others:
        return -math.inf, None
    if likelihoods and own in likelihoods and len(likelihoods) > 1:
        best = max((text for text in likelihoods if text != own), key=lambda text: likelihoods[text])
        return likelihoods[best] - likelihoods[own] - math.log(len(others)), best
    edits = distance(heard, own)
    best_text, fewest = nearest_below(heard, others, edits) if edits else (None, 0)
    if best_text is None:
        return -math.inf, None
    return NATS * (edits - fewest) - math.log(len(others)), best_text


def says_successors(own: str, heard: str, following: Sequence[str]) -> tuple[float, str | None]:
    """Evidence that a clip holds the utterances after its own, and their texts.

    Args:
        own: the row's text, normalised.
        heard: what was recognised, normalised.
        following: texts of the rows that follow it in its dialogue, in order, normalised.
    """
    edits, best, which = distance(heard, own), -math.inf, None
    for count in range(1, min(len(following), MOST_SUCCESSORS) + 1):
        more = " ".join(following[:count])
        saved = edits - distance(heard, f"{own} {more}")
        if NATS * saved > best:
            best, which = NATS * saved, more
    return (best - math.log(MOST_SUCCESSORS), which) if which else (-math.inf, None)


def says_other_words(own: str, heard: str, confidence: float) -> float:
    """Evidence that a clip says words that are in no text: most letters are wrong, and were heard clearly."""
    if not heard:
        return -math.inf
    wrong = distance(heard, own) / max(len(own), len(heard))
    return NATS * min(len(own), len(heard)) * (wrong - 0.5) * confidence


def out_of_range(words: int, seconds: float, median: float) -> float:
    """Evidence that a text is too long or too short for its clip.

    Args:
        words: of the text.
        seconds: of the clip.
        median: words a second in the corpus.
    """
    if not (words and seconds and median):
        return -math.inf
    ratio = words / seconds / median
    if ratio > FAST:
        return NATS * words * math.log(ratio / FAST)
    return NATS * math.log(1 / ratio / SLOW) if ratio < 1 / SLOW and words >= FEWEST_WORDS else -math.inf


def judge(
    own: str,
    heard: str,
    *,
    others: Sequence[str] = (),
    following: Sequence[str] = (),
    likelihoods: Mapping[str, float] | None = None,
    confidence: float = 1.0,
    pace: tuple[int, float, float] = (0, 0.0, 0.0),
) -> Verdict | None:
    """The strongest of what speaks against a row's text; None where nothing does.

    Args:
        own: the row's text, normalised.
        heard: what was recognised, normalised.
        others: texts of the corpus but the row's own, normalised, each once.
        following: texts of the rows that follow it in its dialogue, in order, normalised.
        likelihoods: normalised text -> log-probability given the clip, of its own text and of others.
        confidence: of the recogniser, 0 to 1.
        pace: words of the text, seconds, and the corpus's median words a second.
    """
    if not heard:
        return Verdict(NO_WORDS, score_of(NATS * len(own))) if own else None
    swapped, other = says_another(own, heard, others, likelihoods)
    longer, more = says_successors(own, heard, following)
    kinds = [
        (swapped, ANOTHER, other),
        (longer, SUCCESSORS, more),
        (says_other_words(own, heard, confidence), OTHER_WORDS, None),
        (out_of_range(*pace), PACE, None),
    ]
    evidence, kind, text = max(kinds, key=lambda each: each[0])
    return Verdict(kind, score_of(evidence), text) if evidence > 0 else None
