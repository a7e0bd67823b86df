"""From a recipe to the table: the run folder, the evaluation, the command line."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.metrics import balanced_accuracy_score, f1_score

import merdata
from merdata.engine.process import Apart
from merdata_train.cli import screen
from merdata_train.data.source import Source
from merdata_train.errors import ProtocolError, RecipeError, RunError
from merdata_train.models.inference import predict
from merdata_train.recipe.files import recipe_files
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.conduct import PRELOADED
from merdata_train.runs.evaluate import evaluate, open_model
from merdata_train.runs.folder import open_run
from merdata_train.runs.identity import folder_name
from merdata_train.runs.run import _locked, run
from tests.merdata_train.command import cli, program
from tests.merdata_train.conftest import SMALL


def test_the_folder_holds_what_a_reader_needs(trained: Path, store: merdata.Store) -> None:
    assert {path.name for path in trained.iterdir()} == {
        "recipe.yaml", "environment.json", "split.json", "lints.json", "history.json", "model", ".lock",
        "predictions.parquet", "validation.parquet", "metrics.json", "test_log.jsonl",
        "lineage.json", "lineage.parquet",
    }  # fmt: skip
    split = json.loads((trained / "split.json").read_text())
    assert split["hash"] == merdata.load_protocol(store, "mer").hash
    assert open_run(trained)[0].stages[0].epochs == 12
    assert json.loads((trained / "environment.json").read_text())["packages"]["torch"]


def test_predictions_cover_the_test_rows_by_name(trained: Path, store: merdata.Store) -> None:
    predictions = pd.read_parquet(trained / "predictions.parquet")
    splits = merdata.load_protocol(store, "mer").splits()
    assert sorted(predictions["id"]) == sorted(id for id, split in splits.items() if split == "test")
    names = [f"p_{name}" for name in store.space.classes]
    assert predictions[names].sum(axis=1).to_numpy() == pytest.approx(1)
    best = predictions[names].idxmax(axis=1).str.removeprefix("p_")
    assert (best == predictions["predicted"]).all()
    gold = dict(zip(*store.rows(["id", "label"]).to_pydict().values(), strict=True))
    assert (predictions["label"] == predictions["id"].map(gold)).all()


def test_metrics_follow_from_the_predictions(trained: Path) -> None:
    predictions = pd.read_parquet(trained / "predictions.parquet")
    metrics = json.loads((trained / "metrics.json").read_text())
    acted = predictions[predictions["corpus"] != "meld"]
    parts = {
        "overall": predictions,
        "TestA": acted,
        "TestB": predictions[predictions["corpus"] == "meld"],
        "ravdess": predictions[predictions["corpus"] == "ravdess"],
    }
    for name, rows in parts.items():
        found = metrics["sets"][name]
        assert found["n"] == len(rows)
        assert found["scores"]["uar"] == pytest.approx(
            balanced_accuracy_score(rows["label"], rows["predicted"])
        )
        weighted = f1_score(rows["label"], rows["predicted"], average="weighted", zero_division=0)
        assert found["scores"]["weighted_f1"] == pytest.approx(weighted)
    assert metrics["sets"]["tess"] is None
    assert metrics["sets"]["TestB"]["clusters"] == parts["TestB"]["dialogue"].nunique()
    assert metrics["sets"]["TestA"]["clusters"] == acted.groupby(["corpus", "speaker"]).ngroups
    assert metrics["sets"]["TestB"]["intervals"]["uar"][0] < metrics["sets"]["TestB"]["scores"]["uar"]


def test_a_model_learns_from_the_miniatures(trained: Path) -> None:
    sets = json.loads((trained / "metrics.json").read_text())["sets"]
    assert sets["overall"]["scores"]["uar"] > 0.35
    assert sets["overall"]["scores"]["uar"] > 2 * sets["overall"]["baselines"]["majority"]["uar"]


def test_the_saved_model_gives_the_saved_predictions(trained: Path, store: merdata.Store) -> None:
    model = open_model(trained / "model")
    test = Source(open_run(trained)[0]).examples("test")
    saved = pd.read_parquet(trained / "predictions.parquet")
    again = predict(model, test).numpy()
    difference = np.abs(again - saved[[f"p_{name}" for name in store.space.classes]].to_numpy())
    assert difference.max() <= (1e-6 if torch.cuda.is_available() else 0)  # it was trained on the GPU, then


def test_a_finished_run_is_not_repeated(small: Recipe, tmp_path: Path) -> None:
    folder = run(small, tmp_path)
    before = (folder / "model" / "model.safetensors").stat().st_mtime_ns
    assert run(small, tmp_path) == folder
    assert (folder / "model" / "model.safetensors").stat().st_mtime_ns == before
    assert run(small, tmp_path, fresh=True) == folder
    assert (folder / "model" / "model.safetensors").stat().st_mtime_ns != before


def test_what_a_killed_training_was_writing_is_removed_by_the_next(tmp_path: Path) -> None:
    for name in (".checkpoint.safetensors.here-1.part", ".tmpAbC123", "history.json"):
        (tmp_path / name).touch()
    with _locked(tmp_path):
        assert {path.name for path in tmp_path.iterdir()} == {"history.json", ".lock"}


def test_the_id_knows_recipe_rows_and_split_but_not_the_place(
    small: Recipe, store: merdata.Store, tmp_path: Path
) -> None:
    base = folder_name(small, Source(small))
    changed = small.model_copy(update={"seed": 1})
    assert folder_name(changed, Source(changed)) != base
    elsewhere = shutil.copytree(store.path, tmp_path / "elsewhere")
    moved = small.model_copy(update={"store": str(elsewhere)})
    assert folder_name(moved, Source(moved)) == base
    merdata.split(elsewhere, seed=5)
    assert folder_name(moved, Source(moved)) != base


def test_every_look_at_test_rows_is_logged(small: Recipe, tmp_path: Path) -> None:
    folder = run(small, tmp_path)
    assert not (folder / "test_log.jsonl").exists()
    evaluate(folder)
    evaluate(folder)
    log = [json.loads(line) for line in (folder / "test_log.jsonl").read_text().splitlines()]
    assert len(log) == 2
    assert log[0]["n"] == log[1]["n"] > 0


def test_another_split_than_that_of_the_training_is_refused(store: merdata.Store, tmp_path: Path) -> None:
    elsewhere = shutil.copytree(store.path, tmp_path / "store")
    folder = run(load_recipe("source0/A1", [f"store={elsewhere}", *SMALL]), tmp_path / "runs")
    merdata.split(elsewhere, seed=5)
    with pytest.raises(ProtocolError, match="changed since"):
        evaluate(folder)


def test_rows_lost_on_the_way_are_noticed(
    trained: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    folder = Path(shutil.copytree(trained, tmp_path / "run"))  # the look is logged
    original = Source.examples

    def lose(self: Source, split: str, jobs: int | None = None) -> object:
        found = original(self, split, jobs)
        keep = found.rows["id"].to_numpy() != found.rows["id"].iloc[3]
        return found.only(keep)

    monkeypatch.setattr(Source, "examples", lose)
    with pytest.raises(ProtocolError, match=r"rows were expected, \d+ scored; missing: "):
        evaluate(folder)


def test_silenced_rows_are_scored_by_their_text(silenced: Path, tmp_path: Path) -> None:
    source = Source(load_recipe("source0/A1", [f"store={silenced}", *SMALL]))
    test = source.examples("test", jobs=1)
    assert not test.tensors["has_audio"].any()
    assert test.tensors["has_text"].all()
    folder = run(source.recipe, tmp_path / "runs", jobs=1)
    sets = evaluate(folder)["sets"]
    assert sets["TestA"] is None
    assert sets["TestB"]["n"] == len(test)


@pytest.mark.parametrize(
    "file", ["recipe.yaml", "split.json", "history.json", "model/config.json", "model/model.safetensors"]
)
@pytest.mark.parametrize("fault", ["gone", "garbage"])
def test_a_damaged_run_is_one_sentence(file: str, fault: str, trained: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(trained, tmp_path / "run")
    (copy / file).unlink()
    if fault == "garbage":
        (copy / file).write_text("garbage")
    with pytest.raises(RunError) as caught:
        evaluate(copy)
    assert "\n" not in str(caught.value)


def test_faults_are_sentences(small: Recipe, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="does not have 'savee'"):
        run(small.model_copy(update={"data": small.data.model_copy(update={"corpora": ["savee"]})}), tmp_path)
    with pytest.raises(RecipeError, match="no row has the language 'english'"):
        data = small.data.model_copy(update={"corpora": ["ravdess"], "languages": ["english"]})
        run(small.model_copy(update={"data": data}), tmp_path)
    with pytest.raises(merdata.SplitError, match="has no protocol 'loso'"):
        run(small.model_copy(update={"protocol": "loso"}), tmp_path)
    with pytest.raises(merdata.StoreError, match="is not a store"):
        run(small.model_copy(update={"store": "nowhere"}), tmp_path)
    with pytest.raises(RunError, match="is not a run"):
        evaluate(tmp_path)
    assert list(tmp_path.iterdir()) == []


# The command line


def test_run_prints_the_table(store: merdata.Store, tmp_path: Path) -> None:
    command = ("run", "source0/A1", *SMALL, "--store", store.path, "--out", tmp_path / "runs")
    done = Apart(cli, *command, preload=PRELOADED).result()
    assert done.returncode == 0, done.stderr
    for words in ("TestA", "TestB", "weighted-F1", merdata.load_protocol(store, "mer").hash[:12], "seed 0"):
        assert words in done.stdout
    (folder,) = (tmp_path / "runs").glob("source0-*")
    assert str(folder) in done.stdout
    repeated = cli(*command)
    assert repeated.stdout == done.stdout
    assert len((folder / "test_log.jsonl").read_text().splitlines()) == 1  # it was not scored again
    again = cli("evaluate", folder, "--json")
    assert again.returncode == 0, again.stderr
    metrics = json.loads(again.stdout)
    assert metrics["sets"]["TestB"]["n"] > 0
    assert metrics["folder"] == str(folder)


def test_a_run_that_the_loss_chose_is_shown(trained: Path, capsys: pytest.CaptureFixture[str]) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    screen.metrics({**metrics, "selection": "loss"}, trained)
    assert "chosen by validation loss" in capsys.readouterr().out


def test_recipes_are_listed_and_shown() -> None:
    listed = cli("recipes", "list")
    assert "source0/A0" in listed.stdout
    names = {one["name"] for one in json.loads(cli("recipes", "list", "--json").stdout)}
    assert {"source0/A0", "source0/A1"} <= names
    shown = cli("recipes", "show", "source0/A1", "seed=3")
    assert "kind: tokens" in shown.stdout
    assert "seed: 3" in shown.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["run", "nowhere.yaml"], "there is no recipe nowhere.yaml"),
        (["run", "source0/A1", "modle.width=3"], "modle: unknown key (did you mean 'model'?)"),
        (["run", "source0/A1"], "store is not a store"),
        (["evaluate", "nowhere"], "nowhere is not a run"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_2(words: list[str], says: str, tmp_path: Path) -> None:
    done = cli(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("command", ["", "run", "evaluate", "recipes", "recipes list", "recipes show"])
def test_every_command_explains_itself(command: str) -> None:
    done = cli(*command.split(), "--help")
    assert done.returncode == 0
    assert "Usage" in done.stdout


def test_the_version_is_shown() -> None:
    assert program("--version").stdout == f"merdata_train {merdata.__version__}\n"


def test_recipes_are_listed_without_torch() -> None:
    code = (
        "from merdata_train.cli.recipes import list_recipes; list_recipes(); import sys; print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    *lines, loaded = done.stdout.splitlines()
    assert not {"numpy", "pandas", "torch", "sklearn", "pydantic", "datasets"} & set(loaded.split())
    shown = {line.split()[0]: line.split()[1:3] for line in lines if line.strip()}
    for name, path in list(recipe_files().items())[::8]:  # what is read quickly is what the recipe is
        recipe = load_recipe(path)
        assert shown[name] == [recipe.model.kind, "+".join(recipe.modalities)]


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from merdata_train.cli.app import app; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    assert not {"numpy", "pandas", "torch", "sklearn", "pydantic", "datasets", "yaml"} & loaded
