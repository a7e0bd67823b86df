"""What an interval resamples: dialogues or speakers, and sentences where there are too few of these."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from merdata_train.scoring.metrics import FEWEST_CLUSTERS, Ints, account, confusions, intervals, resolvable
from merdata_train.scoring.results import Account

OVER_SENTENCES = (
    f"With fewer than {FEWEST_CLUSTERS} speakers, intervals resample sentences: they say nothing about new "
    "speakers."
)


def units_of(rows: pd.DataFrame) -> pd.Series[str]:
    """The unit of each row of some predictions.

    Rows of one dialogue or speaker are not independent, so whole clusters are resampled. Of a corpus with a
    few speakers (TESS has two) an interval over them would mean nothing; those of sentences at least keep
    the rows together that say the same.

    Args:
        rows: `cluster`, and `sentence` where it is known.
    """
    few = rows["cluster"].nunique() < FEWEST_CLUSTERS
    if not few or "sentence" not in rows or rows["sentence"].isna().any():
        return rows["cluster"]
    sentence = rows["corpus"] + "/" + rows["sentence"]
    return sentence if sentence.nunique() >= FEWEST_CLUSTERS else rows["cluster"]


def over_sentences(rows: pd.DataFrame) -> bool:
    """Whether `units_of` gives sentences."""
    return not units_of(rows).equals(rows["cluster"])


def by_unit(rows: pd.DataFrame, classes: Sequence[str]) -> Ints:
    """Confusion counts `[units, C, C]` of predictions, units in sorted order."""
    return confusions(rows["label"].tolist(), rows["predicted"].tolist(), units_of(rows).tolist(), classes)


def account_of(rows: pd.DataFrame, classes: Sequence[str]) -> Account:
    """Everything that is reported of some predictions.

    With intervals over sentences, the scores of each speaker stay listed in `by_cluster`.
    """
    whole = account(rows["label"].tolist(), rows["predicted"].tolist(), rows["cluster"].tolist(), classes)
    if over_sentences(rows):
        whole["intervals"] = intervals(by_unit(rows, classes))
        whole["resolvable"] = resolvable(whole["intervals"])
        whole["over"] = "sentences"
    return whole
