"""The protocol guard: planted faults of a run are refused in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

import merdata
from merdata_train.data.source import Source
from merdata_train.errors import ProtocolError
from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.evaluate import evaluate, open_model
from merdata_train.runs.folder import read_history
from merdata_train.runs.run import run
from merdata_train.scoring.checks import best_epoch, check_labels, check_selected, check_unseen
from merdata_train.training.checkpoint import load_checkpoint
from merdata_train.training.fit import fit
from tests.merdata_train.conftest import SMALL

CLASSES = ["anger", "joy", "neutral"]


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "run"))


def looks(folder: Path) -> int:
    return len((folder / "test_log.jsonl").read_text().splitlines())


def test_weights_of_the_last_epoch_are_refused(store: merdata.Store, tmp_path: Path) -> None:
    unsteady = ["stages.0.epochs=60", "stages.0.lr=0.03", "stages.0.patience=2"]  # it stops 2 epochs late
    recipe = load_recipe("source0/A1", [f"store={store.path}", *SMALL, *unsteady])
    folder = run(recipe, tmp_path / "runs")
    history = read_history(folder)
    best, last = best_epoch(history)["epoch"], history[-1]["epoch"]
    assert best < last
    source = Source(recipe)
    fit(recipe, source.examples("train"), source.examples("validation"), tmp_path / "checkpoint")
    checkpoint = load_checkpoint(tmp_path / "checkpoint")
    assert checkpoint
    model = open_model(folder / "model")
    model.load_state_dict(checkpoint.model)  # where the training ended, not where validation was best
    model.save_pretrained(folder / "model")
    with pytest.raises(ProtocolError, match=f"those of epoch {last}, but validation uar chose epoch {best}"):
        evaluate(folder)
    assert not (folder / "test_log.jsonl").exists()  # refused before any look at test rows


def test_a_model_whose_labels_were_swapped_is_refused(folder: Path) -> None:
    before = looks(folder)
    config = folder / "model" / "config.json"
    text = config.read_text()
    config.write_text(text.replace('"joy"', '"?"').replace('"neutral"', '"joy"').replace('"?"', '"neutral"'))
    assert config.read_text() != text
    with pytest.raises(ProtocolError, match="the model's classes"):
        evaluate(folder)
    assert looks(folder) == before


def test_a_head_whose_rows_were_swapped_is_refused(folder: Path) -> None:
    """The names agree, the weights do not: only the validation rows can tell."""
    model = open_model(folder / "model")
    state = model.state_dict()
    heads = {name: rows for name, rows in state.items() if rows.ndim and len(rows) == len(model.classes)}
    assert heads
    model.load_state_dict(state | {name: rows.roll(1, 0) for name, rows in heads.items()})
    model.save_pretrained(folder / "model")
    with pytest.raises(ProtocolError, match="the order of the labels or the validation rows"):
        evaluate(folder)


def test_test_rows_in_selection_are_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows of the test split that came in under the name of validation rows."""
    original = Source.examples

    def leak(self: Source, split: str, jobs: int | None = None) -> object:
        return original(self, "validation" if split == "test" else split, jobs)

    monkeypatch.setattr(Source, "examples", leak)
    with pytest.raises(ProtocolError, match="test rows took part in training or selection"):
        evaluate(folder)


def test_shared_ids_are_named() -> None:
    check_unseen(["c/1"], ["c/2"], "run")
    with pytest.raises(ProtocolError, match=r"run: 2 test rows took part .* \(c/2, c/3\)"):
        check_unseen(["c/1", "c/2", "c/3"], ["c/3", "c/2"], "run")


def test_predicted_labels_are_those_of_the_highest_probability() -> None:
    rows = pd.DataFrame({"p_anger": [0.8, 0.1], "p_joy": [0.1, 0.1], "p_neutral": [0.1, 0.8]})
    check_labels(rows.assign(predicted=["anger", "neutral"]), CLASSES, "run")
    check_labels(rows.assign(predicted=["anger", "neutral"]), CLASSES[::-1], "run")
    with pytest.raises(ProtocolError, match="1 of 2 predicted labels are not those of the highest"):
        check_labels(rows.assign(predicted=["joy", "neutral"]), CLASSES, "run")
    with pytest.raises(ProtocolError, match="no probability of fear"):
        check_labels(rows.assign(predicted=["joy", "neutral"]), [*CLASSES, "fear"], "run")
    with pytest.raises(ProtocolError, match="it predicts 'fear', which is not one of its classes"):
        check_labels(rows.assign(predicted=["fear", "neutral"]), CLASSES, "run")


def test_the_last_stage_decides_and_ties_fall_to_the_earlier_epoch() -> None:
    def epoch(stage: str, number: int, uar: float) -> dict[str, object]:
        return {
            "stage": stage,
            "epoch": number,
            "validation": {"uar": uar, "accuracy": uar / 2},
            "selected": uar,
        }

    history = [epoch("main", 0, 0.9), epoch("main", 0, 0.5), epoch("main", 1, 0.6), epoch("main", 2, 0.6)]
    assert best_epoch(history) is history[2]
    check_selected(history, "uar", {"uar": 0.6, "accuracy": 0.3}, "run")
    check_selected(history, "uar", {"uar": 0.605, "accuracy": 0.3}, "run")  # another machine
    with pytest.raises(ProtocolError, match="those of epoch 0"):
        check_selected(history, "uar", {"uar": 0.5, "accuracy": 0.25}, "run")
    with pytest.raises(
        ProtocolError, match=r"score a validation uar of 0\.9000, the chosen epoch 1 had 0\.6000"
    ):
        check_selected(history, "uar", {"uar": 0.9, "accuracy": 0.45}, "run")
