"""Stages: what moves, how fast, on which rows, from which weights, and what chooses the epoch."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from accelerate.utils import set_seed

from merdata_train.data.source import Examples
from merdata_train.errors import RecipeError, RunError
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.recipe.stage import Stage
from merdata_train.training.checkpoint import cloned, load_checkpoint
from merdata_train.training.ema import averaged
from merdata_train.training.fit import fit
from merdata_train.training.stages import frozen_for_now, optimizer_of, rows_of, set_training, trained_rows
from merdata_train.training.validation import selected
from tests.merdata_train.conftest import CLASSES, SMALL, make_examples, uar


def small(*overrides: str) -> Recipe:
    return load_recipe("source0/A1", [*SMALL, *overrides])


def two_corpora(n: int = 240, split: str = "train", seed: int = 0) -> Examples:
    """Rows of an acted and of a conversational corpus."""
    examples = make_examples(n, split, seed)
    spoken = np.arange(n) % 3 == 0
    rows = examples.rows.assign(
        corpus=np.where(spoken, "meld", "tess"), domain=np.where(spoken, "conversational", "acted")
    )
    return Examples(split, rows, examples.classes, examples.tensors)


def test_learning_rates_hit_the_named_parameters_and_no_others() -> None:
    model = EmotionModel.of(small(), list(CLASSES))
    stage = Stage(
        lr=0.01, lr_groups={"fusion.project": 0.02, "fusion.project.audio": 0.03}, freeze=["heads.classes"]
    )
    rates = {
        id(parameter): group["lr"]
        for group in optimizer_of(model, stage).param_groups
        for parameter in group["params"]
    }
    for name, parameter in model.named_parameters():
        if name.startswith("heads.classes"):
            assert not parameter.requires_grad and id(parameter) not in rates
        else:
            expected = 0.03 if "project.audio" in name else 0.02 if "project" in name else 0.01
            assert rates[id(parameter)] == expected


def test_frozen_weights_do_not_move() -> None:
    recipe = small("stages.0.freeze=[fusion.project]", "stages.0.epochs=2")
    torch.manual_seed(0)
    model, _ = fit(recipe, make_examples(), make_examples(60, "validation", 1))
    set_seed(recipe.seed)
    before = EmotionModel.of(recipe, list(CLASSES)).state_dict()
    moved = {
        name for name, tensor in model.cpu().state_dict().items() if not torch.equal(tensor, before[name])
    }
    assert not any(name.startswith("fusion.project") for name in moved)
    assert any(name.startswith("heads.classes") for name in moved)


@pytest.mark.parametrize("words", ["freeze_epochs={fusion.project: 2}", "freeze_steps={fusion.project: 8}"])
def test_a_module_is_frozen_for_a_while(words: str) -> None:
    """240 rows are four steps of 64 an epoch: both freeze the first two epochs of three."""
    changed = {}
    for epochs in (1, 2, 3):
        recipe = small(f"stages.0.{words}", f"stages.0.epochs={epochs}")
        model, _ = fit(recipe, make_examples(), make_examples(60, "validation", 1))
        set_seed(recipe.seed)
        before = EmotionModel.of(recipe, list(CLASSES)).state_dict()
        last = {
            name for name, tensor in model.cpu().state_dict().items() if not torch.equal(tensor, before[name])
        }
        changed[epochs] = {name.rpartition(".")[0] for name in last}
        assert any(name.startswith("heads.classes") for name in last)
    projects = [any(name.startswith("fusion.project") for name in changed[epochs]) for epochs in (1, 2)]
    assert projects == [False, False]


def test_a_module_that_was_frozen_for_a_while_learns_afterwards() -> None:
    stage = Stage(freeze_epochs={"fusion.project": 1}, freeze_steps={"fusion.cls": 3})
    model = EmotionModel.of(small(), list(CLASSES))
    optimizer_of(model, stage)
    for epoch, step, frozen in (
        (0, 0, {"fusion.project", "fusion.cls"}),
        (0, 3, {"fusion.project"}),
        (1, 4, set()),
    ):
        set_training(model, stage, frozen_for_now(stage, epoch, step))
        still = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
        assert {".".join(name.split(".")[:2]) for name in still} == frozen


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("stages.0.freeze=[encoder]", "the model has no module 'encoder'; its modules are "),
        ("stages.0.lr_groups={fusion.hea: 0.1}", "the model has no module 'fusion.hea'"),
        ("stages.0.freeze_steps={fusion.hea: 3}", "the model has no module 'fusion.hea'"),
        ("stages.0.freeze=[fusion, heads]", "freezes every weight"),
        ("stages.0.data={corpora: [mosei]}", "stage main: data.corpora: no row is of 'mosei'; there are c$"),
        ("stages.0.data={languages: [eng]}", "data.languages: no row is of 'eng' .*; there are en$"),
        ("stages.0.selection={over: acted+mosei}", "validation row is of 'mosei'; there are acted, all, c$"),
        ("stages.0.sampler={mix: {mosei: 1}}", "sampler: no train row is of 'mosei'; there are acted, c$"),
        ("stages.0.sampler={upweight: {conversational: 6}}", "sampler: no train row is of 'conversational'"),
    ],
)
def test_what_is_not_there_is_named(change: str, says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        fit(small(change), make_examples(), make_examples(60, "validation", 1))


def test_a_stage_sees_its_own_rows_in_train_and_validation() -> None:
    stage = Stage.model_validate({"data": {"corpora": ["meld"]}})
    for split in ("train", "validation"):
        rows = two_corpora(60, split).rows
        assert set(rows["corpus"][rows_of(stage, two_corpora(60, split))]) == {"meld"}
    assert rows_of(Stage(), two_corpora(60)).all()


def test_the_selection_is_the_mean_over_its_groups() -> None:
    rows = two_corpora(90).rows
    predicted = rows["label"].where(rows["corpus"] == "meld", "joy").tolist()
    values = {
        over: selected(rows.assign(predicted=predicted), CLASSES, "accuracy", over)
        for over in ("all", "acted", "conversational", "tess", "acted+conversational")
    }
    assert values["conversational"] == 1
    assert (
        values["acted"]
        == values["tess"]
        == pytest.approx((rows["label"][rows["corpus"] == "tess"] == "joy").mean())
    )
    assert values["acted+conversational"] == pytest.approx((1 + values["acted"]) / 2)


def test_a_second_stage_goes_on_from_the_best_weights_of_the_first(tmp_path: Path) -> None:
    train, validation = make_examples(), make_examples(60, "validation", 1)
    alone = small("stages.0.epochs=3")
    still = Stage(name="more", epochs=1, lr=1e-30, weight_decay=0.0)
    first, _ = fit(alone, train, validation)
    recipe = alone.model_copy(update={"stages": [*alone.stages, still]})
    both, history = fit(recipe, train, validation, tmp_path / "checkpoint")
    assert [epoch["stage"] for epoch in history] == ["main"] * 3 + ["more"]
    assert torch.equal(predict(first, validation), predict(both, validation))


def test_a_stage_that_is_done_is_not_repeated(tmp_path: Path) -> None:
    stages = [Stage(name="one", epochs=2, batch_size=64), Stage(name="two", epochs=2, batch_size=64)]
    recipe = small().model_copy(update={"stages": stages})
    train, validation = make_examples(), make_examples(60, "validation", 1)
    whole, history = fit(recipe, train, validation)
    path = tmp_path / "checkpoint"

    class KilledError(Exception):
        pass

    def kill(epoch: dict[str, object]) -> None:
        if epoch["stage"] == "two":
            raise KilledError

    with pytest.raises(KilledError):
        fit(recipe, train, validation, path, kill)
    saved = load_checkpoint(path)
    assert saved is not None and saved.facts["stage"] == 1 and len(saved.facts["done"]) == 2
    seen: list[object] = []
    resumed, again = fit(recipe, train, validation, path, lambda epoch: seen.append(epoch["stage"]))
    assert seen == ["two"]
    assert again == history
    assert torch.equal(predict(whole, validation), predict(resumed, validation))


def test_the_averaged_weights_are_what_is_validated_and_kept() -> None:
    validation = make_examples(60, "validation", 1)
    recipe = small("ema={decay: 0.9}", "stages.0.epochs=3")
    model, history = fit(recipe, make_examples(), validation)
    best = max(epoch["validation"]["uar"] for epoch in history)
    assert uar(model, validation) == best
    plain, _ = fit(small("stages.0.epochs=3"), make_examples(), validation)
    assert not torch.equal(predict(model, validation), predict(plain, validation))


def test_the_average_follows_its_formula() -> None:
    model = torch.nn.Linear(1, 1, bias=False)
    average = averaged(model, 0.5)
    expected = None
    for step, value in enumerate([1.0, 3.0, -2.0, 5.0, 0.5]):
        model.weight.data.fill_(value)
        average.update_parameters(model)
        follow = min(0.5, (1 + step) / (10 + step))
        expected = value if expected is None else expected * follow + value * (1 - follow)
        assert average.module.weight.item() == pytest.approx(expected)


def test_a_run_starts_from_another(trained: Path, tmp_path: Path) -> None:
    from merdata_train.runs.evaluate import open_model
    from merdata_train.runs.folder import open_run
    from merdata_train.runs.run import run

    recipe, _ = open_run(trained)
    stage = recipe.stages[0].model_copy(
        update={"init": str(trained), "epochs": 1, "lr": 1e-30, "weight_decay": 0.0}
    )
    folder = run(recipe.model_copy(update={"stages": [stage]}), tmp_path)
    before, after = cloned(open_model(trained / "model")), cloned(open_model(folder / "model"))
    assert all(torch.equal(tensor, before[name]) for name, tensor in after.items())
    missing = stage.model_copy(update={"init": str(tmp_path / "nothing")})
    with pytest.raises(RunError, match="does not hold a trained model"):
        run(recipe.model_copy(update={"stages": [missing]}), tmp_path)


def test_one_process_at_a_time(trained: Path, tmp_path: Path) -> None:
    from filelock import FileLock

    from merdata_train.data.source import Source
    from merdata_train.runs.folder import open_run
    from merdata_train.runs.identity import folder_name
    from merdata_train.runs.run import run

    recipe, _ = open_run(trained)
    folder = tmp_path / folder_name(recipe, Source(recipe))
    folder.mkdir()
    with FileLock(folder / ".lock"), pytest.raises(RunError, match="another process is training"):
        run(recipe, tmp_path)


def test_rows_know_their_domain(trained: Path) -> None:
    from merdata_train.data.source import Source
    from merdata_train.runs.folder import open_run

    rows: pd.DataFrame = Source(open_run(trained)[0]).examples("validation").rows
    assert (rows["domain"] == "conversational").equals(rows["corpus"] == "meld")


def test_baselines_learn_from_the_rows_of_the_stages_alone() -> None:
    rows = two_corpora().rows.assign(language="en")
    acted = Stage.model_validate({"data": {"corpora": ["tess"]}})
    assert set(trained_rows([acted], rows)["corpus"]) == {"tess"}
    assert len(trained_rows([acted, Stage()], rows)) == len(rows)
