"""What text alone tells: the emotion (a corpus at a time), and the corpus.

A corpus is crossed where every speaker says every sentence in every emotion: text can tell nothing there,
and whoever guesses from it has a recall of one in K on average. Better shows a leak, and so does worse: under
a random split of TESS the label that a word lacks in train is the one it has in test.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from merdata.leakage.rows import Rows, Splits
from merdata.store.protocol import TEST, TRAIN
from merdata.text import TextLookUp, majority_label

FOLDS = 10  # of a protocol with more, the first ones are probed
FEATURES = 2**14
WORDS = r"\b\w+\b"  # one letter is a word, too
EPOCHS = 20
ALARM = 3.0  # standard errors from chance
MOST_ROWS = 20_000  # of train, for the corpus probe


@dataclass(frozen=True)
class TextProbe:
    """What text predicts in one corpus, over its test rows.

    Attributes:
        rows: tested, of all folds probed.
        chance: 1 / classes, the mean recall (UAR) of any guess that does not look at the text.
        majority: accuracy of the most frequent train label.
        lookup_uar, lookup_accuracy: the most frequent train label of the same sentence, else of all.
        linear_uar, linear_accuracy: a linear model on hashed words.
        error: standard error of a UAR at chance.
        crossed: whether text can tell nothing by design.
    """

    corpus: str
    rows: int
    classes: int
    chance: float
    majority: float
    lookup_uar: float
    lookup_accuracy: float
    linear_uar: float
    linear_accuracy: float
    error: float
    crossed: bool

    @property
    def alarm(self) -> str:
        """Why a crossed corpus alarms, or "" where it does not."""
        if not self.crossed:
            return ""
        for name, uar in (("look-up", self.lookup_uar), ("linear model", self.linear_uar)):
            if abs(uar - self.chance) > ALARM * self.error:
                side = "above" if uar > self.chance else "below"
                return f"text alone ({name}) is {side} chance on a crossed corpus"
        return ""


@dataclass(frozen=True)
class CorpusProbe:
    """How well text tells the corpus of a test row: mean recall over the corpora, and chance."""

    rows: int
    corpora: int
    chance: float
    lookup_uar: float
    linear_uar: float


def probe_text(rows: Rows, splits: Mapping[int, Splits]) -> Iterator[TextProbe]:
    """By corpus, the predictions of its folds pooled."""
    table = rows.table
    spoken = (table["sentence"].notna() & table["label"].notna()).to_numpy()
    for corpus in sorted(set(table["corpus"])):
        own = spoken & (table["corpus"] == corpus).to_numpy()
        pooled = [
            _predicted(table[own & (split == TRAIN)], table[own & (split == TEST)], "label")
            for split in list(splits.values())[:FOLDS]
            if (own & (split == TRAIN)).any() and (own & (split == TEST)).any()
        ]
        if pooled:
            yield _text_probe(corpus, pd.concat(pooled), crossed=corpus in rows.crossed)


def probe_corpus(rows: Rows, splits: Mapping[int, Splits]) -> CorpusProbe | None:
    """Over the first fold that tests two corpora or more."""
    table = rows.table
    spoken = table["words"].notna().to_numpy()
    for split in splits.values():
        train, test = (table[spoken & (split == part)] for part in (TRAIN, TEST))
        known = test[test["corpus"].isin(set(train["corpus"]))]
        corpora = known["corpus"].nunique()
        if corpora > 1:
            train = train.sample(min(MOST_ROWS, len(train)), random_state=0)
            found = _predicted(train, known, "corpus")
            uars = [_uar(found["gold"], found[name]) for name in ("lookup", "linear")]
            return CorpusProbe(len(found), corpora, round(1 / corpora, 4), *uars)
    return None


def _text_probe(corpus: str, found: pd.DataFrame, *, crossed: bool) -> TextProbe:
    counts = found["gold"].value_counts().to_numpy()
    chance = 1 / len(counts)
    error = float(np.sqrt((chance * (1 - chance) / counts).sum()) / len(counts))
    gold = found["gold"]
    return TextProbe(
        corpus=corpus,
        rows=len(found),
        classes=len(counts),
        chance=round(chance, 4),
        majority=_accuracy(gold, found["majority"]),
        lookup_uar=_uar(gold, found["lookup"]),
        lookup_accuracy=_accuracy(gold, found["lookup"]),
        linear_uar=_uar(gold, found["linear"]),
        linear_accuracy=_accuracy(gold, found["linear"]),
        error=round(error, 4),
        crossed=crossed,
    )


def _predicted(train: pd.DataFrame, test: pd.DataFrame, target: str) -> pd.DataFrame:
    """gold, majority, lookup and linear for each test row."""
    seen = train[["sentence", target]].set_axis(["sentence", "label"], axis=1)
    majority = majority_label(seen["label"])
    look_up = TextLookUp(seen["sentence"], seen["label"])
    return pd.DataFrame(
        {
            "gold": test[target].to_numpy(),
            "majority": majority,
            "lookup": look_up.answers(test["sentence"]).fillna(majority).to_numpy(),
            "linear": _linear(seen, test["sentence"]),
        }
    )


def _linear(train: pd.DataFrame, sentences: pd.Series[str]) -> npt.NDArray[np.object_]:
    """What a linear model on hashed words predicts; rows with one text and label are one weighted example."""
    from sklearn.feature_extraction.text import HashingVectorizer
    from sklearn.linear_model import SGDClassifier

    examples = train.groupby(["sentence", "label"], observed=True).size().reset_index(name="n")
    if examples["label"].nunique() < 2:
        return np.full(len(sentences), examples["label"][0], object)
    hashing = HashingVectorizer(n_features=FEATURES, token_pattern=WORDS)
    model = SGDClassifier(loss="log_loss", max_iter=EPOCHS, tol=None, random_state=0)
    per_class = examples.groupby("label")["n"].transform("sum")
    weight = examples["n"] / per_class * len(examples) / examples["label"].nunique()  # classes count alike
    model.fit(hashing.transform(examples["sentence"]), examples["label"], sample_weight=weight)
    distinct = sorted(set(sentences))
    said = dict(zip(distinct, model.predict(hashing.transform(distinct)), strict=True))
    predicted: npt.NDArray[np.object_] = sentences.map(said).to_numpy(object)
    return predicted


def _uar(gold: pd.Series[str], predicted: pd.Series[str]) -> float:
    return round(float((gold == predicted).groupby(gold).mean().mean()), 4)


def _accuracy(gold: pd.Series[str], predicted: pd.Series[str]) -> float:
    return round(float((gold == predicted).mean()), 4)
