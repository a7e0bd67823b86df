"""Audio and text end to end, with tiny encoders of the real classes: stages, kills, tuning, prediction."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from multiprocessing import current_process
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

import merdata
from merdata_train.data.frozen import encoded
from merdata_train.data.samplers import order
from merdata_train.data.source import Examples, Source
from merdata_train.encoders.pretrained import load_config, model_of
from merdata_train.errors import RecipeError
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.evaluate import evaluate, open_model
from merdata_train.runs.run import run
from merdata_train.runs.suite import load_suite, plan
from merdata_train.serving.predict import Predictor
from merdata_train.training.checkpoint import cloned, load_checkpoint
from merdata_train.training.fit import fit
from merdata_train.training.stages import optimizer_of
from tests.merdata_train.conftest import Tiny


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="module")
def two_stages(tiny: Tiny, runs: Path) -> Path:
    """A run of B3: one epoch of the head, two of everything. Read only."""
    folder = run(recipe_of("B3", tiny, "stages.0.epochs=1", "stages.1.epochs=2"), runs, workers=0)
    evaluate(folder, workers=0)
    return folder


def recipe_of(name: str, tiny: Tiny, *words: str) -> Recipe:
    return load_recipe(f"source0/{name}", [*tiny, *words])


def rows_of(recipe: Recipe) -> tuple[Examples, Examples]:
    source = Source(recipe)
    return source.examples("train"), source.examples("validation")


def test_a_run_goes_from_store_to_predictions_stage_by_stage(two_stages: Path) -> None:
    history = json.loads((two_stages / "history.json").read_text())
    assert [epoch["stage"] for epoch in history] == ["head", "joint", "joint"]
    metrics = json.loads((two_stages / "metrics.json").read_text())
    assert metrics["sets"]["TestB"]["n"] > 0 and metrics["sets"]["TestA"]["n"] > 0
    assert (two_stages / "model" / "README.md").is_file()
    for name in ("extractor", "tokenizer"):
        assert any((two_stages / "model" / name).iterdir())


def test_nothing_of_this_machine_is_in_the_model(two_stages: Path, tiny: Tiny) -> None:
    for path in [*(two_stages / "model").rglob("*.json"), two_stages / "model" / "README.md"]:
        assert str(Path(tiny[1].partition("=")[2]).parent) not in path.read_text("utf-8")


def test_the_card_names_the_encoders(two_stages: Path) -> None:
    card = (two_stages / "model" / "README.md").read_text("utf-8")
    assert "on `wavlm` (" in card and "and `roberta` (" in card


def test_the_saved_model_predicts_without_the_encoders_it_came_from(
    two_stages: Path, store: merdata.Store, tmp_path: Path
) -> None:
    model = Path(shutil.copytree(two_stages / "model", tmp_path / "model"))
    predictor = Predictor.open(model)
    scored = pd.read_parquet(two_stages / "predictions.parquet").set_index("id")
    rows = store.rows(["id", "text"], ["ravdess"]).to_pandas().set_index("id")
    shard = next(one for one in store.shards(["ravdess"]) if set(store.ids[one]) & set(scored.index))
    id, samples = next(pair for pair in merdata.read_audio(shard.path) if pair[0] in scored.index)
    found = predictor(samples, rows.loc[id, "text"])
    for name, value in found.raw.items():
        assert value == pytest.approx(scored.loc[id, f"p_{name}"], abs=1e-4)


@pytest.mark.parametrize("given", [{"audio": True}, {"text": True}])
def test_either_modality_may_be_missing_in_use(two_stages: Path, given: dict[str, bool]) -> None:
    predictor = Predictor.open(two_stages)
    samples = np.random.default_rng(0).normal(size=9_000).astype(np.float32) / 10
    found = predictor(samples if given.get("audio") else None, "How are you?" if given.get("text") else None)
    assert sum(found.probabilities.values()) == pytest.approx(1)


def test_padding_and_company_move_no_prediction(two_stages: Path, tiny: Tiny) -> None:
    _, validation = rows_of(recipe_of("B3", tiny, "features.audio.seconds=2"))
    model = open_model(two_stages / "model")
    some = validation.only(np.arange(len(validation)) % 9 == 0)
    together = predict(model, some)
    alone = torch.cat([predict(model, some.only(np.arange(len(some)) == at)) for at in range(len(some))])
    assert torch.allclose(together, alone, atol=1e-4)


def test_readers_in_other_processes_change_nothing(
    two_stages: Path, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a TMPDIR that is longer than the path of the sockets where they meet may be, too."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / (120 * "t")))
    monkeypatch.setitem(current_process()._config, "tempdir", None)  # type: ignore[attr-defined]
    Path(tempfile.gettempdir()).mkdir()
    _, validation = rows_of(recipe_of("B3", tiny))
    model = open_model(two_stages / "model")
    assert torch.equal(predict(model, validation, workers=2), predict(model, validation))


def test_frozen_encoders_do_not_move_and_their_stage_runs_them_once(tiny: Tiny, tmp_path: Path) -> None:
    recipe = recipe_of("B2", tiny, "stages.0.epochs=2")
    train, validation = rows_of(recipe)
    model, history = fit(recipe, train, validation, cache=tmp_path)
    for name, encoder in model.encoders.items():
        before = EmotionModel.of(recipe, list(train.classes)).encoders[name].network.state_dict()
        after = encoder.cpu().network.state_dict()
        assert all(torch.equal(tensor, before[key]) for key, tensor in after.items())
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert files
    _, again = fit(recipe, train, validation, cache=tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    assert again == history


def test_what_is_learned_on_frozen_states_learns(tiny: Tiny) -> None:
    words = ["stages.0.epochs=2", "features.audio.layers=learned", "features.text.pool=attention"]
    recipe = recipe_of("B2", tiny, *words)
    model, _ = fit(recipe, *rows_of(recipe))
    mixture = model.encoders["audio"].mixture
    assert mixture is not None and mixture.weights.any()


class KilledError(Exception):
    pass


def resumed_in(stage: str, recipe: Recipe, path: Path) -> EmotionModel:
    """The model of a training that was killed behind the first epoch of a stage; `path` is its checkpoint."""
    train, validation = rows_of(recipe)

    def kill(epoch: dict[str, Any]) -> None:
        if epoch["stage"] == stage:
            raise KilledError

    with pytest.raises(KilledError):
        fit(recipe, train, validation, path, kill)
    seen: list[str] = []
    model, _ = fit(recipe, train, validation, path, lambda epoch: seen.append(epoch["stage"]))
    assert set(seen) == {stage}
    return model


def same_weights(one: EmotionModel, other: EmotionModel) -> bool:
    weights = other.cpu().state_dict()
    return all(torch.equal(tensor, weights[name]) for name, tensor in one.cpu().state_dict().items())


def test_a_killed_training_goes_on_to_the_same_digits(two_stages: Path, tiny: Tiny, tmp_path: Path) -> None:
    recipe = recipe_of("B3", tiny, "stages.0.epochs=1", "stages.1.epochs=2")
    model = resumed_in("joint", recipe, tmp_path / "checkpoint")
    assert same_weights(model, open_model(two_stages / "model"))


def test_a_checkpoint_holds_what_was_moved(tiny: Tiny, tmp_path: Path) -> None:
    """Encoders that were moved and then frozen are in it, those that are as they came are not."""
    words = ["data.corpora=[ravdess]", "stages.0.sampler=null", "ema={decay: 0.5}", "stages.0.epochs=2"]
    then_frozen = [
        "stages.0.freeze=[]",
        "stages.0.epochs=1",
        "stages.1.freeze=[audio_encoder.network, text_encoder.network]",
        "stages.1.epochs=2",
        "stages.1.sampler=null",
    ]
    for name, changes, moved in (("B2", [], False), ("B3", then_frozen, True)):
        recipe = recipe_of(name, tiny, *words, *changes)
        path = tmp_path / name
        model = resumed_in(recipe.stages[-1].name, recipe, path)
        whole, _ = fit(recipe, *rows_of(recipe))
        assert same_weights(model, whole)
        saved = load_checkpoint(path)
        assert saved is not None
        for state in (saved.model, saved.best, saved.average):
            assert any("heads.classes" in name for name in state)
            assert any("_encoder.network." in name for name in state) is moved


def test_parts_of_a_step_add_up_to_its_gradient(tiny: Tiny) -> None:
    calm = ["stages.0.epochs=1", "modality_dropout=0", "model.dropout=0", "data.corpora=[ravdess]"]
    still = ["stages.0.warmup=0", "stages.0.sampler=null"]
    weights = []
    for seconds in (1_000, 2):
        recipe = recipe_of("B1", tiny, *calm, *still, f"stages.0.batch_seconds={seconds}")
        train, validation = rows_of(recipe)
        model, _ = fit(recipe, train, validation)
        weights.append(cloned(model))
    whole, parts = weights
    moved = [name for name in whole if not torch.allclose(whole[name], parts[name], atol=2e-4)]
    assert not moved


def test_learning_rates_and_freezing_hit_the_encoders_as_named(tiny: Tiny) -> None:
    recipe = recipe_of("B3", tiny)
    model = EmotionModel.of(recipe, ["a", "b"])
    stage = recipe.stages[1]
    rates = {
        id(parameter): group["lr"]
        for group in optimizer_of(model, stage).param_groups
        for parameter in group["params"]
    }
    for name, parameter in model.named_parameters():
        if name.startswith("audio_encoder.network.feature_extractor"):
            assert id(parameter) not in rates and not parameter.requires_grad
        else:
            assert rates[id(parameter)] == (1e-5 if "_encoder." in name else 1e-4)


def test_lower_layers_learn_slower_where_the_stage_says_so(tiny: Tiny) -> None:
    recipe = recipe_of("B1", tiny, "stages.0.llrd=0.5", "stages.0.freeze=[]")
    model = EmotionModel.of(recipe, ["a", "b"])
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    rates = {
        names[id(parameter)]: group["lr"]
        for group in optimizer_of(model, recipe.stages[0]).param_groups
        for parameter in group["params"]
    }
    assert rates.keys() == set(names.values())
    for name, rate in rates.items():
        layer = re.search(r"_encoder\.network\.encoder\.layers?\.([01])\.", name)
        if layer:
            assert rate == pytest.approx({"1": 1e-5, "0": 0.5e-5}[layer[1]]), name
        else:
            assert rate == pytest.approx(0.25e-5 if "_encoder.network." in name else 1e-4), name


@pytest.mark.parametrize("modalities", ["audio", "text"])
def test_one_modality_alone_passes_over_the_other_s_encoder(modalities: str, tiny: Tiny) -> None:
    words = [f"modalities=[{modalities}]", "modality_dropout=0", "stages.0.epochs=1", "stages.1.epochs=1"]
    recipe = recipe_of("B3", tiny, *words)
    model, history = fit(recipe, *rows_of(recipe))
    assert list(model.encoders) == [modalities] and len(history) == 2


def test_fine_tuning_needs_the_run_that_it_starts_from(tiny: Tiny, tmp_path: Path) -> None:
    with pytest.raises(
        RecipeError,
        match=r"starts from the run of source0/B3 .* run `merdata_train run source0/B3",
    ):
        run(recipe_of("B8", tiny), tmp_path, workers=0)


def test_fine_tuning_starts_from_the_best_run_and_replays_the_acted(
    two_stages: Path, tiny: Tiny, runs: Path
) -> None:
    other = run(recipe_of("B4", tiny, "stages.0.epochs=1", "stages.1.epochs=1"), runs, workers=0)
    words = ["stages.0.epochs=1", "features.text.max_tokens=64", "features.audio.seconds=0.6"]
    words += [f"stages.0.init=['{two_stages}', '{other}']"]
    folder = run(recipe_of("B8", tiny, *words), runs, workers=0)
    begun = load_recipe(folder / "recipe.yaml").stages[0]

    def best(one: Path) -> float:
        history = json.loads((one / "history.json").read_text())
        return max(epoch["selected"] for epoch in history if epoch["stage"] == "joint")

    assert begun.init == str(max((two_stages, other), key=best))
    rows = Source(recipe_of("B8", tiny)).rows("train")
    drawn = rows.iloc[[at for seed in range(20) for at in order(rows, begun.sampler, seed)]]
    assert (drawn["corpus"] == "meld").mean() == pytest.approx(0.75, abs=0.02)
    assert begun.selection is not None and begun.selection.over == "acted+conversational"
    assert evaluate(folder, workers=0)["sets"]["TestB"]["n"] > 0


def test_context_holds_no_later_turn_and_no_other_split(tiny: Tiny, store: merdata.Store) -> None:
    recipe = recipe_of("B6", tiny, "features.text.max_tokens=320", "data.corpora=[meld]")
    source = Source(recipe)
    splits = source.protocol.splits(0)
    spoken = store.rows(["id", "dialogue", "turn", "speaker", "text"], ["meld"]).to_pandas()
    spoken["split"] = spoken["id"].map(splits)
    spoken["said"] = "speaker=" + spoken["speaker"].str.replace(" ", "_") + " " + spoken["text"]
    checked = 0
    for split in ("train", "test"):
        examples = source.examples(split)
        for at, id in enumerate(examples.rows["id"]):
            own = spoken[spoken["id"] == id].iloc[0]
            same = (spoken["dialogue"] == own["dialogue"]) & (spoken["split"] == split)
            before = spoken[same & (spoken["turn"] < own["turn"])].sort_values("turn")["said"].tolist()
            text = source.tokenizer.decode(examples.sequences["text"].rows[at])
            turns = text.removeprefix("<s>").removesuffix("</s>").split("</s></s>")
            assert turns == [*before[-7:], own["said"]]
            checked += len(turns) > 1
    assert checked > 50


def test_the_averaged_weights_are_those_evaluated(tiny: Tiny) -> None:
    words = ["ema={decay: 0.5}", "stages.0.epochs=1", "data.corpora=[ravdess]", "stages.0.sampler=null"]
    recipe = recipe_of("B1", tiny, *words)
    validation = rows_of(recipe)[1]
    model, history = fit(recipe, *rows_of(recipe))
    predicted = predict(model, validation).argmax(dim=-1)
    found = (predicted == validation.labels).double().mean().item()
    assert history[0]["validation"]["accuracy"] == pytest.approx(found)


def test_a_suite_foretells_its_gpu_hours(tiny: Tiny, store: merdata.Store, tmp_path: Path) -> None:
    from merdata_train.runs.cost import gpu_hours

    meld = load_suite("e2e-meld")
    assert len(meld.seeds) == 3
    meld = meld.model_copy(update={"seeds": [0]})
    frozen, tuned = (plan(meld, tmp_path, store.path, [f"stages.0.epochs={epochs}"]) for epochs in (2, 20))
    assert len(frozen) == 9
    hours = [gpu_hours(planned) for planned in (frozen, tuned)]
    assert hours[0] is not None and hours[0] == hours[1]  # of a frozen stage the encoders run once
    small = plan(meld, tmp_path, None, tiny)
    less = gpu_hours(small)
    assert less is not None and less < hours[0] / 100
    assert gpu_hours(plan(load_suite("meld"), tmp_path, store.path)) is None


@pytest.mark.slow
def test_encoders_of_base_size_take_a_step(tiny: Tiny, tmp_path: Path) -> None:
    from merdata_train.encoders.pretrained import import_transformers

    transformers = import_transformers()
    folder = Path(shutil.copytree(tiny[1].partition("=")[2], tmp_path / "wavlm"))
    transformers.WavLMModel(transformers.WavLMConfig()).save_pretrained(folder)
    words = [*tiny, f"features.audio.model={folder}", "data.corpora=[ravdess]", "stages.0.warmup=0"]
    recipe = load_recipe("source0/B1", words)
    train, _ = rows_of(recipe)
    model = EmotionModel.of(recipe, list(train.classes))
    assert sum(one.numel() for one in model.encoders["audio"].parameters()) > 90e6
    optimizer = optimizer_of(model, recipe.stages[0])
    batch = train.__getitems__([0, 1])
    before = model.encoders["audio"].network.encoder.layers[11].final_layer_norm.bias.detach().clone()
    torch.nn.functional.cross_entropy(model(batch).logits, batch["labels"]).backward()
    optimizer.step()
    assert not torch.equal(before, model.encoders["audio"].network.encoder.layers[11].final_layer_norm.bias)


def test_a_model_of_a_configuration_carries_no_weights_that_only_pretraining_used(tiny: Tiny) -> None:
    for name, encoder in recipe_of("B1", tiny).encoders().items():
        names = {key.partition(".")[0] for key in model_of(load_config(encoder)).state_dict()}
        assert not names & {"pooler", "masked_spec_embed"}, name


def test_outputs_in_memory_are_those_on_disk(tiny: Tiny, tmp_path: Path) -> None:
    recipe = recipe_of("B2", tiny, "data.corpora=[ravdess]")
    _, validation = rows_of(recipe)
    encoders = EmotionModel.of(recipe, list(validation.classes)).encoders
    kept, held = encoded(encoders, validation, tmp_path), encoded(encoders, validation, None)
    for name in ("audio_vec", "text_vec"):
        assert torch.equal(kept.tensors[name], held.tensors[name])
