"""What every kind of protocol takes and gives: options and the store's rows in, a draft of the table out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from merdata.errors import SplitError
from merdata.store.facts import CorpusFacts
from merdata.store.protocol import TRAIN

COLUMNS = (
    "id",
    "corpus",
    "speaker",
    "gender",
    "language",
    "label",
    "official_split",
    "session",
    "dialogue",
    "prompt",
    "text",
    "raw_label",
)
Facts = Mapping[str, CorpusFacts]  # by corpus


@dataclass(frozen=True)
class Options:
    """The options of a kind; None leaves one to the kind.

    Attributes:
        seed: of every choice by chance.
        ratios: shares of train, validation and test.
        folds: how many.
        by: what a fold keeps whole: speaker, session or text.
        whole: corpora that keep all their rows beside the one that is cut to shares.
    """

    seed: int = 0
    ratios: tuple[float, float, float] | None = None
    folds: int | None = None
    by: str | None = None
    whole: list[str] | None = None

    @property
    def given(self) -> dict[str, Any]:
        """Those that were given, besides the seed."""
        options = {"ratios": self.ratios, "folds": self.folds, "by": self.by, "whole": self.whole}
        return {name: value for name, value in options.items() if value is not None}


def parse_ratios(text: str) -> tuple[float, float, float]:
    """`80/10/10` as shares of train, validation and test.

    Raises:
        SplitError: it is not of that form.
    """
    try:
        train, validation, test = (float(part) / 100 for part in text.split("/"))
    except ValueError as error:
        raise SplitError(
            f"--ratios takes percentages of train/validation/test as in 80/10/10, not {text!r}"
        ) from error
    return train, validation, test


@dataclass
class Draft:
    """A protocol before it has a name.

    Attributes:
        folds: number -> split of each row, indexed by id.
        claims: property -> corpora for which it holds.
        notes: sentences on what was not possible.
        undivided: corpora that stay in train whole, as a note says.
        nearest: the command's options that split such a corpus.
        names: number -> what the fold is called, where a number says too little.
        by: what the folds keep whole; `kfold` where that differs between corpora.
    """

    folds: dict[int, pd.Series[str]]
    claims: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    undivided: list[str] = field(default_factory=list)
    nearest: str = ""
    names: dict[int, str] = field(default_factory=dict)
    by: str = ""

    def claim(self, *claims: str, corpus: str) -> None:
        """Promise something of a corpus."""
        for claim in claims:
            self.claims.setdefault(claim, []).append(corpus)

    def known(self, corpus: str, rows: pd.DataFrame, group: pd.Series[str], what: str) -> pd.DataFrame:
        """The rows of a corpus whose group is known; a note says how many the others are."""
        known = rows[group.notna()]
        if len(known) < len(rows):
            self.notes.append(f"{corpus}: {len(rows) - len(known):,} rows without {what} are left out")
        return known

    def keep_in_train(self, corpus: str, rows: pd.DataFrame, why: str, *, nearest: str) -> pd.Series[str]:
        """The split of a corpus that this kind cannot divide.

        Args:
            corpus: its name.
            rows: of it.
            why: the reason, without an end.
            nearest: the options of a command that divides it.
        """
        self.notes.append(f"{why}: all its {len(rows):,} rows are in train")
        self.undivided.append(corpus)
        self.nearest = self.nearest or f"{nearest} --corpus {corpus}"
        return pd.Series(TRAIN, index=rows["id"])


def corpora_of(rows: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Each corpus and its rows, by name."""
    for corpus, own in rows.groupby("corpus", sort=True):
        yield str(corpus), own


def one_corpus(rows: pd.DataFrame, kind: str) -> str:
    """The corpus of a kind that splits one alone.

    Raises:
        SplitError: there are several.
    """
    corpora = sorted(set(rows["corpus"]))
    if not corpora:
        raise SplitError(f"--protocol {kind} splits one corpus: name it with --corpus, beside --whole")
    if len(corpora) > 1:
        raise SplitError(
            f"--protocol {kind} splits one corpus: add --corpus NAME, one of {', '.join(corpora)}"
        )
    return str(corpora[0])


def corpus_by_corpus(
    rows: pd.DataFrame, split: Callable[[str, pd.DataFrame, Draft], pd.Series[str]]
) -> Draft:
    """A draft of one fold, each corpus split by itself: adding a corpus moves no row of another."""
    draft = Draft({})
    parts = [split(corpus, own, draft) for corpus, own in corpora_of(rows)]
    draft.folds[0] = pd.concat(parts)
    return draft
