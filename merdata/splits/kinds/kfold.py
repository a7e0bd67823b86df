"""Cross-validation: each fold tests other speakers, sessions or sentences, the next fold validates."""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Options, corpora_of, one_corpus
from merdata.splits.groups import deal, profile
from merdata.splits.sentences import claims_of_text, sentences
from merdata.store.protocol import TEST, TRAIN, VALIDATION

FOLDS = 5
HELD_BACK = 10  # with two folds, one in this many sentences (or speakers) of train is validation
GROUPS = ("speaker", "session", "text")
CLAIMS = {
    "speaker": ("speaker-disjoint",),
    "session": ("speaker-disjoint", "session-disjoint", "dialogue-disjoint"),
}


def make_kfold(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """Folds by speaker, session or text; by default by session where a corpus has them, else by speaker.

    Raises:
        SplitError: a corpus has fewer groups than folds, or none of the kind asked for.
    """
    grouped = {corpus: _grouped(corpus, own, options.by) for corpus, own in corpora_of(rows)}
    folds = options.folds or max(2, min([FOLDS, *(own["group"].nunique() for _, own in grouped.values())]))
    kinds = {by for by, _ in grouped.values()}
    draft = Draft({}, by=kinds.pop() if len(kinds) == 1 else "kfold")
    parts: dict[int, list[pd.Series[str]]] = {fold: [] for fold in range(1, folds + 1)}
    for corpus, (by, own) in grouped.items():
        fold_of = _fold_of(corpus, by, own, folds, options.seed)
        claims = claims_of_text(own) if by == "text" else CLAIMS[by]
        draft.claim(*(f"{claim} test" if folds == 2 else claim for claim in claims), corpus=corpus)
        if folds == 2:
            draft.notes.append(
                f"two folds of {corpus} leave no {by} for validation: a tenth of train's {_spare(by)}s is it"
            )
        for fold, splits in parts.items():
            split = _split(own, by, own["group"].map(fold_of), fold, folds, f"{options.seed} {corpus} {fold}")
            splits.append(pd.Series(split.to_numpy(), index=own["id"]))
    draft.folds = {fold: pd.concat(splits) for fold, splits in parts.items()}
    return draft


def make_loso(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """One fold for each speaker of one corpus; where two share a session, it validates on the partner.

    Raises:
        SplitError: there are several corpora, or one speaker.
    """
    one_corpus(rows, "loso")
    speakers = sorted(set(rows["speaker"].dropna()))
    draft = make_kfold(rows, facts, Options(options.seed, folds=len(speakers), by="speaker"))
    draft.names = dict(enumerate(speakers, start=1))
    return draft


def _grouped(corpus: str, own: pd.DataFrame, by: str | None) -> tuple[str, pd.DataFrame]:
    """What the folds of a corpus keep whole, and its rows with their `group`."""
    by = by or ("session" if own["session"].notna().all() else "speaker")
    group = sentences(own) if by == "text" else own[by]
    if group.isna().any():
        others = ", ".join(other for other in GROUPS if other != by)
        raise SplitError(
            f"{group.isna().sum():,} rows of {corpus} have no {by}: fold by another of {others}, "
            "or leave the corpus out"
        )
    return by, own.assign(group=group)


def _fold_of(corpus: str, by: str, own: pd.DataFrame, folds: int, seed: int) -> dict[str, int]:
    """group -> its fold, from 1; in the order of their names where each fold is one group."""
    names = sorted(set(own["group"]))
    if not 2 <= folds <= len(names):
        nearest = f"use --folds {len(names)}" if len(names) > 1 else f"fold by another of {', '.join(GROUPS)}"
        raise SplitError(
            f"{corpus} has {len(names)} {by}s, too few for {folds} folds: {nearest}, or leave it out"
        )
    if len(names) == folds:
        return {name: number for number, name in enumerate(names, start=1)}
    if by == "speaker" and _share_sessions(own):
        raise SplitError(
            f"speakers of {corpus} share dialogues: use --by session, or --folds {len(names)}, which "
            "validates on the partner of the test speaker"
        )
    sizes = [len(names) // folds + (number < len(names) % folds) for number in range(folds)]
    dealt = deal(profile(own, own["group"]), sizes, f"{seed} {corpus} {by}")
    return {name: part + 1 for name, part in dealt.items()}


def _split(
    own: pd.DataFrame, by: str, number: pd.Series[int], fold: int, folds: int, key: str
) -> pd.Series[str]:
    """Split of each row of a corpus in one fold."""
    test = number == fold
    if by == "speaker" and _share_sessions(own):
        validation = own["session"].isin(set(own["session"][test]))
    elif folds == 2:
        validation = _held_back(own[~test], by, key).reindex(own.index, fill_value=False)
    else:
        validation = number == fold % folds + 1
    split = pd.Series(TRAIN, index=own.index)
    split[validation] = VALIDATION
    split[test] = TEST
    return split


def _share_sessions(own: pd.DataFrame) -> bool:
    return bool(own["session"].notna().all())


def _held_back(train: pd.DataFrame, by: str, key: str) -> pd.Series[bool]:
    """The rows to validate on where no group can be spared: a tenth of the sentences or speakers."""
    group = sentences(train).fillna(train["id"]) if _spare(by) == "sentence" else train["speaker"]
    groups = profile(train, group)
    return group.isin(deal(groups, [max(1, len(groups.groups) // HELD_BACK)], key))


def _spare(by: str) -> str:
    return "speaker" if by == "text" else "sentence"
