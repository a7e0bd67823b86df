"""Splits that draw rows at random, class by class: random, and few-shot shares of a train set."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from merdata.splits.draft import Draft, Facts, Options, corpus_by_corpus, one_corpus
from merdata.splits.kinds.mer import make_mer
from merdata.splits.kinds.speaker import RATIOS
from merdata.store.protocol import TEST, TRAIN, VALIDATION

SHARES = (10, 20, 50, 100)  # percent


def make_random(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """Rows at random, class by class: it shares speakers and sentences, and is for comparison only."""

    def split(corpus: str, own: pd.DataFrame, draft: Draft) -> pd.Series[str]:
        rank = _rank_in_class(own, f"{options.seed} {corpus} random")
        _, validation, test = options.ratios or RATIOS
        split = pd.Series(TRAIN, index=own.index)
        split[rank < test + validation] = VALIDATION
        split[rank < test] = TEST
        return pd.Series(split.to_numpy(), index=own["id"])

    draft = corpus_by_corpus(rows, split)
    draft.notes.append("rows are drawn at random: the score says nothing about new speakers or sentences")
    return draft


def make_fewshot(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """Folds 10, 20, 50 and 100: that percentage of a corpus's train and validation rows, all its test rows.

    Validation shrinks too: with ten rows to learn from, nobody has a thousand to choose the epoch by. A
    smaller share is part of the larger ones, and every class keeps a row. Corpora of `options.whole`, to
    learn from before, keep all their rows in every fold.

    Raises:
        SplitError: there are several corpora besides those.
    """
    whole = rows["corpus"].isin(options.whole or [])
    corpus = one_corpus(rows[~whole], "fewshot")
    draft = make_mer(rows, facts, options)
    split = draft.folds.pop(0).reindex(rows["id"]).set_axis(rows.index).dropna()
    rows = rows.loc[split.index]
    rank = pd.Series(0.0, index=rows.index)
    for name in (TRAIN, VALIDATION):
        cut = (split == name) & ~whole[split.index]
        drawn = _rank_in_class(rows[cut], f"{options.seed} {corpus} fewshot {name}")
        rank[drawn.index] = drawn
    for share in SHARES:
        kept = split[rank < share / 100]
        draft.folds[share] = pd.Series(kept.to_numpy(), index=rows.loc[kept.index, "id"])
    return draft


def _rank_in_class(rows: pd.DataFrame, key: str) -> pd.Series[float]:
    """The place of each row among those of its class, shuffled, in [0, 1)."""
    digest = hashlib.sha256(key.encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
    shuffled = rows.sort_values("id").sample(frac=1, random_state=random)
    classes = shuffled.groupby("label", dropna=False)
    place = classes.cumcount() / classes["id"].transform("size")
    ranked: pd.Series[float] = place.reindex(rows.index)
    return ranked
