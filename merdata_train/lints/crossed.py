"""Crossed corpora: where every speaker says every sentence in every emotion, text alone is right by chance.

A split by rows makes it wrong: what is held out of a sentence is what its train rows lack, so their labels
point away from the answer.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

import pandas as pd
from scipy.stats import binomtest

FEWEST_ROWS = 20  # below, no rate is worth a word


def crossed_text(train: pd.DataFrame, validation: pd.DataFrame, crossed: Collection[str]) -> Iterator[str]:
    """A sentence on each corpus whose train texts tell the validation labels better or worse than chance.

    Args:
        train: rows with corpus, text and label.
        validation: such rows of other ids.
        crossed: names of the corpora where every sentence has every emotion.
    """
    for corpus in crossed:
        parts = (part[(part["corpus"] == corpus) & part["text"].notna()] for part in (train, validation))
        learned, asked = parts
        table = _look_up(learned)
        asked = asked[asked["text"].map(_plain).isin(table.keys())]
        if len(asked) < FEWEST_ROWS:
            continue
        guessed = asked["text"].map(_plain).map(table)
        right = int((guessed == asked["label"]).sum())
        chance = _chance(guessed, asked["label"])
        span = binomtest(right, len(asked)).proportion_ci(method="wilson")
        if not span.low <= chance <= span.high:
            side = "below" if span.high < chance else "above"
            yield (
                f"in {corpus} every sentence has every emotion, yet a look-up of the validation texts among "
                f"the train texts is right for {right / len(asked):.1%} [{span.low:.1%}, {span.high:.1%}], "
                f"{side} chance ({chance:.1%}): the split lets texts tell labels; split by speaker"
            )


def _look_up(rows: pd.DataFrame) -> dict[str, str]:
    """text -> its most frequent label."""
    counts: dict[str, Counter[str]] = {}
    for text, label in zip(rows["text"].map(_plain), rows["label"], strict=True):
        counts.setdefault(text, Counter())[label] += 1
    return {text: labels.most_common(1)[0][0] for text, labels in counts.items()}


def _plain(text: str) -> str:
    return " ".join(text.lower().split())


def _chance(guessed: pd.Series[str], gold: pd.Series[str]) -> float:
    """How often two independent columns with these label shares agree."""
    shares = guessed.value_counts(normalize=True), gold.value_counts(normalize=True)
    return float(shares[0].mul(shares[1], fill_value=0).sum())
