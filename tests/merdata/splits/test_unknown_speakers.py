"""Corpora that do not say who speaks: never a split by speakers, and the notes say so."""

from __future__ import annotations

import pandas as pd
import pytest

from merdata.corpora.registry import get_corpus
from merdata.splits.draft import COLUMNS, Options
from merdata.splits.kinds.mer import make_mer
from merdata.splits.kinds.speaker import make_speaker
from merdata.splits.make import KINDS

FACTS = {"c": {"domain": "acted", "split": "speaker"}}


def rows(dialogues: int | None, text: str | None = None) -> pd.DataFrame:
    labels = ("joy", "anger")
    made = [
        {"id": f"c/{number}", "corpus": "c", "language": "ru", "label": labels[number % 2], "text": text}
        | {"dialogue": None if dialogues is None else f"d{number % dialogues}"}
        for number in range(40)
    ]
    return pd.DataFrame(made, columns=list(COLUMNS), dtype=object)


@pytest.mark.parametrize("make", [make_mer, make_speaker])
def test_dialogues_are_kept_whole_where_they_are_known(make: object) -> None:
    own = rows(dialogues=10)
    draft = KINDS["mer" if make is make_mer else "speaker"].make(own, FACTS, Options())
    assert draft.claims == {"dialogue-disjoint": ["c"]}
    own["split"] = own["id"].map(draft.folds[0])
    assert (own.groupby("dialogue")["split"].nunique() == 1).all()
    assert own["split"].value_counts().to_dict() == {"train": 32, "validation": 4, "test": 4}
    assert draft.notes == [
        "c does not say who speaks, so it cannot be divided by speakers: its dialogues are kept whole, and a "
        "speaker of test may be in train"
    ]


@pytest.mark.parametrize(("text", "nearest"), [(None, "random"), ("hello", "text")])
def test_without_dialogues_all_is_train_and_the_nearest_is_named(text: str | None, nearest: str) -> None:
    draft = make_mer(rows(dialogues=None, text=text), FACTS, Options())
    assert draft.claims == {}
    assert set(draft.folds[0]) == {"train"}
    assert draft.nearest == f"--protocol {nearest} --corpus c"
    assert "cannot be divided by speakers: all its 40 rows are in train" in draft.notes[0]


def test_a_published_split_without_dialogues_claims_none() -> None:
    own = rows(dialogues=None).assign(official_split=["train", "test"] * 20)
    draft = make_mer(own, {"c": {"split": "official"}}, Options())
    assert draft.claims == {"official": ["c"]}


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("resd", "Dialogues are kept whole; it is not divided by speakers"),
        ("mesd", "It stays in train whole: it cannot be divided by speakers"),
        ("thorsten", "It has one speaker"),
        ("mer2023", "The published split is kept"),
        ("emodb", "It is divided by speakers"),
    ],
)
def test_the_page_says_what_the_default_protocol_does(name: str, said: str) -> None:
    assert said in get_corpus(name).card
