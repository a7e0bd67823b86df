"""Sentence-disjoint splits, alone or with speakers: no sentence of test occurs in train."""

from __future__ import annotations

import pandas as pd

from merdata.splits.draft import Draft, Facts, Options, corpora_of
from merdata.splits.kinds.speaker import FEWEST_GROUPS, split_groups
from merdata.splits.sentences import claims_of_text, sentences

CROSSED_RATIOS = (0.6, 0.2, 0.2)  # of speakers and of sentences: 36 %, 4 % and 4 % of the rows remain


def make_text(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """Each corpus by its sentences; rows of which nobody knows the sentence are left out."""
    return _by_sentence(rows, options, with_speakers=False)


def make_speaker_text(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """New speakers who say new sentences; rows that are new in one way only are left out."""
    return _by_sentence(rows, options, with_speakers=True)


def _by_sentence(rows: pd.DataFrame, options: Options, *, with_speakers: bool) -> Draft:
    draft, parts = Draft({}), []
    for corpus, own in corpora_of(rows):
        said = sentences(own)
        known = draft.known(corpus, own, said, "text")
        groups = {"text": said[known.index]}
        draft.claim(*claims_of_text(known), corpus=corpus)
        if with_speakers:
            groups["speaker"] = known["session"].fillna(known["speaker"])
            draft.claim("speaker-disjoint", corpus=corpus)
        few = [name for name, group in groups.items() if group.nunique() < FEWEST_GROUPS]
        if few:
            why, nearest = _too_few(corpus, few[0], groups[few[0]].nunique())
            parts.append(draft.keep_in_train(corpus, known, why, nearest=nearest))
        else:
            parts.append(_agreed(corpus, known, groups, options, draft))
    draft.folds[0] = pd.concat(parts)
    return draft


def _agreed(
    corpus: str, known: pd.DataFrame, groups: dict[str, pd.Series[str]], options: Options, draft: Draft
) -> pd.Series[str]:
    """The rows on whose split all the groupings agree."""
    ratios = options.ratios or (CROSSED_RATIOS if len(groups) > 1 else None)
    splits = []
    for name, group in groups.items():
        found = split_groups(known, group, f"{options.seed} {corpus} {name}", ratios)
        splits.append(group.map(found or {}))
    agreed = splits[0][[len(set(row)) == 1 for row in zip(*splits, strict=True)]]
    if len(agreed) < len(known):
        draft.notes.append(
            f"{len(known) - len(agreed):,} rows of {corpus} are new in speaker or in sentence alone: left out"
        )
    return pd.Series(agreed.to_numpy(), index=known.loc[agreed.index, "id"])


def _too_few(corpus: str, group: str, number: int) -> tuple[str, str]:
    """Why a corpus cannot be divided, and the nearest that is possible."""
    what = "sentence" if group == "text" else "speaker"
    why = (
        f"{corpus} has {number} {what}{'s' if number != 1 else ''}, fewer than the {FEWEST_GROUPS} of a split"
    )
    other = "speaker" if group == "text" else "text"
    if number < 2:
        return why, f"--protocol {other}"
    return (
        why,
        "--protocol one-speaker+text" if group == "speaker" else f"--protocol kfold --by {group} --folds 2",
    )
