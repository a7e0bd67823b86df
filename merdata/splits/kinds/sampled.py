"""Splits that draw rows by chance, class by class: random, and few-shot shares of a train set."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Wish, corpus_by_corpus, one_corpus
from merdata.splits.kinds.mer import make_mer
from merdata.splits.kinds.speaker import RATIOS
from merdata.store.protocol import TEST, TRAIN, VALIDATION

SHARES = (10, 20, 50, 100)  # percent


def make_random(rows: pd.DataFrame, facts: Facts, wish: Wish) -> Draft:
    """Rows at random, class by class: it shares speakers and sentences, and serves comparison alone."""

    def split(corpus: str, own: pd.DataFrame, draft: Draft) -> pd.Series[str]:
        rank = _rank_in_class(own, f"{wish.seed} {corpus} random")
        _, validation, test = wish.ratios or RATIOS
        split = pd.Series(TRAIN, index=own.index)
        split[rank < test + validation] = VALIDATION
        split[rank < test] = TEST
        return pd.Series(split.to_numpy(), index=own["id"])

    draft = corpus_by_corpus(rows, split)
    draft.notes.append("rows are drawn by chance: the score says nothing of new speakers or sentences")
    return draft


def make_fewshot(rows: pd.DataFrame, facts: Facts, wish: Wish) -> Draft:
    """Folds 10, 20, 50 and 100: so many percent of a corpus's train and validation rows, its test rows whole.

    Validation shrinks too: whoever has ten rows to learn from has no thousand to choose the epoch by. A
    smaller share is part of the larger ones, and every class keeps a row.

    Raises:
        SplitError: there are several corpora, or the corpus has no test rows.
    """
    corpus = one_corpus(rows, "fewshot")
    draft = make_mer(rows, facts, wish)
    whole = draft.folds.pop(0)
    if TEST not in set(whole):
        raise SplitError(f"{draft.notes[0]}; the nearest is --protocol loso")
    split = whole.reindex(rows["id"]).set_axis(rows.index)
    rank = pd.Series(0.0, index=rows.index)
    for name in (TRAIN, VALIDATION):
        drawn = _rank_in_class(rows[split == name], f"{wish.seed} {corpus} fewshot {name}")
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
