"""Baselines: what needs no model, fitted on train rows alone."""

from __future__ import annotations

import pandas as pd
import pytest

import merdata
from merdata_train.lints.crossed import crossed_text
from merdata_train.scoring.baselines import TextPrior, baselines

CLASSES = ("anger", "fear", "joy", "neutral")
TRAIN = pd.DataFrame(
    [
        ("Dogs are sitting.", "joy"),
        ("dogs are  sitting", "joy"),
        ("Dogs are sitting!", "anger"),
        ("Hello?", "anger"),
        (None, "neutral"),
        ("...", "neutral"),
        ("well", "neutral"),
    ],
    columns=["text", "label"],
)


def test_the_text_prior_looks_up_the_majority_label_of_a_transcript() -> None:
    prior = TextPrior(TRAIN)
    assert prior.majority == "neutral"
    texts = pd.Series(["DOGS are sitting", "hello", "never seen", None, "?!"], dtype=object)
    assert prior.predict(texts) == ["joy", "anger", "neutral", "neutral", "neutral"]
    assert prior.known(texts) == pytest.approx(2 / 5)


def test_baselines_of_a_test_set() -> None:
    test = pd.DataFrame(
        [("dogs are sitting", "joy"), ("hello", "joy"), ("no", "neutral"), ("so", "anger")],
        columns=["text", "label"],
    )
    found = baselines(test, TextPrior(TRAIN), CLASSES)
    assert found["chance"] == {"accuracy": pytest.approx(1 / 3), "uar": pytest.approx(1 / 3)}  # no fear here
    assert found["majority"]["accuracy"] == 0.25
    assert found["majority"]["uar"] == pytest.approx(1 / 3)
    assert found["text_prior"]["accuracy"] == 0.5
    assert found["text_prior"]["known"] == 0.5


def test_a_crossed_corpus_is_told_by_a_text_prior_below_chance() -> None:
    """Every word in every emotion (TESS): test has the one that the train rows of a word lack."""
    rows = pd.DataFrame(
        [(f"word{at}", label) for at in range(50) for label in CLASSES], columns=["text", "label"]
    )
    is_test = [number % 4 == (number // 4) % 4 for number in range(len(rows))]
    test, train = rows[is_test], rows[[not one for one in is_test]]
    found = baselines(test, TextPrior(train), CLASSES)
    assert found["text_prior"]["known"] == 1
    assert found["text_prior"]["uar"] < 0.05 < found["chance"]["uar"]


SPELT = {  # the same sentence in train and in test
    "It's eleven o'clock.": "\uff29\uff34\u2019\uff33 eleven o\u00b4clock",
    "Kids are talking - by the door": "\u201ckids are talking\u201d \u2013 by the door!",
}


def test_audit_baseline_and_lint_mean_the_same_by_the_same_text(store: merdata.Store) -> None:
    """One definition: what the audit counts, the baseline looks up and the lint warns of."""
    rows = store.rows(["id", "corpus", "text", "label"]).to_pandas()
    split = rows["id"].map(merdata.load_protocol(store, "mer").splits())
    train, test = rows[split == "train"], rows[split == "test"]
    prior = TextPrior(train)
    counts = [same for same in merdata.audit(store, near_audio=False).same_texts if same.length == "all"]
    assert {same.corpus for same in counts} == set(test["corpus"][test["text"].notna()])
    for same in counts:
        own = test[test["corpus"] == same.corpus]
        assert same.rows == round(prior.known(own["text"]) * len(own))
        known = own[[prior.known(own.loc[[row], "text"]) == 1 for row in own.index]]
        assert same.right == sum(map(str.__eq__, prior.predict(known["text"]), known["label"]))

    learned = pd.DataFrame({"corpus": "c", "text": [*SPELT] * 15, "label": ["joy", "anger"] * 15})
    asked = pd.DataFrame({"corpus": "c", "text": [*SPELT.values()] * 15, "label": ["joy", "anger"] * 15})
    assert TextPrior(learned).known(asked["text"]) == 1
    (warning,) = crossed_text(learned, asked, ["c"])
    assert "is right for 100.0%" in warning
