"""What text alone tells: the emotion (a corpus at a time), and the corpus.

A corpus is crossed where every speaker says every sentence in every emotion: text can tell nothing there,
and whoever guesses from it has a recall of one in K on average. Better shows a leak, and so does worse: under
a random split of TESS the label that a word lacks in train is the one it has in test.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from merdata.leakage.rows import TEST, TRAIN, Rows, Splits
from merdata.text import Codes, majorities

FOLDS = 10  # of a protocol with more, the first ones are probed
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


@dataclass(frozen=True)
class Predicted:
    """What was predicted of some test rows, as codes.

    Attributes:
        gold, majority, lookup, linear: `[rows]`, the right class, and what each way of guessing says.
    """

    gold: Codes
    majority: Codes
    lookup: Codes
    linear: Codes

    def accuracy(self, guess: str) -> float:
        return round(float((self.gold == getattr(self, guess)).mean()), 4)

    def uar(self, guess: str) -> float:
        """Mean recall of the classes that the rows have."""
        rows = np.bincount(self.gold)
        right = np.bincount(self.gold[self.gold == getattr(self, guess)], minlength=len(rows))
        return round(float((right[rows > 0] / rows[rows > 0]).mean()), 4)


def probe_text(rows: Rows, splits: Splits) -> Iterator[TextProbe]:
    """By corpus, the predictions of its folds pooled."""
    said = (rows.sentence.codes >= 0) & (rows.label.codes >= 0)
    for number, corpus in enumerate(rows.corpus.names):
        own = np.flatnonzero(said & (rows.corpus.codes == number))
        pooled = [
            _predicted(rows, train, test, rows.sentence.codes, rows.label.codes)
            for split in list(splits.values())[:FOLDS]
            if len(train := own[split[own] == TRAIN]) and len(test := own[split[own] == TEST])
        ]
        if pooled:
            columns = zip(
                *((part.gold, part.majority, part.lookup, part.linear) for part in pooled), strict=True
            )
            yield _text_probe(
                corpus, Predicted(*map(np.concatenate, columns)), crossed=corpus in rows.crossed
            )


def probe_corpus(rows: Rows, splits: Splits) -> CorpusProbe | None:
    """Over the first fold that tests two corpora or more."""
    spoken = np.flatnonzero(rows.words.codes >= 0)
    for split in splits.values():
        train, test = (spoken[split[spoken] == part] for part in (TRAIN, TEST))
        known = test[np.isin(rows.corpus.codes[test], rows.corpus.codes[train])]
        corpora = len(np.unique(rows.corpus.codes[known]))
        if corpora > 1:
            some = np.random.RandomState(0).choice(len(train), min(MOST_ROWS, len(train)), replace=False)
            predicted = _predicted(rows, train[some], known, rows.words.codes, rows.corpus.codes)
            uars = [predicted.uar(guess) for guess in ("lookup", "linear")]
            return CorpusProbe(len(known), corpora, round(1 / corpora, 4), *uars)
    return None


def _text_probe(corpus: str, predicted: Predicted, *, crossed: bool) -> TextProbe:
    counts = np.bincount(predicted.gold)
    counts = counts[counts > 0]
    chance = 1 / len(counts)
    error = float(np.sqrt((chance * (1 - chance) / counts).sum()) / len(counts))
    return TextProbe(
        corpus=corpus,
        rows=len(predicted.gold),
        classes=len(counts),
        chance=round(chance, 4),
        majority=predicted.accuracy("majority"),
        lookup_uar=predicted.uar("lookup"),
        lookup_accuracy=predicted.accuracy("lookup"),
        linear_uar=predicted.uar("linear"),
        linear_accuracy=predicted.accuracy("linear"),
        error=round(error, 4),
        crossed=crossed,
    )


def _predicted(rows: Rows, train: Codes, test: Codes, said: Codes, target: Codes) -> Predicted:
    """Guesses of the test rows' target from what they say, learned from the train rows.

    Args:
        rows: of the store.
        train: places of rows.
        test: likewise.
        said: `[rows]`, a name of `rows.sentence`.
        target: `[rows]`, what to guess.
    """
    texts, labels = len(rows.sentence.names), int(target.max()) + 1
    answers = majorities(said[train], target[train], texts, labels)[said[test]]
    majority = np.bincount(target[train]).argmax()
    return Predicted(
        gold=target[test],
        majority=np.full(len(test), majority),
        lookup=np.where(answers < 0, majority, answers),
        linear=_linear(rows, said[train], target[train])[said[test]],
    )


def _linear(rows: Rows, said: Codes, target: Codes) -> Codes:
    """What a linear model on hashed words says of every text; rows alike are one weighted example."""
    cells, counts = np.unique(said * (target.max() + 1) + target, return_counts=True)
    learned_from = cells.tobytes() + counts.tobytes()
    key = hashlib.sha256(learned_from).digest()
    if key not in rows.learned:
        rows.learned[key] = _fitted(rows, *np.divmod(cells, target.max() + 1), counts)
    return rows.learned[key]


def _fitted(rows: Rows, text: Codes, label: Codes, counts: Codes) -> Codes:
    from sklearn.linear_model import SGDClassifier

    labels, per_class = np.unique(label), np.bincount(label, weights=counts)
    if len(labels) < 2:
        return np.full(len(rows.sentence.names), labels[0])
    weight = counts / per_class[label] * len(label) / len(labels)  # classes count alike
    model = SGDClassifier(loss="log_loss", max_iter=EPOCHS, tol=None, random_state=0)
    model.fit(rows.features[text], label, sample_weight=weight)
    predicted: Codes = model.predict(rows.features)
    return predicted
