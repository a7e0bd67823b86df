"""Trained on one speaker of a corpus, tested on the others: for corpora with too few speakers to divide.

A fold for each speaker. Validation is of the same speaker, with sentences that train does not have.
"""

from __future__ import annotations

import pandas as pd

from merdata.errors import SplitError
from merdata.splits.draft import Draft, Facts, Options, one_corpus
from merdata.splits.groups import deal, profile
from merdata.splits.sentences import claims_of_text, sentences
from merdata.store.protocol import TEST, TRAIN, VALIDATION

HELD_BACK = 0.15  # of the sentences of the speaker, to validate on
FOLDS = 5
FEWEST_SENTENCES = 3  # one each for train, validation and test


def make_one_speaker(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """One fold for each speaker: trained on that one alone, tested on all rows of the others.

    Raises:
        SplitError: there are several corpora, or one speaker.
    """
    corpus = one_corpus(rows, "one-speaker")
    draft = Draft({})
    draft.claim("speaker-disjoint test", corpus=corpus)
    known = draft.known(corpus, rows, rows["speaker"], "speaker")
    said = sentences(known).fillna(known["id"])
    for fold, (speaker, others) in enumerate(_speakers(corpus, known), start=1):
        own = known["speaker"] == speaker
        groups = profile(known[own], said[own])
        fewest = max(1, round(HELD_BACK * len(groups.groups)))
        held_back = deal(groups, [fewest], f"{options.seed} {corpus} {speaker}")
        split = pd.Series(TEST, index=known.index)
        split[own] = TRAIN
        split[own & said.isin(held_back)] = VALIDATION
        draft.folds[fold] = pd.Series(split.to_numpy(), index=known["id"])
        draft.names[fold] = f"{speaker}-to-{others}"
    return draft


def make_one_speaker_text(rows: pd.DataFrame, facts: Facts, options: Options) -> Draft:
    """As `make_one_speaker`, and what test says is new too: folds by speaker and sentence.

    Sentences are dealt into `folds` parts. In each fold the others say one part, in test; the speaker says
    the next one in validation, and the rest in train. What else they say is left out. Over all folds,
    every row of every speaker is tested once for each speaker that was trained on without it.

    Raises:
        SplitError: there are several corpora, one speaker, or fewer sentences than folds.
    """
    corpus = one_corpus(rows, "one-speaker+text")
    draft = Draft({})
    draft.claim("speaker-disjoint test", *claims_of_text(rows), corpus=corpus)
    known = draft.known(corpus, rows, rows["speaker"], "speaker")
    said = sentences(known)
    known = draft.known(corpus, known, said, "text")
    part = said[known.index].map(_dealt(corpus, known, said[known.index], options))
    folds = part.max() + 1
    for speaker, others in _speakers(corpus, known):
        own = known["speaker"] == speaker
        for number in range(folds):
            tested, validated = part == number, part == (number + 1) % folds
            split = pd.Series(TRAIN, index=known.index).mask(validated, VALIDATION).mask(~own, TEST)
            kept = own != tested
            fold = len(draft.folds) + 1
            draft.folds[fold] = pd.Series(split[kept].to_numpy(), index=known.loc[kept, "id"])
            draft.names[fold] = f"{speaker}-to-{others}-{number + 1}"
    draft.notes.append(
        f"in each fold, rows of {corpus} that are new in speaker or in sentence alone are left out"
    )
    return draft


def _speakers(corpus: str, rows: pd.DataFrame) -> list[tuple[str, str]]:
    """Each speaker, and what the others are called."""
    names = sorted(set(rows["speaker"]))
    if len(names) < 2:
        raise SplitError(f"{corpus} has one speaker: --protocol text makes a split by sentence")
    return [(name, names[1 - number] if len(names) == 2 else "others") for number, name in enumerate(names)]


def _dealt(corpus: str, rows: pd.DataFrame, said: pd.Series[str], options: Options) -> dict[str, int]:
    """sentence -> its part, from 0."""
    groups = profile(rows, said)
    number = len(groups.groups)
    folds = options.folds or min(FOLDS, number)
    if not FEWEST_SENTENCES <= folds <= number:
        raise SplitError(
            f"{corpus} has {number} sentences, and {folds} folds were asked for: there must be from "
            f"{FEWEST_SENTENCES} folds to one for each sentence; --protocol one-speaker needs no sentences"
        )
    sizes = [number // folds + (part < number % folds) for part in range(folds)]
    return deal(groups, sizes, f"{options.seed} {corpus} sentences")
