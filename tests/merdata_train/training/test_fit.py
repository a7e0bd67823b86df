"""Training: it learns, repeats itself, goes on after a kill, and never meets test rows."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
import torch

from merdata.engine.process import process_context
from merdata_train.data.source import Examples
from merdata_train.errors import ProtocolError, RecipeError
from merdata_train.models.emotion import open_model
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.training.checkpoint import load_checkpoint
from merdata_train.training.devices import accelerator_of, load_scaler, scaler_state
from merdata_train.training.fit import fit
from merdata_train.training.validation import with_predictions
from tests.merdata_train.conftest import SMALL, make_examples, uar


def small(name: str = "source0/A1", *overrides: str) -> Recipe:
    own = SMALL if name != "source0/A0" else SMALL[3:]
    return load_recipe(name, [*own, *overrides])


@pytest.mark.parametrize("name", ["source0/A0", "source0/A1"])
def test_it_learns(name: str) -> None:
    model, history = fit(
        small(name, "stages.0.epochs=8"), make_examples(), make_examples(120, "validation", 1)
    )
    assert uar(model, make_examples(200, "validation", 2)) > 0.6
    assert history[-1]["loss"] < history[0]["loss"]


def test_the_model_is_that_of_the_best_validation_epoch() -> None:
    validation = make_examples(60, "validation", 1, shift=0.3)
    model, history = fit(small("source0/A1", "stages.0.epochs=8"), make_examples(), validation)
    values = [epoch["validation"]["uar"] for epoch in history]
    assert uar(model, validation) == max(values)


def test_the_lower_loss_decides_between_equal_epochs() -> None:
    validation = make_examples(60, "validation", 1, shift=3.0)
    recipe = small("source0/A0", "stages.0.epochs=6", "stages.0.lr=2e-4")
    model, history = fit(recipe, make_examples(shift=3.0), validation)
    ties = [epoch["validation_loss"] for epoch in history if epoch["selected"] == 1]
    assert len(ties) > 1
    assert min(ties) < ties[0]
    assert with_predictions(model, validation)["surprise"].mean() == pytest.approx(min(ties), abs=1e-6)


def test_early_stopping_waits_for_its_patience() -> None:
    noise = make_examples(60, "validation", 1, shift=0.0)
    recipe = small("source0/A1", "stages.0.epochs=60", "stages.0.patience=3")
    _, history = fit(recipe, make_examples(120), noise)
    values = [epoch["validation"]["uar"] for epoch in history]
    assert len(history) == values.index(max(values)) + 1 + 3 < 60


def test_the_learning_rate_falls_on_a_plateau() -> None:
    noise = make_examples(60, "validation", 1, shift=0.0)
    changes = ["stages.0.epochs=12", "stages.0.patience=50", "stages.0.plateau.patience=1"]
    _, history = fit(small("source0/A1", *changes), make_examples(120), noise)
    rates = [epoch["lr"] for epoch in history]
    assert rates == sorted(rates, reverse=True)
    assert rates[-1] < rates[0]


def test_the_same_seed_gives_the_same_digits() -> None:
    train, validation = make_examples(), make_examples(60, "validation", 1)
    one, _ = fit(small(), train, validation)
    torch.rand(3)  # what was drawn before does not matter
    np.random.rand(3)
    other, _ = fit(small(), train, validation)
    assert torch.equal(predict(one, validation), predict(other, validation))
    third, _ = fit(small("source0/A1", "seed=1"), train, validation)
    assert not torch.equal(predict(one, validation), predict(third, validation))


def test_scaler_is_fitted_on_train_rows_that_have_audio() -> None:
    train = make_examples()
    model, _ = fit(small(), train, make_examples(60, "validation", 1))
    heard = train.tensors["audio_vec"][train.tensors["has_audio"]].double()
    assert torch.allclose(model.cpu().standardise["audio"].mean.double(), heard.mean(dim=0), atol=1e-6)


@pytest.mark.parametrize(
    ("words", "without", "missed"),
    [
        ([], 0.0, []),
        ([], 0.3, ["text"]),
        ([], 0.01, []),
        (["modality_dropout=0.1"], 0.0, ["audio", "text"]),
        (["modalities=[text]"], 0.3, []),
    ],
)
def test_a_model_knows_what_it_was_trained_to_miss(
    words: list[str], without: float, missed: list[str], tmp_path: Path
) -> None:
    train, validation = make_examples(), make_examples(60, "validation", 1)
    train.tensors["has_audio"][:] = True
    train.tensors["has_text"][: int(without * len(train))] = False
    train.tensors["has_audio"][:1] = True
    model, _ = fit(small("source0/A1", "stages.0.epochs=1", *words), train, validation)
    assert model.missed == missed
    model.save_pretrained(tmp_path)
    assert open_model(tmp_path).missed == missed


def test_every_vector_is_standardised_on_the_rows_of_the_stage() -> None:
    """Hashed words by one number, for they are sparse; and never on rows that the stage does not train on."""
    train = make_examples()
    train.rows["corpus"] = ["a"] * 120 + ["b"] * 120
    train.tensors["audio_vec"][120:] += 100
    validation = make_examples(60, "validation", 1)
    validation.rows["corpus"] = "a"
    model, _ = fit(
        small("source0/A1", "stages.0.data={corpora: [a]}", "stages.0.epochs=1"), train, validation
    )
    own = train.tensors["audio_vec"][:120][train.tensors["has_audio"][:120]]
    standard = model.cpu().standardise["audio"](own)
    assert standard.mean(dim=0).abs().max() < 1e-4 and (standard.std(dim=0) - 1).abs().max() < 0.01
    text = model.standardise["text"](train.tensors["text_vec"][:120])
    assert text.square().mean().item() == pytest.approx(1, rel=1e-4)
    assert len(set(model.standardise["text"].scale.tolist())) == 1


def test_test_rows_are_refused() -> None:
    train, validation, test = (make_examples(60, split) for split in ("train", "validation", "test"))
    with pytest.raises(ProtocolError, match="training was given test rows"):
        fit(small(), test, validation)
    with pytest.raises(ProtocolError, match="training was given test rows"):
        fit(small(), train, test)


def test_rows_with_nothing_to_learn_from_are_refused() -> None:
    train, validation = make_examples(60), make_examples(60, "validation")
    train.tensors["has_audio"][:] = False
    recipe = small("source0/A1", "modalities=[audio]")
    with pytest.raises(RecipeError, match="none of the 60 train rows has audio"):
        fit(recipe, only_audio(train), only_audio(validation))


def only_audio(examples: Examples) -> Examples:
    kept = {name: tensor for name, tensor in examples.tensors.items() if "text" not in name}
    return Examples(examples.split, examples.rows, examples.classes, kept)


def test_training_reads_no_test_row(small: Recipe, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from merdata_train.data.source import Source
    from merdata_train.runs.run import run

    asked = []
    original = Source.examples

    def watch(self: Source, split: str, jobs: int | None = None) -> object:
        asked.append(split)
        return original(self, split, jobs)

    monkeypatch.setattr(Source, "examples", watch)
    run(small, tmp_path)
    assert asked == ["train", "validation"]


KILLS = int(os.environ.get("MERDATA_KILLS", "2"))
EPOCHS = KILLS + 4  # of each of two stages


def two_stages() -> Recipe:
    """Everything that a resumed training must take up: two stages, EMA, weighted draws, modality dropout."""
    common = f"epochs: {EPOCHS}, patience: 99, batch_size: 64, sampler: {{balance: {{corpus: 1, class: 1}}}}"
    stages = f"stages=[{{name: one, {common}}}, {{name: two, {common}}}]"
    changes = [stages, "ema={decay: 0.9}", "modality_dropout=0.2"]
    return load_recipe("source0/A1", [*SMALL[:3], *changes])


def epochs_done(path: Path) -> int:
    saved = load_checkpoint(path)
    return len(saved.facts["done"]) + len(saved.facts["history"]) if saved else 0


def test_killed_at_any_moment_it_gives_the_same_predictions(tmp_path: Path) -> None:
    """One run, killed again and again: `MERDATA_KILLS=20 pytest -k killed` does it twenty times."""
    checkpoint = tmp_path / "checkpoint"
    random = np.random.default_rng(0)
    moments = sorted(random.choice(np.arange(1, 2 * EPOCHS - 2), KILLS, replace=False).tolist())
    for moment in moments:
        process = process_context().Process(target=two_stages_to, args=(checkpoint,))
        process.start()
        while process.is_alive() and epochs_done(checkpoint) < moment:
            time.sleep(0.01)  # reading the checkpoint costs the training its time
        time.sleep(random.uniform(0, 0.02))  # anywhere in an epoch, or in the writing of its checkpoint
        process.kill()
        process.join()
        assert process.exitcode == -signal.SIGKILL
    assert moments[-1] <= epochs_done(checkpoint) < 2 * EPOCHS
    assert torch.equal(two_stages_to(checkpoint), two_stages_to(tmp_path / "undisturbed"))


def two_stages_to(checkpoint: Path) -> torch.Tensor:
    """What the trained model predicts."""
    validation = make_examples(60, "validation", 1)
    return predict(fit(two_stages(), make_examples(), validation, checkpoint)[0], validation)


def test_the_scale_of_fp16_is_kept() -> None:
    """A scale of another size would round other gradients to zero; here the scaler is a CPU's."""
    before, after = accelerator_of(small()), accelerator_of(small())
    assert scaler_state(before) is None
    before.scaler, after.scaler = (torch.amp.GradScaler("cpu", init_scale=scale) for scale in (8.0, 2.0))
    state = json.loads(json.dumps(scaler_state(before)))
    load_scaler(after, state)
    assert after.scaler.state_dict() == before.scaler.state_dict()
    load_scaler(after, None)
    assert after.scaler.state_dict()["scale"] == 8.0


def test_a_broken_checkpoint_is_as_none(tmp_path: Path) -> None:
    path = tmp_path / "checkpoint.safetensors"
    assert load_checkpoint(path) is None
    path.write_bytes(b"half of a fi")
    assert load_checkpoint(path) is None
