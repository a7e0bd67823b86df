"""Context: earlier turns of the same dialogue and split, and the target never lost."""

from __future__ import annotations

import numpy as np
import pytest

import merdata
from merdata_train.data.context import history_texts, joined, target_text, text_vectors
from merdata_train.data.source import Source
from merdata_train.errors import RecipeError
from merdata_train.features.hashing import hashed
from merdata_train.recipe.data import Context
from merdata_train.recipe.features import Hashing
from merdata_train.recipe.recipe import load_recipe
from merdata_train.serving.predict import Predictor
from tests.merdata_train.conftest import SMALL

TURNS = [
    merdata.Turn(0, "a", "Joey", "Hey!", True),
    merdata.Turn(1),
    merdata.Turn(2, "c", "Monica", None, True),
    merdata.Turn(3, "d", "Monica", "Hello there.", False),
]


def test_the_text_is_as_the_source_has_it() -> None:
    context = Context(previous=4)
    history = history_texts(TURNS, context)
    target = target_text("Joey", "What's up?", context)
    assert (
        joined(history, target)
        == "speaker=Joey Hey! </s> speaker=Monica Hello there. </s> speaker=Joey What's up?"
    )
    plain = Context(previous=4, speaker_prefix=False)
    assert (
        joined(history_texts(TURNS, plain), target_text("Joey", "No.", plain))
        == "Hey! </s> Hello there. </s> No."
    )


def test_a_target_without_words_has_no_text() -> None:
    assert joined(["before"], target_text("Joey", None, Context(previous=1))) is None


def test_separate_blocks_leave_the_target_alone() -> None:
    config, context = Hashing(n_features=64), Context(previous=2, separate=True)
    vectors = text_vectors(["the target", None], [["before"], []], config, context)
    assert vectors.shape == (2, 128)
    assert np.array_equal(vectors[:, :64], hashed(["the target", None], config))
    assert np.array_equal(vectors[:, 64:], hashed(["before", None], config))


def one_token(speaker: str) -> str:
    """A name as one word of hashed text."""
    return speaker.replace(" ", "_")


@pytest.mark.parametrize("separate", [False, True])
def test_training_rows_see_no_later_turn_and_no_other_split(store: merdata.Store, separate: bool) -> None:
    context = f"context={{previous: 3, speaker_prefix: true, separate: {str(separate).lower()}}}"
    recipe = load_recipe("source0/A1-text", [f"store={store.path}", *SMALL, context])
    examples = Source(recipe).examples("train")
    protocol = merdata.load_protocol(store, "mer")
    histories = merdata.histories(store, 3, protocol=protocol)
    splits = protocol.splits()
    text_of = dict(
        zip(*(store.rows(["id", "text"])[name].to_pylist() for name in ("id", "text")), strict=True)
    )
    for at, row in enumerate(examples.rows.itertuples()):
        turns = histories.get(row.id, [])
        assert all(turn.id is None or splits[turn.id] == "train" for turn in turns)
        before = [f"speaker={one_token(turn.speaker)} {turn.text}" for turn in turns if turn.text]
        target = text_of[row.id]
        if row.id in histories and target is not None:
            target = f"speaker={one_token(row.speaker)} {target}"
        (expected,) = text_vectors([target], [before], recipe.features.text, recipe.context)
        assert np.array_equal(examples.tensors["text_vec"][at].numpy(), expected)


def test_context_needs_text() -> None:
    with pytest.raises(RecipeError, match="modalities does not have text"):
        load_recipe("source0/A1-audio", ["context={previous: 3}"])


def test_a_model_with_context_predicts_with_a_history(store: merdata.Store) -> None:
    from merdata_train.models.emotion import EmotionModel

    recipe = load_recipe("source0/A1-text", [*SMALL, "context={previous: 1}"])
    predictor = Predictor(EmotionModel.of(recipe, list(store.space.classes)))
    alone, after = predictor(text="no"), predictor(text="no", history=["speaker=Ross I do."])
    assert alone.probabilities != after.probabilities
    assert after.probabilities == predictor(text="no", history=["Hello!", "speaker=Ross I do."]).probabilities
