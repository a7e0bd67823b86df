"""Crossed corpora: where every speaker says every sentence in every emotion, text alone is right by chance.

A split by rows makes it wrong: the rows of a sentence that are held out are those that train lacks, so
that the labels in train point away from the answer.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

import pandas as pd
from scipy.stats import binomtest

from merdata.plugin import TextLookUp, text_keys

FEWEST_ROWS = 20  # a rate over fewer rows says nothing


def crossed_text(train: pd.DataFrame, validation: pd.DataFrame, crossed: Collection[str]) -> Iterator[str]:
    """A sentence on each corpus whose train texts tell the validation labels better or worse than chance.

    Args:
        train: rows with corpus, text and label.
        validation: such rows of other ids.
        crossed: names of the corpora where every sentence has every emotion.
    """
    for corpus in crossed:
        learned, asked = (part[part["corpus"] == corpus] for part in (train, validation))
        table = TextLookUp(text_keys(learned["text"]), learned["label"])
        answers = table.answers(text_keys(asked["text"])).dropna()
        if len(answers) < FEWEST_ROWS:
            continue
        gold = asked.loc[answers.index, "label"]
        right = int((answers == gold).sum())
        chance = _chance(answers, gold)
        span = binomtest(right, len(answers)).proportion_ci(method="wilson")
        if not span.low <= chance <= span.high:
            side = "below" if span.high < chance else "above"
            yield (
                f"every sentence of {corpus} has every emotion, yet looking the validation texts up in train "
                f"is right for {right / len(answers):.1%} [{span.low:.1%}, {span.high:.1%}], {side} chance "
                f"({chance:.1%}): this split lets texts tell labels; split by speaker"
            )


def _chance(guessed: pd.Series[str], gold: pd.Series[str]) -> float:
    """How often two independent columns with these label shares agree."""
    shares = guessed.value_counts(normalize=True), gold.value_counts(normalize=True)
    return float(shares[0].mul(shares[1], fill_value=0).sum())
