"""Leave one corpus out: a fold for each corpus, trained and validated on the others, tested on all of it."""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Options
from merdata.splits.kinds.mer import make_mer
from merdata.store.protocol import TEST, TRAIN


def make_loco(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """One fold for each corpus; what the default protocol tests of the other corpora is train here.

    Raises:
        SplitError: there is one corpus only.
    """
    corpora = sorted(set(rows["corpus"]))
    if len(corpora) < 2:
        raise SplitError(
            f"loco needs two or more corpora, and this is only {corpora[0]}: --protocol mer splits it"
        )
    default = make_mer(rows, facts, options).folds[0]
    others = default.replace(TEST, TRAIN)
    corpus_of = rows.set_index("id")["corpus"].reindex(default.index)
    draft = Draft({}, {"corpus-disjoint test": corpora}, names=dict(enumerate(corpora, start=1)))
    for fold, held_out in draft.names.items():
        draft.folds[fold] = others.mask(corpus_of == held_out, TEST)
    return draft
