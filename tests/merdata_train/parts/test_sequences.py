"""Sequences end to end: from a store through frozen encoders or frames to a run, its scores, a prediction."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch

import merdata
from merdata_train.data.frozen import encoded
from merdata_train.data.source import Source
from merdata_train.lints.probe import observe
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.run import run
from merdata_train.serving.predict import Predictor
from tests.merdata_train.parts.architectures import MODELS, batched, model_of, recipe_of, rows_of

CONV = "[{kind: conv, width: 8, pool: 2}, {kind: bilstm, width: 8}]"
CROSS = "{kind: cross_attention, heads: 2}"
FUSION = f"model={{kind: concat, branches: {{audio: {CONV}, text: {CONV}}}, interaction: {CROSS}}}"


def frames(store: merdata.Store, *words: str) -> Recipe:
    """MFCC frames and prompts of TESS."""
    mfcc = "features.audio={kind: mfcc, n_mfcc: 10, n_mels: 20, pool: none}"
    data = ["data.corpora=[tess, ravdess]", "features.text.column=prompt", "features.text.n_features=32"]
    training = ["stages.0.epochs=2", "stages.0.batch_size=32"]
    return load_recipe("source0/A0", [f"store={store.path}", mfcc, *data, *training, FUSION, *words])


def test_frames_and_prompts_are_trained_scored_and_predicted(store: merdata.Store, tmp_path: Path) -> None:
    recipe = frames(store, "modality_dropout=0.2")
    source = Source(recipe)
    train = source.examples("train")
    assert len({len(row) for row in train.sequences["audio"].rows}) > 1
    tess = train.rows[train.rows["corpus"] == "tess"]
    assert set(tess["text"]) == {f"Say the word {prompt}." for prompt in set(tess["prompt"])}
    folder = run(recipe, tmp_path)
    assert evaluate(folder)["sets"]["overall"] is not None
    predictor = Predictor.open(folder)
    spoken = np.sin(np.arange(12_000) / 20).astype(np.float32)
    both = predictor(audio=spoken, text="back")
    assert sum(both.probabilities.values()) == pytest.approx(1)
    assert predictor(audio=spoken).probabilities != both.probabilities
    # A row of the store is predicted as in the run, whatever it is batched with.
    standardised = predictor.model.standardise["audio"]
    assert standardised.mean.abs().max() > 1  # fitted on frames
    rows = predict(predictor.model, train)
    for row in (0, len(train) - 1):
        alone = predict(predictor.model, train.only(np.arange(len(train)) == row))
        assert (alone[0] - rows[row]).abs().max() < 1e-5


def test_states_of_frozen_encoders_are_kept_and_equal_those_of_moving_ones(
    tiny: list[str], tmp_path: Path
) -> None:
    own = [word for word in tiny if not word.startswith("model.")]
    words = [
        *own,
        "features.audio.pool=none",
        "features.text.pool=none",
        "features.audio.layers=[0, 1]",
        FUSION,
    ]
    recipe = load_recipe("source0/B2", [*words, "stages.0.epochs=1", "stages.0.batch_size=16"])
    folder = run(recipe, tmp_path)
    saved = json.loads((folder / "lints.json").read_text("utf-8"))
    assert not {"no-gradient", "single-key-attention"} & {entry["lint"] for entry in saved}
    model = Predictor.open(folder).model
    source = Source(recipe)
    validation = source.examples("validation")
    live = predict(model, validation)
    assert evaluate(folder)
    kept = predict(model, encoded(model.encoders, validation, None))
    assert (live - kept).abs().max() < 1e-5


def test_the_released_form_of_guided_attention_is_said_to_be_inert() -> None:
    """One vector a modality: its attention has one key, so that lambda, queries and keys never learn."""
    torch.manual_seed(0)
    features = {
        "audio": {"kind": "mfcc", "n_mfcc": 6, "n_mels": 20},
        "text": {"kind": "hashing", "n_features": 5},
    }
    recipe = recipe_of(MODELS["vga"]).model_dump() | {"features": features}
    pooled = EmotionModel.of(Recipe.model_validate(recipe), ["anger", "joy", "neutral"])
    batch = {
        "audio_vec": torch.randn(16, 12),
        "text_vec": torch.randn(16, 5),
        "has_audio": torch.ones(16, dtype=torch.bool),
        "has_text": torch.ones(16, dtype=torch.bool),
        "labels": torch.arange(16) % 3,
    }
    seen = observe(pooled, batch)
    assert {f"interaction.layers.{layer}.{name}" for layer in (0, 1) for name in ("audio", "text")} <= set(
        seen.single_key
    )
    silent = {name.split(".", 4)[-1] for name in seen.without_gradient if name.startswith("interaction")}
    assert {"query.weight", "key.weight", "guide.strength", "guide.vad.0.weight"} <= silent
    observed = observe(model_of("vga"), batched(rows_of(20)))
    assert not observed.single_key and not observed.without_gradient
