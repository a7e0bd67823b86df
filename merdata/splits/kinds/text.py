"""Sentence-disjoint splits, alone or with speakers: what is said in test was never said in train."""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Wish, corpora_of
from merdata.splits.kinds.speaker import FEWEST_GROUPS, split_groups
from merdata.store.protocol import TRAIN
from merdata.text import normalised

CROSSED_RATIOS = (0.6, 0.2, 0.2)  # of speakers and of sentences: 36 %, 4 % and 4 % of the rows remain


def make_text(rows: pd.DataFrame, facts: Facts, wish: Wish) -> Draft:
    """Each corpus by its sentences; rows of which nobody knows the sentence are left out.

    Raises:
        SplitError: the only corpus has fewer than three sentences.
    """
    return _by_sentence(rows, wish, with_speakers=False)


def make_speaker_text(rows: pd.DataFrame, facts: Facts, wish: Wish) -> Draft:
    """New speakers who say new sentences; rows that are new in one way only are left out.

    Raises:
        SplitError: the only corpus has fewer than three speakers or sentences.
    """
    return _by_sentence(rows, wish, with_speakers=True)


def sentence(rows: pd.DataFrame) -> pd.Series[str]:
    """What each row says: its normalised text, else the id of its prompt, else nothing."""
    said = spoken(rows["text"]).replace("", None)
    return said.where(said.notna(), rows["prompt"])


def spoken(texts: pd.Series[str]) -> pd.Series[str]:
    """Normalised texts, each distinct one normalised once; none stays none."""
    return texts.map({text: normalised(text) for text in texts.dropna().unique()})


def _by_sentence(rows: pd.DataFrame, wish: Wish, *, with_speakers: bool) -> Draft:
    draft, parts = Draft({}), []
    alone = rows["corpus"].nunique() == 1
    for corpus, own in corpora_of(rows):
        said = sentence(own)
        known = own[said.notna()]
        if len(known) < len(own):
            draft.notes.append(f"{corpus}: {len(own) - len(known):,} rows without text are left out")
        groups = {"text": said[known.index]}
        if with_speakers:
            groups["speaker"] = known["session"].fillna(known["speaker"])
        few = [name for name, group in groups.items() if group.nunique() < FEWEST_GROUPS]
        for name in groups:
            draft.claim(f"{name}-disjoint", corpus=corpus)
        if few:
            why = _too_few(corpus, few[0], groups[few[0]].nunique())
            if alone:
                raise SplitError(f"{why}; the nearest is --protocol kfold --by {few[0]} --folds 2")
            draft.notes.append(f"{why}: all its {len(known)} rows are in train")
            parts.append(pd.Series(TRAIN, index=known["id"]))
        else:
            parts.append(_agreed(corpus, known, groups, wish, draft))
    draft.folds[0] = pd.concat(parts)
    return draft


def _agreed(
    corpus: str, known: pd.DataFrame, groups: dict[str, pd.Series[str]], wish: Wish, draft: Draft
) -> pd.Series[str]:
    """The rows on whose split all the groupings agree."""
    ratios = wish.ratios or (CROSSED_RATIOS if len(groups) > 1 else None)
    splits = []
    for name, group in groups.items():
        found = split_groups(known, group, f"{wish.seed} {corpus} {name}", ratios)
        splits.append(group.map(found or {}))
    agreed = splits[0][[len(set(row)) == 1 for row in zip(*splits, strict=True)]]
    if len(agreed) < len(known):
        draft.notes.append(
            f"{len(known) - len(agreed):,} rows of {corpus} are new in speaker or in sentence alone: left out"
        )
    return pd.Series(agreed.to_numpy(), index=known.loc[agreed.index, "id"])


def _too_few(corpus: str, group: str, number: int) -> str:
    what = "sentence" if group == "text" else "speaker"
    return (
        f"{corpus} has {number} {what}{'s' if number != 1 else ''}, fewer than the {FEWEST_GROUPS} of a split"
    )
