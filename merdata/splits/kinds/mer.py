"""The default protocol: what each corpus states as its split, the official one or one by speakers.

TestA is the test set of the acted corpora, TestB that of the conversational ones.
"""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Options, corpus_by_corpus
from merdata.splits.kinds.official import official
from merdata.splits.kinds.speaker import by_speaker


def make_mer(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """The default protocol: acted corpora by speaker, conversational ones as published.

    Raises:
        SplitError: an older merdata built the store, and it does not say which split a corpus wants.
    """
    silent = [corpus for corpus in rows["corpus"].unique() if "split" not in facts[corpus]]
    if silent:
        raise SplitError(f"an older merdata built {', '.join(silent)}: run `merdata build` again")

    def split(corpus: str, own: pd.DataFrame, draft: Draft) -> pd.Series[str]:
        published = official(own) if facts[corpus]["split"] == "official" else None
        if published is None:
            return by_speaker(corpus, own, options, draft)
        dialogues = ["dialogue-disjoint"] if own["dialogue"].notna().all() else []
        draft.claim("official", *dialogues, corpus=corpus)
        return published

    return corpus_by_corpus(rows, split)
