"""What intervals resample, and what vectors tell apart."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score
from sklearn.neighbors import KNeighborsClassifier

from merdata_train.scoring.embeddings import mapped, separability
from merdata_train.scoring.units import account_of, by_unit, units_of

CLASSES = ("anger", "joy")


def predictions(speakers: int, sentences: int = 8) -> pd.DataFrame:
    """Every speaker says every sentence in both emotions; nobody is wrong about the first four sentences."""
    rows = [
        {"id": f"c/{speaker}_{sentence}_{label}", "corpus": "c", "cluster": f"c/{speaker}"}
        | {"sentence": f"word {sentence}", "label": label, "predicted": label if sentence < 4 else "joy"}
        for speaker in range(speakers)
        for sentence in range(sentences)
        for label in CLASSES
    ]
    return pd.DataFrame(rows)


def test_two_speakers_are_no_units_so_their_sentences_are() -> None:
    rows = predictions(2)
    assert units_of(rows).nunique() == 8
    assert by_unit(rows, CLASSES).shape == (8, 2, 2)
    found = account_of(rows, CLASSES)
    assert found["over"] == "sentences"
    assert found["scores"]["uar"] == balanced_accuracy_score(rows["label"], rows["predicted"]) == 0.75
    assert found["intervals"] is not None
    low, high = found["intervals"]["uar"]
    assert low < 0.75 < high
    assert found["clusters"] == 2
    assert set(found["by_cluster"]) == {"c/0", "c/1"}  # each speaker stays listed


@pytest.mark.parametrize(
    ("rows", "units", "bounded"),
    [
        (predictions(5), 5, True),  # speakers, where there are enough
        (predictions(2, sentences=2), 2, False),  # RAVDESS has two sentences: no interval at all
        (predictions(2).drop(columns="sentence"), 2, False),
        (predictions(2).assign(sentence=None), 2, False),
    ],
)
def test_speakers_stay_the_units(rows: pd.DataFrame, units: int, bounded: bool) -> None:
    assert units_of(rows).nunique() == units
    found = account_of(rows, CLASSES)
    assert "over" not in found
    assert (found["intervals"] is not None) == bounded


@pytest.fixture(scope="module")
def clouds() -> tuple[np.ndarray, list[str], list[str]]:
    """Two clouds far apart by emotion, each mixed in speakers."""
    random = np.random.default_rng(0)
    emotions, speakers = ["anger", "joy"] * 30, ["a", "a", "b", "b"] * 15
    vectors = random.normal(size=(60, 70)) + 8 * np.array([[name == "joy"] * 70 for name in emotions])
    return vectors, emotions, speakers


def test_vectors_tell_what_their_neighbours_share(clouds: tuple[np.ndarray, list[str], list[str]]) -> None:
    vectors, emotions, speakers = clouds
    told, mixed = separability(vectors, emotions), separability(vectors, speakers)
    assert told is not None
    assert mixed is not None
    assert told.neighbours == 1.0
    assert told.silhouette > 0.5
    assert told.majority == 0.5
    assert abs(mixed.silhouette) < 0.1
    left_out = [
        KNeighborsClassifier(5)
        .fit(np.delete(vectors, row, 0), np.delete(speakers, row))
        .predict(vectors[row : row + 1])[0]
        for row in range(60)
    ]
    assert mixed.neighbours == np.mean(np.array(left_out) == speakers)
    assert separability(vectors, ["one"] * 60) is None
    assert separability(vectors[:6], emotions[:6]) is None


def test_a_map_is_the_same_every_time(clouds: tuple[np.ndarray, list[str], list[str]]) -> None:
    vectors, emotions, _ = clouds
    points = mapped(vectors)
    assert points.shape == (60, 2)
    assert (points == mapped(vectors)).all()
    told = separability(points, emotions)
    assert told is not None
    assert told.neighbours == 1.0
