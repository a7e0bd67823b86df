"""Whisper as an audio encoder: a clip as if it were alone, its own frames, kept once, tuned and resumed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from merdata_train.data.frozen import encoded
from merdata_train.data.sequences import Clips
from merdata_train.data.source import Examples
from merdata_train.encoders.pretrained import import_transformers, load_config, load_extractor
from merdata_train.encoders.registry import entry
from merdata_train.errors import RecipeError
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.features import AudioEncoder
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.run import run
from merdata_train.serving.predict import Predictor
from merdata_train.training.checkpoint import cloned, load_checkpoint
from merdata_train.training.fit import fit
from merdata_train.training.stages import optimizer_of
from tests.merdata_train.conftest import Tiny, make_examples
from tests.merdata_train.encoders.test_encoders import alone, clips, open_audio, together
from tests.merdata_train.encoders.tiny import save_whisper

SAMPLES = (14_400, 6_400, 320, 11_200)  # of `clips`; the third is one frame
FRAMES = [45, 20, 1, 35]


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_whisper(tmp_path_factory.mktemp("encoders") / "whisper")


@pytest.mark.parametrize("layers", ["last", 1, (1, 2), "learned"])
@pytest.mark.parametrize("pool", ["mean", "mean_std", "attention"])
def test_no_clip_depends_on_its_batch(whisper: Path, pool: str, layers: Any) -> None:
    encoder, rows = open_audio(whisper, pool=pool, layers=layers, seconds=2), clips(whisper, 2)
    assert torch.allclose(together(encoder, rows), alone(encoder, rows), atol=1e-5)


@pytest.mark.parametrize(("layers", "which"), [("last", [2]), (0, [0]), (1, [1]), ((1, 2), [1, 2])])
def test_a_clip_s_states_are_the_frames_that_hold_it(whisper: Path, layers: Any, which: list[int]) -> None:
    """Against the whole model of transformers, as its own front end feeds it."""
    rows = clips(whisper, 2)
    encoder = open_audio(whisper, pool="none", layers=layers, seconds=2)
    transformers = import_transformers()
    model = transformers.WhisperModel.from_pretrained(str(whisper)).eval()
    extractor = transformers.WhisperFeatureExtractor.from_pretrained(str(whisper))
    heard = [row.numpy().astype(np.float32) / 32_768 for row in rows.rows]
    assert [len(samples) for samples in heard] == list(SAMPLES)
    with torch.no_grad():
        features = extractor(heard, sampling_rate=16_000, return_tensors="pt")["input_features"]
        states = model.encoder(features, output_hidden_states=True).hidden_states
        batch = rows.batch("x", range(4))
        read, lengths = encoder(batch["x_values"], batch["x_lengths"])
    assert lengths.tolist() == FRAMES and read.shape == (4, max(FRAMES), 32)
    expected = torch.stack([states[number] for number in which]).mean(dim=0)
    for row, frames in enumerate(FRAMES):
        assert torch.allclose(read[row, :frames], expected[row, :frames], atol=1e-5)


def test_a_clip_costs_its_window_and_is_cut_after_its_seconds(whisper: Path) -> None:
    rows = clips(whisper, 0.5)
    assert rows.seconds.tolist() == [2.0] * 4
    batch = rows.batch("x", range(4))
    assert batch["x_lengths"].tolist() == [8_000, 6_400, 320, 8_000]
    assert batch["x_values"].shape == (4, 16, 200)
    cut = Clips([rows.rows[0][:8_000]], ["a"], 0.5, 1, load_extractor(whisper))
    assert torch.equal(cut.batch("x", [0])["x_values"][0], batch["x_values"][0])


def test_the_encoder_is_alone_and_its_positions_stay(whisper: Path) -> None:
    network = open_audio(whisper, seconds=2).network
    own = {name.partition(".")[0] for name in network.state_dict()}
    assert own == {"conv1", "conv2", "embed_positions", "layers", "layer_norm"}
    assert "embed_positions.weight" not in dict(network.named_parameters())
    config = network.config
    assert (config.apply_spec_augment, config.encoder_layerdrop, network.layerdrop) == (False, 0.0, 0.0)
    saved = import_transformers().WhisperModel.from_pretrained(str(whisper)).encoder.state_dict()
    assert saved.keys() == network.state_dict().keys()
    assert all(torch.equal(saved[name], values) for name, values in network.state_dict().items())


def test_a_longer_clip_than_the_window_is_refused_by_the_recipe(whisper: Path) -> None:
    with pytest.raises(RecipeError, match=r"seconds: .*whisper hears 2 s of a clip, not 10"):
        open_audio(whisper)


def test_a_longer_clip_is_cut_to_the_window(whisper: Path) -> None:
    samples = torch.arange(48_000).short()
    long, cut = (Clips([row], ["a"], 2, 1, load_extractor(whisper)) for row in (samples, samples[:32_000]))
    batches = long.batch("x", [0]), cut.batch("x", [0])
    assert batches[0]["x_lengths"].tolist() == [32_000]
    assert torch.equal(batches[0]["x_values"], batches[1]["x_values"])


def test_half_precision_takes_a_step(whisper: Path) -> None:
    encoder, rows = open_audio(whisper, seconds=2), clips(whisper, 2)
    batch = rows.batch("x", range(4))
    exact = together(encoder, rows)
    encoder.train()
    encoder.save_memory(True)
    with torch.autocast("cpu", torch.bfloat16):
        vectors, _ = encoder(batch["x_values"], batch["x_lengths"])
    assert torch.allclose(vectors, exact, atol=0.1)
    vectors.square().sum().backward()
    gradients = [parameter.grad for parameter in encoder.network.parameters()]
    # The bias of queries and keys may have none; every weight has one.
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def heard(rows: Clips, numbers: list[int], split: str = "train") -> Examples:
    labels = ["anger", "joy", "neutral", "joy"]
    table = pd.DataFrame({"id": list("abcd"), "label": labels, "shard": [0, 1, 0, 1]}).iloc[numbers]
    tensors = {
        "has_audio": torch.ones(len(numbers), dtype=torch.bool),
        "labels": torch.tensor([0, 1, 2, 1])[numbers],
    }
    classes = make_examples(3).classes
    return Examples(split, table.reset_index(drop=True), classes, tensors, {"audio": rows.only(numbers)})


@pytest.mark.parametrize("pool", ["mean_std", "none"])
def test_a_clip_is_heard_once_whatever_the_split(whisper: Path, pool: str, tmp_path: Path) -> None:
    encoder, rows = open_audio(whisper, pool=pool, seconds=2), clips(whisper, 2)
    passes: list[int] = []
    encoder.network.register_forward_pre_hook(lambda _, given: passes.append(len(given[0])))
    first = encoded({"audio": encoder}, heard(rows, [0, 1, 2, 3]), tmp_path)
    assert passes == [1] * 4
    for numbers in ([3, 0], [2], [1, 2, 3, 0]):
        again = encoded({"audio": encoder}, heard(rows, numbers), tmp_path)
        if pool == "none":
            states = [again.sequences["audio"].rows[row] for row in range(len(numbers))]
            assert all(
                torch.equal(state, first.sequences["audio"].rows[row])
                for state, row in zip(states, numbers, strict=True)
            )
        else:
            assert torch.equal(again.tensors["audio_vec"], first.tensors["audio_vec"][numbers])
    assert passes == [1] * 4
    fresh = encoded({"audio": encoder}, heard(rows, [3, 0]), None)
    assert len(passes) == 6
    if pool == "mean_std":
        assert torch.equal(fresh.tensors["audio_vec"], first.tensors["audio_vec"][[3, 0]])
        assert torch.allclose(first.tensors["audio_vec"], together(encoder, rows), atol=1e-5)


def test_a_spectrogram_that_does_not_fit_is_one_sentence(tiny: Tiny, tmp_path: Path) -> None:
    folder = save_whisper(tmp_path / "whisper")
    import_transformers().WhisperFeatureExtractor(feature_size=16, chunk_length=3).save_pretrained(folder)
    from merdata_train.data.source import Source

    with pytest.raises(RecipeError, match="makes 16 x 300 values of a clip, and its encoder takes 16 x 200"):
        Source(tuned(tiny, folder)).examples("validation")


def tuned(tiny: Tiny, folder: Path, *words: str) -> Recipe:
    """W1, then everything for two epochs, on a tiny Whisper and a few clips."""
    own = [f"features.audio.model={folder}", "features.audio.revision=null", "features.audio.seconds=1"]
    few = ["data.corpora=[ravdess]", "stages.0.epochs=1"]
    joint = {"name": "joint", "epochs": 2, "batch_size": 16, "lr": 1e-3, "llrd": 0.5, "freeze": []}
    stages = (
        f"stages={json.dumps([{'name': 'head', 'epochs': 1, 'freeze': ['audio_encoder.network']}, joint])}"
    )
    return load_recipe("real/W1", [tiny[0], *own, stages, *few, *words])


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU does not add in the same order twice")
def test_fine_tuning_moves_it_and_goes_on_to_the_same_digits(
    tiny: Tiny, whisper: Path, tmp_path: Path
) -> None:
    from merdata_train.data.source import Source

    recipe = tuned(tiny, whisper)
    source = Source(recipe)
    train, validation = source.examples("train"), source.examples("validation")
    train, validation = (
        train.only(np.arange(len(train)) < 40),
        validation.only(np.arange(len(validation)) < 12),
    )
    before = cloned(EmotionModel.of(recipe, list(train.classes)))
    whole, history = fit(recipe, train, validation, cache=tmp_path / "cache")
    checkpoint = tmp_path / "checkpoint"

    def stop(epoch: Any) -> None:
        if (epoch["stage"], epoch["epoch"]) == ("joint", 0):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(recipe, train, validation, checkpoint, stop, cache=tmp_path / "cache")
    assert load_checkpoint(checkpoint) is not None
    resumed, again = fit(recipe, train, validation, checkpoint, cache=tmp_path / "cache")
    assert again == history and len(history) == 3
    assert all(torch.equal(cloned(whole)[name], value) for name, value in cloned(resumed).items())
    still = {name for name, value in cloned(whole).items() if torch.equal(value, before[name])}
    moved = {name for name in before if "network" in name} - still
    assert any("layers.0" in name for name in moved) and any("conv1" in name for name in moved)
    assert "audio_encoder.network.embed_positions.weight" in still


def test_lower_layers_learn_slower(tiny: Tiny, whisper: Path) -> None:
    recipe = tuned(tiny, whisper)
    model = EmotionModel.of(recipe, ["a", "b"])
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    rates = {
        names[id(parameter)].removeprefix("audio_encoder.network."): group["lr"]
        for group in optimizer_of(model, recipe.stages[1]).param_groups
        for parameter in group["params"]
    }
    assert rates["layers.1.fc1.bias"] == pytest.approx(1e-3)
    assert rates["layers.0.fc1.bias"] == pytest.approx(5e-4)
    assert rates["conv1.bias"] == pytest.approx(2.5e-4)


def test_it_takes_the_place_of_another_encoder_in_any_recipe(tiny: Tiny, whisper: Path) -> None:
    own = [f"features.audio.model={whisper}", "stages.0.freeze=[audio_encoder.network.conv1]"]
    model = EmotionModel.of(recipe := load_recipe("source0/B1", [*tiny, *own]), ["a", "b"])
    optimizer_of(model, recipe.stages[0])
    trained = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert "audio_encoder.network.conv2.weight" in trained
    assert "audio_encoder.network.conv1.weight" not in trained


def test_its_lints_take_two_rows_and_leave_what_is_frozen_alone(
    tiny: Tiny, whisper: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A window of 30 s, forward and backward, would take longer than the training."""
    from merdata_train.data.source import Source
    from merdata_train.lints.lints import Training, findings

    monkeypatch.setattr("merdata_train.lints.lints.PROBE_SECONDS", 4.0)
    recipe = tuned(tiny, whisper, "stages=[{freeze: [audio_encoder.network]}]")
    source = Source(recipe)
    rows = source.examples("train"), source.examples("validation")
    model = EmotionModel.of(recipe, list(rows[0].classes))
    seen: list[tuple[int, bool]] = []

    def note(_: Any, __: Any, made: Any) -> None:
        seen.append((len(made.last_hidden_state), made.last_hidden_state.requires_grad))

    model.encoders["audio"].network.register_forward_hook(note)
    complaints = findings(Training(recipe, source, *rows, model))
    assert "no-gradient" not in {finding.lint for finding in complaints}
    assert seen == [(2, False)]


def test_a_run_of_it_is_scored_and_hears_files(
    tiny: Tiny, whisper: Path, corpora: Path, tmp_path: Path
) -> None:
    recipe = tuned(tiny, whisper, "stages=[{epochs: 2, freeze: [audio_encoder.network]}]")
    folder = run(recipe, tmp_path, workers=0)
    assert evaluate(folder, workers=0)["sets"]["overall"]["n"] > 0
    clip = next((corpora / "ravdess").rglob("*.wav"))
    said = Predictor.open(folder)(audio=clip)
    assert sum(said.probabilities.values()) == pytest.approx(1.0) and not said.notes


@pytest.mark.parametrize(
    ("name", "millions"),
    [("openai/whisper-base", 21), ("openai/whisper-large-v3", 637), ("all-MiniLM-L6-v2", 11)],
)
def test_what_is_known_of_public_encoders(name: str, millions: float) -> None:
    facts = entry(name)
    assert facts["millions"] == millions and facts["labels"] == [] and facts["evidence"]


def test_its_configuration_is_that_of_its_folder(whisper: Path) -> None:
    config = load_config(AudioEncoder(kind="encoder", model=str(whisper), seconds=2))
    assert (config["model_type"], config["encoder_layers"]) == ("whisper", 2)
