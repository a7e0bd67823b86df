"""The split that a corpus was published with."""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Options, corpora_of


def make_official(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """Every corpus that was published with a split; the others are left out.

    Raises:
        SplitError: none was.
    """
    draft, parts, without = Draft({}), [], []
    for corpus, own in corpora_of(rows):
        published = official(own)
        if published is None:
            without.append(corpus)
            continue
        draft.claim("official", corpus=corpus)
        parts.append(published)
    if not parts:
        raise SplitError(
            f"published without a split: {', '.join(without)}; --protocol speaker makes a disjoint one"
        )
    if without:
        draft.notes.append(f"left out because published without a split: {', '.join(without)}")
    draft.folds[0] = pd.concat(parts)
    return draft


def official(own: pd.DataFrame) -> pd.Series[str] | None:
    """Split of each row as published, or None where some row has none."""
    if own["official_split"].isna().any():
        return None
    return own.set_index("id")["official_split"]
