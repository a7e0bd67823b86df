"""`data.text`: the model reads what a recogniser heard, in the target and in its history."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

import merdata
from merdata_train.data.context import text_vectors
from merdata_train.data.source import Source
from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import load_recipe
from tests.merdata.asr.laid import lay

CORPORA = ["meld", "ravdess"]
SILENT = 5  # in every so many rows no words were heard


@pytest.fixture(scope="module")
def heard(store: merdata.Store) -> dict[str, str]:
    """id -> text of the layer asr/laid, which is of two corpora."""
    ids = store.rows(["id"], CORPORA)["id"].to_pylist()
    return {id: f"heard {number % 7}" if number % SILENT else "" for number, id in enumerate(ids)}


@pytest.fixture(scope="module")
def layered(store: merdata.Store, heard: dict[str, str]) -> Iterator[merdata.Store]:
    lay(store, "laid", heard, CORPORA)
    yield store
    for path in sorted((store.path / "layers").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


def source(store: merdata.Store, *words: str) -> Source:
    chosen = [f"store={store.path}", f"data.corpora=[{', '.join(CORPORA)}]", *words]
    return Source(load_recipe("source0/A1-text", chosen))


def test_rows_have_the_texts_that_the_model_reads(layered: merdata.Store, heard: dict[str, str]) -> None:
    given, recognised = source(layered), source(layered, "data.text=asr/laid")
    for split in ("train", "validation", "test"):
        rows = recognised.rows(split)
        assert rows["id"].tolist() == given.rows(split)["id"].tolist()  # nothing else depends on the texts
        assert rows["text"].tolist() == [heard[id] or None for id in rows["id"]]
    examples = recognised.examples("test")
    assert examples.tensors["has_text"].tolist() == [bool(heard[id]) for id in examples.rows["id"]]


def test_a_history_is_of_recognised_texts_too(layered: merdata.Store, heard: dict[str, str]) -> None:
    context = "context={previous: 2, speaker_prefix: false}"
    own = source(layered, "data.text=asr/laid", context, "data.corpora=[meld]")
    protocol = merdata.load_protocol(layered, "mer")
    turns_of = merdata.histories(layered, 2, corpora=["meld"], protocol=protocol)
    rows, vectors = own.rows("train"), own.examples("train").tensors["text_vec"].numpy()
    told = [[heard[turn.id] for turn in turns_of[id] if turn.id and heard[turn.id]] for id in rows["id"]]
    assert any(told)
    targets = [heard[id] or None for id in rows["id"]]
    assert np.array_equal(vectors, text_vectors(targets, told, own.recipe.features.text, own.recipe.context))


def test_the_texts_are_a_part_of_what_a_run_is(layered: merdata.Store, heard: dict[str, str]) -> None:
    before = source(layered, "data.text=asr/laid").data_hash
    assert before == source(layered, "data.text=asr/laid").data_hash != source(layered).data_hash
    id = next(id for id, text in heard.items() if text)
    lay(layered, "other", heard | {id: "something else"}, CORPORA)
    assert source(layered, "data.text=asr/other").data_hash != before


def test_a_layer_that_lacks_rows_is_refused_with_the_command(layered: merdata.Store) -> None:
    missing = source(layered, "data.text=asr/laid", "data.corpora=[meld, tess]")
    with pytest.raises(
        merdata.StoreError, match=r"transcripts asr/laid of tess: run `merdata transcribe .*`$"
    ):
        missing.rows("train")


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["data.text=whisper"], "data.text"),
        (["data.text=asr/../up"], "data.text"),
        (["data.text=asr/laid", "modalities=[audio]"], "set data.text=null"),
        (["data.text=asr/laid", "features.text.column=prompt"], "features.text.column is prompt"),
    ],
)
def test_a_recipe_that_contradicts_itself_is_refused(words: list[str], sentence: str) -> None:
    with pytest.raises(RecipeError, match=sentence):
        load_recipe("source0/A1", words)
