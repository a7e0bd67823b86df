"""Stored features: filled from arrays, trained on, named where they are missing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

import merdata
from merdata_train.data.source import Source
from merdata_train.errors import InputError, RecipeError
from merdata_train.features.audio import features_of
from merdata_train.features.emotion2vec import extract
from merdata_train.features.layers import fill
from merdata_train.lints.lints import seen_by_encoder
from merdata_train.recipe.features import Stored
from merdata_train.recipe.recipe import Recipe, load_recipe

STORED = {"kind": "stored", "name": "emotion2vec", "width": 5, "model": "iic/emotion2vec_plus_large"}


@pytest.fixture(scope="module")
def own(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> tuple[merdata.Store, Path]:
    """A store of its own, and arrays for all rows of TESS."""
    folder = tmp_path_factory.mktemp("layers")
    shutil.copytree(store.path, folder / "store")
    random = np.random.default_rng(0)
    for number, id in enumerate(store.rows(["id"], ["tess"])["id"].to_pylist()):
        path = folder / "arrays" / f"{id}.npy"
        path.parent.mkdir(parents=True, exist_ok=True)
        np.save(path, random.normal(size=(1 + number % 7, 5)).astype(np.float32))
    return merdata.open_store(folder / "store"), folder / "arrays"


def recipe(store: merdata.Store, **changes: object) -> Recipe:
    return load_recipe(
        "source0/A0", [f"store={store.path}", "data.corpora=[tess]", f"features.audio={STORED | changes}"]
    )


def test_arrays_become_the_rows_of_a_run(own: tuple[merdata.Store, Path]) -> None:
    store, arrays = own
    with pytest.raises(
        RecipeError, match="does not exist: fill it with `merdata_train features emotion2vec`"
    ):
        Source(recipe(store)).examples("train")
    rows = store.rows(["id"], ["tess"]).num_rows
    assert fill(store, "emotion2vec", arrays) == {"tess": (rows, rows)}
    train = Source(recipe(store)).examples("train")
    for pool in ("none", "mean", "mean_std"):
        made = Source(recipe(store, pool=pool)).examples("train")
        for row in (0, len(train) - 1):
            array = np.load(arrays / f"{made.rows['id'][row]}.npy")
            expected = {
                "none": array,
                "mean": array.mean(axis=0),
                "mean_std": np.concatenate([array.mean(axis=0), array.std(axis=0)]),
            }[pool]
            got = made.sequences["audio"].rows[row] if pool == "none" else made.tensors["audio_vec"][row]
            assert np.allclose(got.numpy(), expected, atol=1e-6)
    before = Source(recipe(store)).data_hash
    (first,) = [train.rows["id"][0]]
    np.save(arrays / f"{first}.npy", np.ones((2, 5), np.float32))
    fill(store, "emotion2vec", arrays)
    assert Source(recipe(store)).data_hash != before


def test_what_is_missing_or_of_another_width_is_named(
    own: tuple[merdata.Store, Path], tmp_path: Path
) -> None:
    store, arrays = own
    with pytest.raises(RecipeError, match="no array of a row"):
        fill(store, "nothing", tmp_path)
    fill(store, "emotion2vec", arrays)
    with pytest.raises(RecipeError, match=r"width is 6, the layer emotion2vec has 5"):
        Source(recipe(store, width=6)).examples("train")
    some = shutil.copytree(arrays, tmp_path / "some")
    id = Source(recipe(store)).rows("train")["id"][0]
    (some / f"{id}.npy").unlink()
    fill(store, "part", some)
    with pytest.raises(RecipeError, match=rf"lacks 1 rows \({id}\)"):
        Source(recipe(store, name="part")).examples("train")


@pytest.mark.parametrize("name", ["", "../x", "a/b", "é", "x\n"])
def test_a_name_that_leads_elsewhere_is_refused(name: str, own: tuple[merdata.Store, Path]) -> None:
    store, arrays = own
    before = sorted(store.path.rglob("*"))
    with pytest.raises(RecipeError, match="cannot name a layer"):
        fill(store, name, arrays)
    with pytest.raises(RecipeError, match="cannot name a layer"):
        extract(store, name, "iic/emotion2vec_base")
    assert sorted(store.path.rglob("*")) == before


def test_stored_features_are_tagged_and_hear_no_recording() -> None:
    (sentence,) = seen_by_encoder({"audio": STORED}, {"tess"})
    assert "emotion2vec_plus_large has seen the emotion labels of tess" in sentence
    with pytest.raises(InputError, match="made by another program"):
        features_of(np.zeros(100, np.float32), Stored.model_validate(STORED))
