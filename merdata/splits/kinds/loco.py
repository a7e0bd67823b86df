"""Leave one corpus out: a fold a corpus, which trains and validates on the others and tests on all of it."""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Wish
from merdata.splits.kinds.mer import make_mer
from merdata.store.protocol import TEST, TRAIN


def make_loco(rows: pd.DataFrame, facts: Facts, wish: Wish) -> Draft:
    """One fold a corpus; what the default protocol tests of the other corpora is train here.

    Raises:
        SplitError: there is one corpus only.
    """
    corpora = sorted(set(rows["corpus"]))
    if len(corpora) < 2:
        raise SplitError(
            f"loco needs two corpora or more, and there is {corpora[0]} alone: --protocol mer splits it"
        )
    default = make_mer(rows, facts, wish).folds[0]
    others = default.replace(TEST, TRAIN)
    corpus_of = rows.set_index("id")["corpus"].reindex(default.index)
    draft = Draft({}, {"corpus-disjoint test": corpora}, names=dict(enumerate(corpora, start=1)))
    for fold, held_out in draft.names.items():
        draft.folds[fold] = others.mask(corpus_of == held_out, TEST)
    return draft
