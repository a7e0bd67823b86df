"""Speaker-disjoint splits, balanced by gender, label and language.

Speakers who share a session (the two of an IEMOCAP dialogue) stay together: a turn's answer is no test of it.
Each corpus is split by itself, from a seed of its own: adding another corpus moves none of its speakers.
"""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Wish, corpora_of, corpus_by_corpus
from merdata.splits.groups import Profile, deal, profile
from merdata.store.protocol import TEST, TRAIN, VALIDATION

RATIOS = (0.8, 0.1, 0.1)
FEWEST_GROUPS = 3
SPEAKERS_FOR_BOTH_GENDERS = 6  # from here on validation and test can hold a speaker of each gender


def make_speaker(rows: pd.DataFrame, facts: Facts, wish: Wish) -> Draft:
    """Each corpus by its speakers.

    Raises:
        SplitError: the only corpus has fewer than three speakers.
    """
    corpora = [corpus for corpus, _ in corpora_of(rows)]

    def split(corpus: str, own: pd.DataFrame, draft: Draft) -> pd.Series[str]:
        found = by_speaker(corpus, own, wish, draft)
        if corpora == [corpus] and set(found) == {TRAIN}:
            raise SplitError(
                f"{draft.notes[0]}; the nearest is --protocol loso, train on one, test on the other"
            )
        return found

    return corpus_by_corpus(rows, split)


def by_speaker(corpus: str, own: pd.DataFrame, wish: Wish, draft: Draft) -> pd.Series[str]:
    """Split of each row of a corpus; all train where there are too few speakers, with a note."""
    draft.claim("speaker-disjoint", corpus=corpus)
    sessions = bool(own["session"].notna().all())
    if sessions:
        draft.claim("dialogue-disjoint", corpus=corpus)
    group = own["session"] if sessions else own["speaker"]
    found = split_groups(own, group, f"{wish.seed} {corpus}", wish.ratios, both_genders=True)
    if found is None:
        draft.notes.append(_stays_in_train(corpus, own))
        return pd.Series(TRAIN, index=own["id"])
    return pd.Series(group.map(found).to_numpy(), index=own["id"])


def split_groups(
    rows: pd.DataFrame,
    group: pd.Series[str],
    key: str,
    ratios: tuple[float, float, float] | None = None,
    *,
    both_genders: bool = False,
) -> dict[str, str] | None:
    """group -> split, or None where there are fewer than three groups.

    Args:
        rows: of one corpus.
        group: of each row.
        key: names the choice, see `deal`.
        ratios: shares of train, validation and test, met within one group.
        both_genders: without `ratios`, validation and test take two groups where a corpus can spare them.
    """
    groups = profile(rows, group)
    if len(groups.groups) < FEWEST_GROUPS:
        return None
    fewest = 2 if both_genders and ratios is None and _can_pair(rows, groups) else 1
    validation, test = _sizes(len(groups.groups), ratios or RATIOS, fewest)
    part_of = deal(groups, (test, validation), key)
    names = {0: TEST, 1: VALIDATION}
    return {name: names[part_of[name]] if name in part_of else TRAIN for name in groups.groups}


def _can_pair(rows: pd.DataFrame, groups: Profile) -> bool:
    return len(groups.groups) >= SPEAKERS_FOR_BOTH_GENDERS and rows["gender"].nunique() > 1


def _sizes(groups: int, ratios: tuple[float, float, float], fewest: int) -> tuple[int, int]:
    """Numbers of groups in validation and test; one at least is left to train."""
    validation, test = (max(fewest, round(share * groups)) for share in ratios[1:])
    while validation + test >= groups:
        if validation >= test:
            validation -= 1
        else:
            test -= 1
    return validation, test


def _stays_in_train(corpus: str, rows: pd.DataFrame) -> str:
    speakers = rows["speaker"].nunique()
    return (
        f"{corpus} has {speakers} speaker{'s' if speakers != 1 else ''}, fewer than the {FEWEST_GROUPS} "
        f"that a speaker-disjoint split needs: all its {len(rows)} rows are in train"
    )
