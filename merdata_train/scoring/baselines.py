"""What needs no model: chance, the majority class, and looking the transcript up in the train rows.

A number means something only above these. Looking texts up finds the leak that scripted corpora have:
the same sentence in train and test. Far below chance, it shows a crossed corpus (every sentence in every
emotion) that was split by rows: the test rows of a sentence are those that its train rows lack.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from merdata.plugin import TextLookUp, majority_label, text_keys
from merdata_train.scoring.metrics import confusion, named, scores


class TextPrior:
    """The majority train label of a transcript, else that of all train rows.

    Args:
        train: rows with `text` and `label`.
    """

    def __init__(self, train: pd.DataFrame) -> None:
        self.majority = majority_label(train["label"])
        self._train = TextLookUp(text_keys(train["text"]), train["label"])

    def predict(self, texts: pd.Series[str]) -> list[str]:
        """A label for each text; the majority's for one that train does not have, or that is missing."""
        return self._train.answers(text_keys(texts)).fillna(self.majority).tolist()

    def known(self, texts: pd.Series[str]) -> float:
        """The share of texts that train has too."""
        return float(self._train.knows(text_keys(texts)).mean())


def baselines(rows: pd.DataFrame, prior: TextPrior, classes: Sequence[str]) -> dict[str, dict[str, float]]:
    """The four metrics of each baseline on test rows (`text`, `label`).

    `chance` is UAR and accuracy of guessing evenly among the classes that the rows have: 1 / their number.
    `text_prior` has the share of the texts that train has, too, as `known`.
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
