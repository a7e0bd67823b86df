"""What needs no model: chance, the majority class, and looking the transcript up in the train rows.

A number means something only above these. The text prior is the leak that scripted corpora have: the same
sentence in train and test (models.md 0.4, 0.6 and 1.2). Far below chance it tells of a crossed corpus, whose
test rows are those that train lacks of each sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import pandas as pd

from merdata_train.scoring.metrics import confusion, named, scores

WORD = re.compile(r"\w+")


def normalise_text(text: str) -> str:
    """Lower case, words alone, one space between."""
    return " ".join(WORD.findall(text.casefold()))


def majority(labels: pd.Series[str]) -> str:
    """The most frequent label; of two alike the first by name."""
    counts = labels.value_counts()
    return str(min(counts[counts == counts.max()].index))


class TextPrior:
    """The majority train label of a transcript, else that of all train rows.

    Args:
        train: rows with `text` and `label`.
    """

    def __init__(self, train: pd.DataFrame) -> None:
        self.majority = majority(train["label"])
        known = pd.DataFrame({"key": _keys(train["text"]), "label": train["label"]}).dropna()
        counts = known.groupby(["key", "label"]).size().rename("rows").reset_index()
        best = counts.sort_values(["rows", "label"], ascending=[False, True]).drop_duplicates("key")
        self.label_of: dict[str, str] = dict(zip(best["key"], best["label"], strict=True))

    def predict(self, texts: pd.Series[Any]) -> list[str]:
        """A label for each text; the majority's for one that train does not have, or that is missing."""
        return [self.label_of.get(key, self.majority) for key in _keys(texts)]

    def known(self, texts: pd.Series[Any]) -> float:
        """The share of texts that train has too."""
        return float(_keys(texts).isin(self.label_of.keys()).mean())


def baselines(rows: pd.DataFrame, prior: TextPrior, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """The four metrics of each baseline on test rows (`text`, `label`).

    `chance` is UAR and accuracy of guessing evenly among the classes that the rows have: 1 / their number.
    `text_prior` says too which share of the texts train `known`s.
    """
    return dict(_baselines(rows, prior, classes))


def _baselines(
    rows: pd.DataFrame, prior: TextPrior, classes: Sequence[str]
) -> Iterator[tuple[str, dict[str, float]]]:
    gold = rows["label"].tolist()
    even = 1 / len(set(gold))
    yield "chance", {"accuracy": even, "uar": even}
    yield "majority", named(scores(confusion(gold, [prior.majority] * len(gold), classes)))
    looked_up = scores(confusion(gold, prior.predict(rows["text"]), classes))
    yield "text_prior", named(looked_up) | {"known": prior.known(rows["text"])}


def _keys(texts: pd.Series[Any]) -> pd.Series[Any]:
    """Normalised texts; None for those that are missing or have no word."""
    found = [normalise_text(text) or None if isinstance(text, str) else None for text in texts]
    return pd.Series(found, index=texts.index, dtype=object)
