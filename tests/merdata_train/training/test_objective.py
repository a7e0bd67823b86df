"""Training with several losses: whole steps, target rows, schedules, what chooses the epoch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.optim.lr_scheduler import OneCycleLR

from merdata_train.data.examples import Examples
from merdata_train.data.sequences import Frames, Sequences
from merdata_train.errors import RecipeError
from merdata_train.models.emotion import open_model
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.recipe.stage import OneCycle, Stage
from merdata_train.training.fit import fit
from merdata_train.training.plan import Planner
from merdata_train.training.schedule import cycle
from merdata_train.training.target import with_target
from merdata_train.training.validation import all_metrics
from tests.merdata_train.conftest import make_examples

WHOLE = "auxiliary={micl: {kind: infonce, width: 8, weight: 0.1}}"
CORAL = "auxiliary={domain: {kind: coral}}"
TARGET = "data.unlabelled={corpora: [t]}"
SMALL = ["model.width=16", "model.hidden=16", "stages.0.epochs=3", "stages.0.batch_size=32"]


def recipe(*words: str) -> Recipe:
    return load_recipe("source0/A0", [*SMALL, *words])


def adapted(n: int = 90) -> Examples:
    """Source rows, and half as many rows of a target whose labels are not looked at."""
    target = make_examples(n // 2, seed=5)
    target = replace(target, rows=target.rows.assign(corpus="t", label=None))
    return replace(make_examples(n), unlabelled=target)


def planner(train: Examples, stage: Stage, labelled: int, whole: tuple[str, ...] = ()) -> Planner:
    return Planner(stage, train, labelled, lambda rows: np.array([float(len(rows))]), 0, 1, whole)


def test_every_step_has_as_many_rows_of_the_target_as_of_the_source() -> None:
    joined = replace(adapted(), tensors=adapted().tensors | {"weights": torch.ones(90)})
    joined = with_target(joined)
    steps = planner(joined, Stage(batch_size=20), 90).steps(7)
    drawn = [row for step in steps for rows, _ in step for row in rows]
    assert sorted(row for row in drawn if row < 90) == list(range(90))
    assert np.bincount([row - 90 for row in drawn if row >= 90]).tolist() == [2] * 45
    for ((rows, _),) in steps:
        assert sum(row >= 90 for row in rows) == len(rows) / 2
    assert joined.tensors["labels"][90:].eq(-100).all() and not joined.tensors["weights"][90:].any()


def test_drop_last_leaves_out_a_step_that_is_not_full() -> None:
    train = make_examples(50)
    for drop, sizes in ((False, [20, 20, 10]), (True, [20, 20])):
        steps = planner(train, Stage(batch_size=20, drop_last=drop), 50).steps(0)
        assert [len(rows) for step in steps for rows, _ in step] == sizes


class Slow(Sequences):
    """Rows that an encoder works on for a second each."""

    @property
    def seconds(self) -> np.ndarray:
        return np.ones(len(self.rows))

    def batch(self, name: str, indices: object) -> dict[str, torch.Tensor]:
        raise NotImplementedError

    def key(self, row: int) -> bytes:
        raise NotImplementedError


def test_a_step_that_must_be_whole_is_never_cut() -> None:
    train = replace(make_examples(40), sequences={"audio": Slow(list(range(40)))})
    stage = Stage(batch_size=20, batch_seconds=10)
    assert len(planner(train, stage, 40).steps(0)[0]) == 2
    with pytest.raises(
        RecipeError, match=r"auxiliary.micl must see all 20 rows .* raise batch_seconds above 10"
    ):
        planner(train, stage, 40, ("auxiliary.micl",)).steps(0)
    frames = Frames([torch.zeros(2_000, 3)] * 40)  # nothing works on these but small layers
    assert len(planner(replace(train, sequences={"audio": frames}), stage, 40, ("x",)).steps(0)[0]) == 1


@pytest.mark.parametrize(("rise", "epochs"), [(0.1, 5), (0.3, 2)])
def test_one_cycle_is_that_of_torch(rise: float, epochs: int) -> None:
    steps = 40 * epochs
    optimizer = torch.optim.AdamW([torch.nn.Parameter(torch.zeros(1))], lr=0.01)
    theirs = OneCycleLR(optimizer, max_lr=0.01, total_steps=steps, pct_start=rise)
    for step in range(steps):
        (group,) = optimizer.param_groups
        factor, beta = cycle(OneCycle(rise=rise), step, steps)
        assert group["lr"] == pytest.approx(0.01 * factor, rel=1e-9)
        assert group["betas"][0] == pytest.approx(beta, rel=1e-9)
        optimizer.step()
        if step < steps - 1:
            theirs.step()


@pytest.mark.parametrize(
    "words",
    [
        [WHOLE, "stages.0.schedule=one_cycle", "stages.0.optimizer=adam", "stages.0.drop_last=true"],
        ["auxiliary={vad: {kind: vad, hidden: 8, weight: 0.3}}", "selection.metric=loss", "ema={decay: 0.9}"],
        [TARGET, "auxiliary={domain: {kind: dann, hidden: [8]}, apart: {kind: supcon, width: 8}}"],
        [TARGET, "auxiliary={domain: {kind: mmd, weight: 0.5}}", "stages.0.schedule=none"],
    ],
    ids=["infonce", "vad", "dann", "mmd"],
)
def test_a_training_with_several_losses_learns_and_resumes_to_the_same_digits(
    words: list[str], tmp_path: Path
) -> None:
    train, validation = adapted(), make_examples(60, "validation", 1)
    train = train if TARGET in words else replace(train, unlabelled=None)
    whole, history = fit(recipe(*words), train, validation)
    names = set(recipe(*words).auxiliaries()) | {"classes"}
    for epoch in history:
        assert set(epoch["losses"]) == names
        assert sum(epoch["losses"].values()) == pytest.approx(epoch["loss"], rel=1e-4)
        assert all(np.isfinite(value) for value in epoch["losses"].values())
    assert history[-1]["losses"]["classes"] < history[0]["losses"]["classes"]
    if "selection.metric=loss" in words:
        assert [epoch["selected"] for epoch in history] == [-epoch["validation_loss"] for epoch in history]
    checkpoint = tmp_path / "checkpoint.safetensors"

    def stop(_: object) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fit(recipe(*words), train, validation, checkpoint, stop)
    again, resumed = fit(recipe(*words), train, validation, checkpoint)
    assert resumed == history
    for name, tensor in whole.state_dict().items():
        assert torch.equal(again.state_dict()[name], tensor), name


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([CORAL], "auxiliary.domain needs rows of the target: name them in data.unlabelled"),
        ([TARGET], "data.unlabelled is read by no loss"),
        (["auxiliary={classes: {kind: vad}}"], "auxiliary.classes: choose a name"),
        (["auxiliary={micl: {kind: infonse}}"], "auxiliary.micl"),
        (
            ["auxiliary={vad: {kind: vad, wight: 1}}"],
            "auxiliary.vad.wight: unknown key (did you mean 'weight'?)",
        ),
    ],
)
def test_what_does_not_fit_is_refused_in_a_sentence(words: list[str], message: str) -> None:
    with pytest.raises(RecipeError) as error:
        recipe(*words)
    assert message in str(error.value)


def test_a_loss_is_switched_off_by_null() -> None:
    assert recipe(WHOLE, "auxiliary.micl=null").auxiliaries() == {}


def test_labels_of_the_target_choose_no_epoch_unless_the_recipe_says_oracle() -> None:
    validation = make_examples(40, "validation", 1)
    validation = replace(validation, rows=validation.rows.assign(corpus="t"))
    with pytest.raises(RecipeError, match=r"would be chosen by labels of t, .* selection.oracle=true"):
        fit(recipe(TARGET, CORAL), adapted(), validation)
    fit(recipe(TARGET, CORAL, "selection.oracle=true", "stages.0.epochs=1"), adapted(), validation)


def test_a_class_without_a_point_is_named() -> None:
    train = make_examples(60)
    with pytest.raises(RecipeError, match=r"auxiliary.vad: there is no point .* for calm"):
        fit(recipe("auxiliary={vad: {kind: vad}}"), replace(train, classes=("anger", "joy", "calm")), train)


def test_modules_start_from_another_run_with_their_scaler(tmp_path: Path) -> None:
    train, validation = make_examples(90), make_examples(60, "validation", 1)
    branch = "model.branches={audio: [{kind: projection, width: 8}]}"
    speech, _ = fit(recipe("modalities=[audio]", branch, "stages.0.epochs=1"), train, validation)
    speech.save_pretrained(tmp_path / "speech" / "model")
    start = f"stages.0.init={{from: {tmp_path / 'speech'}, modules: [branches.audio]}}"
    frozen = "stages.0.freeze=[branches.audio]"
    model, _ = fit(recipe(branch, start, frozen, "stages.0.epochs=1"), train, validation)
    before = open_model(tmp_path / "speech" / "model").state_dict()
    after = model.cpu().state_dict()
    for name in before:
        if name.startswith(("branches.audio", "standardise.audio")):
            assert torch.equal(before[name], after[name]), name
    assert after["standardise.text.scale"].ne(1).any()
    with pytest.raises(RecipeError, match=r"do not both have the module 'branches.text'"):
        fit(recipe(branch, start.replace("[branches.audio]", "[branches.text]")), train, validation)


def test_the_order_of_the_classes_changes_no_named_metric() -> None:
    rows = make_examples(80).rows.assign(predicted=make_examples(80, seed=3).rows["label"].tolist())
    names = ("anger", "joy", "neutral")
    for order in (names, names[::-1], (names[1], names[0], names[2])):
        assert all_metrics(rows, order) == pytest.approx(all_metrics(rows, names))
