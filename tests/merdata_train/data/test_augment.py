"""Augmented rows: of train alone, anew in each epoch, and the same for the same run, epoch and row."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import merdata
from merdata_train.data.examples import Examples
from merdata_train.data.source import Source
from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.training.fit import fit
from merdata_train.training.progress import Epoch
from tests.merdata_train.conftest import SMALL

NOISE = "augment.noise={probability: 0.5, snr_db: [0, 5]}"
ERRORS = "augment.transcript={drop: 0.2, replace: 0.1}"


def recipe(store: merdata.Store, *words: str) -> Recipe:
    own = [f"store={store.path}", *SMALL, "stages.0.epochs=2", "data.corpora=[ravdess, meld]"]
    return load_recipe("source0/A1", [*own, *words])


def rows(recipe: Recipe) -> tuple[Examples, Examples]:
    source = Source(recipe)
    return source.examples("train", jobs=1), source.examples("validation", jobs=1)


def of_epoch(train: Examples, seed: int) -> Examples:
    assert train.augment is not None
    return train.augment(train, seed)


def test_half_of_the_recordings_change_and_the_same_ones_for_a_seed(store: merdata.Store) -> None:
    train, validation = rows(recipe(store, NOISE, ERRORS))
    assert validation.augment is None
    first, again, other = of_epoch(train, 1), of_epoch(train, 1), of_epoch(train, 2)
    for name in ("audio_vec", "text_vec"):
        assert torch.equal(first.tensors[name], again.tensors[name])
        assert not torch.equal(first.tensors[name], other.tensors[name])
    changed = (first.tensors["audio_vec"] != train.tensors["audio_vec"]).any(dim=1)
    assert changed.float().mean().item() == pytest.approx(0.5, abs=0.15)
    assert torch.equal(first.tensors["labels"], train.tensors["labels"])


def test_a_row_is_the_same_whatever_rows_are_beside_it(store: merdata.Store) -> None:
    """But for babble, which is of the train rows that a stage has."""
    words = "augment.noise={probability: 1, kinds: [reverberation, telephone, codec]}"
    train, _ = rows(recipe(store, words))
    keep = np.arange(len(train)) % 3 == 0
    whole, some = of_epoch(train, 7), of_epoch(train.only(keep), 7)
    assert torch.equal(whole.tensors["audio_vec"][torch.from_numpy(keep)], some.tensors["audio_vec"])


class KilledError(Exception):
    pass


def test_a_resumed_training_hears_the_same(store: merdata.Store, tmp_path: Path) -> None:
    own = recipe(store, NOISE, ERRORS)
    train, validation = rows(own)

    def kill(epoch: Epoch) -> None:
        if epoch["epoch"] == 0:
            raise KilledError

    with pytest.raises(KilledError):
        fit(own, train, validation, tmp_path / "checkpoint", kill)
    resumed, _ = fit(own, train, validation, tmp_path / "checkpoint")
    whole, history = fit(own, train, validation)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name
    _, unchanged = fit(recipe(store), *rows(recipe(store)))
    assert [epoch["loss"] for epoch in history] != [epoch["loss"] for epoch in unchanged]


@pytest.mark.parametrize(("modality", "key"), [("audio", NOISE), ("text", ERRORS)])
def test_an_encoder_that_is_trained_is_given_other_inputs(modality: str, key: str, tiny: list[str]) -> None:
    own = load_recipe("source0/B1", [*tiny, key, "stages.0.epochs=1", "stages.0.sampler=null"])
    train, validation = rows(own)
    indices = list(range(8))
    first, again = (of_epoch(train, 3).sequences[modality].batch(modality, indices) for _ in range(2))
    plain = train.sequences[modality].batch(modality, indices)
    values = f"{modality}_values"
    assert torch.equal(first[values], again[values])
    assert first[values].shape != plain[values].shape or not torch.equal(first[values], plain[values])
    fit(own, train, validation)
    frozen = load_recipe("source0/B2", [*tiny, key, "stages.0.epochs=1", "stages.0.sampler=null"])
    with pytest.raises(RecipeError, match=f"has no effect in stage head, which freezes the {modality} enc"):
        fit(frozen, train, validation)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["modalities=[text]", "modality_dropout=0", NOISE], "augment.noise changes audio, and modalities"),
        (["augment.transcript={drop: 0.6, swap: 0.6}"], "must add up to more than 0 and less than 1"),
        (["augment.noise={snr_db: [20, 5]}"], "snr_db must go up, not from 20 to 5"),
        (["augment.noise={kinds: [wind]}"], "augment.noise.kinds"),
    ],
)
def test_what_cannot_be_heard_is_refused(words: list[str], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        load_recipe("source0/A1", words)
