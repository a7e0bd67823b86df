"""Some recipes of sources 1 to 3, small, from the miniature corpora to scores, embeddings and predictions."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

import merdata
from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.embeddings import keep_attention, keep_embeddings, read_embeddings
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.run import run
from merdata_train.serving.predict import Predictor
from tests.merdata_train.conftest import Tiny
from tests.merdata_train.small import small_words


def holds_attention(path: Path, rows: int) -> None:
    """The weights of each query add up to 1 over the other modality's states, and gates lie in (0, 1)."""
    kept = load_file(path)
    shapes = {name: kept[f"attention.0.{name}.shape"] for name in ("audio", "text")}
    assert (shapes["audio"][:, 1:] == shapes["text"][:, [2, 1]]).all() and len(shapes["audio"]) == rows
    for name, of_rows in shapes.items():
        weights, start = kept[f"attention.0.{name}"], 0
        assert len(weights) == of_rows.prod(axis=1).sum()
        for shape in of_rows:
            of_row = weights[start : start + shape.prod()].reshape(shape)
            assert np.allclose(of_row.sum(axis=2), 1, atol=1e-5)
            start += shape.prod()
    gates = [values for name, values in kept.items() if name.startswith("gate.")]
    assert gates and all(len(gate) == rows and gate.min() > 0 and gate.max() < 1 for gate in gates)


@pytest.mark.parametrize(
    ("name", "words", "tested", "embedded"),
    [
        ("source1/full", [], {"iemocap"}, {"audio", "text", "fusion"}),
        ("source1/coral-cremad", [], {"cremad"}, {"audio", "text", "fusion"}),
        ("source2/fusion", ["protocol=tess_random"], {"tess"}, {"audio", "text", "fusion"}),
        ("source3/audio", ["protocol=iemocap_session3", "fold=1"], {"iemocap"}, {"audio", "fusion"}),
    ],
)
def test_a_recipe_goes_from_a_store_to_predictions(
    name: str,
    words: list[str],
    tested: set[str],
    embedded: set[str],
    tiny: Tiny,
    folded: merdata.Store,
    tmp_path: Path,
) -> None:
    encoders = [Path(word.partition("=")[2]) for word in tiny if ".model=" in word]
    own = [*small_words(name, *encoders), f"store={folded.path}", *words]
    folder = run(load_recipe(name, own), tmp_path, workers=0)
    metrics = evaluate(folder, workers=0)
    scored = {corpus for corpus, account in metrics["sets"].items() if account} - {
        "overall",
        "TestA",
        "TestB",
    }
    assert scored == tested
    (epoch,) = json.loads((folder / "history.json").read_text())
    assert set(load_recipe(name).auxiliaries()) <= set(epoch["losses"])
    keep_embeddings(folder, workers=0)
    ids, vectors = read_embeddings(folder)
    assert set(vectors) == embedded
    assert {len(values) for values in vectors.values()} == {len(ids)}
    if name == "source1/full":
        holds_attention(keep_attention(folder, workers=0), len(ids))
    noise = np.random.default_rng(0).normal(0, 0.1, 8_000)
    text = "Back." if "text" in embedded else None
    predicted = Predictor.open(folder)(audio=noise, text=text)
    assert sum(predicted.probabilities.values()) == pytest.approx(1)
