"""Whisper base, the real one: what CTranslate2 hears, alone and in batches, kept once, tuned and resumed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

import merdata
from merdata_train.data.frozen import encoded
from merdata_train.data.source import Examples, Source
from merdata_train.encoders.encoder import PretrainedEncoder
from merdata_train.encoders.pretrained import import_transformers, load_extractor
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.recipe import Recipe, load_recipe
from tests.real.fitted import moved

CLOSE = {"rtol": 1e-4, "atol": 1e-4}  # its states reach 25


@pytest.fixture(scope="module")
def recipe(spoken: merdata.Store, whisper_base: Path) -> Recipe:
    words = [f"store={spoken.path}", "protocol=ravdess_speaker3", "fold=1"]
    own = [f"features.audio.model={whisper_base}", "features.audio.revision=null"]
    return load_recipe("real/W1", [*words, *own])


@pytest.fixture(scope="module")
def clips(recipe: Recipe) -> Examples:
    return Source(recipe).examples("validation")


@pytest.fixture(scope="module")
def encoder(recipe: Recipe, clips: Examples) -> PretrainedEncoder:
    return EmotionModel.of(recipe, list(clips.classes)).encoders["audio"].eval()


@pytest.fixture(scope="module")
def together(encoder: PretrainedEncoder, clips: Examples) -> torch.Tensor:
    batch = clips.__getitems__(range(len(clips)))
    with torch.no_grad():
        return encoder(batch["audio_values"], batch["audio_lengths"])[0]


def test_the_folder_s_encoder_is_that_of_ctranslate2(
    encoder: PretrainedEncoder, clips: Examples, ctranslate2_base: Path, whisper_base: Path
) -> None:
    """Two implementations of the same weights, on a real clip."""
    ctranslate2 = pytest.importorskip("ctranslate2", reason="ctranslate2 is not installed: make real")
    samples = clips.sequences["audio"].rows[0].numpy().astype(np.float32) / 32_768
    heard = load_extractor(whisper_base)([samples], sampling_rate=16_000, return_tensors="np")
    model = ctranslate2.models.Whisper(str(ctranslate2_base), compute_type="float32", intra_threads=1)
    states = model.encode(ctranslate2.StorageView.from_array(heard["input_features"]))
    with torch.no_grad():
        own = encoder.network(torch.from_numpy(heard["input_features"])).last_hidden_state
    assert np.abs(np.array(states) - own.numpy()).max() < 2e-3 < 20 < own.abs().max()


def test_no_clip_depends_on_its_batch_and_each_is_heard_once(
    encoder: PretrainedEncoder, clips: Examples, together: torch.Tensor, tmp_path: Path
) -> None:
    """What is kept is computed clip by clip."""
    kept = encoded({"audio": encoder}, clips, tmp_path).tensors["audio_vec"]
    assert torch.allclose(kept, together, **CLOSE)
    encoder.network.register_forward_pre_hook(lambda *_: pytest.fail("it was heard again"))
    again = encoded({"audio": encoder}, clips.only(np.arange(len(clips)) > 0), tmp_path)
    assert torch.equal(again.tensors["audio_vec"], kept[1:])


def test_its_tokens_say_what_it_heard(whisper_base: Path, clips: Examples) -> None:
    """The decoder, the tokenizer and the settings are of this model too."""
    transformers = import_transformers()
    processor = transformers.AutoProcessor.from_pretrained(str(whisper_base))
    model = transformers.WhisperForConditionalGeneration.from_pretrained(str(whisper_base), dtype="float32")
    heard = clips.__getitems__([0])["audio_values"]
    tokens = model.generate(heard, language="en", task="transcribe")
    assert processor.batch_decode(tokens, skip_special_tokens=True) == [" Kids are talking by the door."]


def test_fine_tuning_moves_its_upper_layers_and_resumes(recipe: Recipe, tmp_path: Path) -> None:
    network = "audio_encoder.network"
    lower = [f"{network}.{name}" for name in ("conv1", "conv2", *(f"layers.{number}" for number in range(5)))]
    stages = [recipe.stages[0].model_copy(update={"freeze": lower, "epochs": 2, "lr": 1e-5})]
    weights = moved(recipe.model_copy(update={"stages": stages}), tmp_path)
    assert {".".join(name.split(".")[2:4]) for name in weights} == {
        "layers.5",
        "layer_norm.weight",
        "layer_norm.bias",
    }
