"""Speaker-disjoint splits, balanced by gender, label and language.

Speakers who share a session (the two of an IEMOCAP dialogue) stay together: a turn's answer is no test of it.
Each corpus is split by itself, from a seed of its own: adding another corpus moves none of its speakers.
"""

from __future__ import annotations

import pandas as pd

from merdata.splits.draft import Draft, Facts, Options, corpus_by_corpus
from merdata.splits.groups import Profile, deal, profile
from merdata.store.protocol import TEST, TRAIN, VALIDATION

RATIOS = (0.8, 0.1, 0.1)
FEWEST_GROUPS = 3
SPEAKERS_FOR_BOTH_GENDERS = 6  # from here on validation and test can hold a speaker of each gender


def make_speaker(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """Each corpus by its speakers."""
    return corpus_by_corpus(rows, lambda corpus, own, draft: by_speaker(corpus, own, options, draft))


def by_speaker(corpus: str, own: pd.DataFrame, options: Options, draft: Draft) -> pd.Series[str]:
    """Split of each row of a corpus; all train where there are too few speakers, with a note.

    Where nobody knows who speaks, no split can promise new speakers: dialogues are kept whole, or all rows.
    """
    if own["speaker"].isna().all():
        return _without_speakers(corpus, own, options, draft)
    by = "session" if own["session"].notna().all() else "speaker"
    known = draft.known(corpus, own, own[by], by)
    draft.claim("speaker-disjoint", *(["dialogue-disjoint"] if by == "session" else []), corpus=corpus)
    group = known[by]
    parts = split_groups(known, group, f"{options.seed} {corpus}", options.ratios, both_genders=True)
    if parts is None:
        why, nearest = _too_few(corpus, by, group.nunique())
        return draft.keep_in_train(corpus, known, why, nearest=nearest)
    return pd.Series(group.map(parts).to_numpy(), index=known["id"])


def _without_speakers(corpus: str, own: pd.DataFrame, options: Options, draft: Draft) -> pd.Series[str]:
    why = f"{corpus} does not say who speaks, so it cannot be divided by speakers"
    parts = None
    if own["dialogue"].notna().all():
        parts = split_groups(own, own["dialogue"], f"{options.seed} {corpus}", options.ratios)
    if parts is None:
        known = own["text"].notna().any() or own["prompt"].notna().any()
        nearest = f"--protocol {'text' if known else 'random'}"
        return draft.keep_in_train(corpus, own, why, nearest=nearest)
    draft.claim("dialogue-disjoint", corpus=corpus)
    draft.notes.append(f"{why}: its dialogues are kept whole, and a speaker of test may be in train")
    return pd.Series(own["dialogue"].map(parts).to_numpy(), index=own["id"])


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


def _too_few(corpus: str, by: str, number: int) -> tuple[str, str]:
    """Why a corpus cannot be divided, and the nearest that is possible."""
    why = (
        f"{corpus} has {number} {by}{'s' if number != 1 else ''}, fewer than the {FEWEST_GROUPS} "
        "that a speaker-disjoint split needs"
    )
    return why, f"--protocol {'loso' if number > 1 else 'text'}"
