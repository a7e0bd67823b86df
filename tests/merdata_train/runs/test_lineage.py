"""Lineage: what a model has seen is written down, and a run never starts from one that saw its test rows."""

from __future__ import annotations

import json
import shlex
import shutil
from pathlib import Path

import pandas as pd
import pytest

import merdata
from merdata_train.data.source import Source
from merdata_train.errors import ProtocolError, RecipeError, RunError
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.conduct import conduct
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.run import run
from merdata_train.runs.suite import Planned, Suite, plan
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL

QUICK = [*SMALL, "stages.0.epochs=1"]
FOLDED = ["protocol=iemocap_session3", "data.corpora=[iemocap]", "labels=iemocap4"]
TUNED = Suite.model_validate(
    {
        "name": "tuned",
        "title": "Fine-tuning in folds",
        "overrides": {
            "protocol": "iemocap_session3",
            "labels": "iemocap4",
            "data.corpora": ["iemocap"],
        },
        "axes": {
            "training": {  # the run that another starts from may come after it
                "tuned": {"recipe": "source0/A1", "overrides": {"stages.0.init": "source0/A3"}},
                "base": {"recipe": "source0/A3"},
            }
        },
        "seeds": [0],
        "folds": "all",
    }
)


def lineage(folder: Path) -> pd.DataFrame:
    return pd.read_parquet(folder / "lineage.parquet")


def split_of(store: merdata.Store, protocol: str, fold: int = 0) -> dict[str, str]:
    return merdata.load_protocol(store, protocol).splits(fold)


def small(store: merdata.Store, *words: str) -> Recipe:
    return load_recipe("source0/A1", [f"store={store.path}", *QUICK, *words])


def tuned_from(folder: Path, recipe: Recipe) -> Recipe:
    stage = recipe.stages[0].model_copy(update={"init": str(folder)})
    return recipe.model_copy(update={"stages": [stage]})


def test_a_run_records_the_rows_that_it_saw(trained: Path, store: merdata.Store) -> None:
    splits = split_of(store, "mer")
    labelled = set(store.rows(["id", "label"]).to_pandas().dropna()["id"])
    rows = lineage(trained)
    for role in ("train", "validation"):
        expected = {id for id, split in splits.items() if split == role} & labelled
        assert set(rows.loc[rows["role"] == role, "id"]) == expected
    record = json.loads((trained / "lineage.json").read_text())
    assert record["rows"] == len(rows) == len(rows.drop_duplicates())
    assert record["id"] == trained.name.rpartition("-")[2]
    assert record["classes"] == list(store.space.classes)
    assert record["features"]["audio"]["n_mfcc"] == 80
    assert len(record["scalers"]) == 64
    assert record["started_from"] == []


def test_a_stage_that_narrows_the_rows_narrows_the_lineage(store: merdata.Store, tmp_path: Path) -> None:
    folder = run(small(store, "stages.0.data.corpora=[meld]"), tmp_path)
    rows = lineage(folder)
    assert set(rows.loc[rows["role"] == "train", "id"].str.partition("/")[0]) == {"meld"}


@pytest.fixture(scope="module")
def first_fold(folded: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on the first of three folds of IEMOCAP. Read only."""
    return run(small(folded, *FOLDED, "fold=1"), tmp_path_factory.mktemp("folds"))


def test_what_a_run_started_from_saw_is_seen(first_fold: Path, folded: merdata.Store, tmp_path: Path) -> None:
    """Trained on everything but the first fold's test rows, then on one session: all stays in the lineage."""
    recipe = small(folded, *FOLDED, "fold=1", "stages.0.lr=1e-4")
    folder = run(tuned_from(first_fold, recipe), tmp_path)
    assert set(lineage(folder)["id"]) == set(lineage(first_fold)["id"])
    (start,) = json.loads((folder / "lineage.json").read_text())["started_from"]
    assert start["run"] == first_fold.name
    assert start["sha256"] == json.loads((first_fold / "lineage.json").read_text())["sha256"]


def test_a_model_that_saw_test_rows_is_refused(
    first_fold: Path, folded: merdata.Store, tmp_path: Path
) -> None:
    recipe = small(folded, *FOLDED, "fold=2")
    shared = set(Source(recipe).test_ids()) & set(lineage(first_fold)["id"])
    assert shared
    with pytest.raises(ProtocolError, match=f"{len(shared)} test rows of this run") as caught:
        run(tuned_from(first_fold, recipe), tmp_path)
    assert "\n" not in str(caught.value)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("changes", [{"classes": ["neutral", "joy"]}, {"classes": "reversed"}])
def test_a_model_of_other_classes_is_refused(
    changes: dict[str, object], first_fold: Path, folded: merdata.Store, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(first_fold, tmp_path / "copy"))
    record = json.loads((copy / "lineage.json").read_text())
    classes = record["classes"][::-1] if changes["classes"] == "reversed" else changes["classes"]
    (copy / "lineage.json").write_text(json.dumps(record | {"classes": classes}))
    with pytest.raises(ProtocolError, match=r"its classes are .*, not "):
        run(tuned_from(copy, small(folded, *FOLDED, "fold=1")), tmp_path / "runs")


@pytest.mark.parametrize(
    ("words", "modality"),
    [(["features.audio.hop_ms=12"], "audio"), (["features.text.ngrams=[1, 2]"], "text")],
)
def test_a_model_of_other_features_is_refused(
    words: list[str], modality: str, first_fold: Path, folded: merdata.Store, tmp_path: Path
) -> None:
    modules = json.dumps({"from": str(first_fold), "modules": ["fusion"]})  # which reads both modalities
    for start in ([], [f"stages.0.init={modules}"]):
        recipe = small(folded, *FOLDED, "fold=1", *words, *start)
        with pytest.raises(ProtocolError, match=f"it was trained on other features of {modality}"):
            run(recipe if start else tuned_from(first_fold, recipe), tmp_path)


def test_a_lineage_that_was_changed_or_is_missing_is_refused(
    first_fold: Path, folded: merdata.Store, tmp_path: Path
) -> None:
    recipe = small(folded, *FOLDED, "fold=1")
    copy = Path(shutil.copytree(first_fold, tmp_path / "copy"))
    lineage(copy).iloc[1:].to_parquet(copy / "lineage.parquet")
    with pytest.raises(RunError, match=r"lineage\.parquet was changed"):
        run(tuned_from(copy, recipe), tmp_path / "runs")
    with pytest.raises(RunError, match="does not say which rows its model was trained on"):
        run(tuned_from(first_fold / "model", recipe), tmp_path / "runs")


def test_an_evaluation_refuses_test_rows_of_the_lineage(first_fold: Path, tmp_path: Path) -> None:
    """Also where the record of the split says nothing: the rows themselves decide."""
    copy = Path(shutil.copytree(first_fold, tmp_path / "copy"))
    recipe = (copy / "recipe.yaml").read_text()
    (copy / "recipe.yaml").write_text(recipe.replace("fold: 1", "fold: 2"))
    with pytest.raises(ProtocolError, match="test rows took part in"):
        evaluate(copy)
    assert not (copy / "test_log.jsonl").exists()


# What a name stands for


def test_a_missing_start_says_which_command_makes_it(folded: merdata.Store, tmp_path: Path) -> None:
    out = tmp_path / "runs"
    recipe = small(folded, *FOLDED, "fold=2", "seed=3", "stages.0.init=source0/A3")
    with pytest.raises(RecipeError, match="starts from the run of source0/A3 on the same rows") as caught:
        run(recipe, out)
    said = str(caught.value).partition("`merdata_train ")[2].partition("`")[0]
    words = shlex.split(said)
    assert words[:2] == ["run", "source0/A3"]
    assert {"fold=2", "seed=3", 'protocol="iemocap_session3"'} <= set(words)
    made = cli(*words, "stages.0.epochs=1")  # another recipe than the named one: it is not taken
    assert made.returncode == 0, made.stderr
    with pytest.raises(RecipeError, match="which is not finished"):
        run(recipe, out)


def test_starts_are_compared_by_one_metric(first_fold: Path, folded: merdata.Store, tmp_path: Path) -> None:
    other = run(small(folded, *FOLDED, "fold=1", "selection.metric=weighted_f1"), tmp_path)
    recipe = small(folded, *FOLDED, "fold=1", f"stages.0.init=['{first_fold}', '{other}']")
    with pytest.raises(RecipeError, match="selected by different metrics"):
        run(recipe, tmp_path)


def test_a_start_that_is_mistyped_is_answered(store: merdata.Store, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match=r"neither a recipe nor a folder source0/A11 \(did you mean"):
        run(small(store, "stages.0.init=source0/A11"), tmp_path)


def test_a_recipe_does_not_start_from_itself(store: merdata.Store, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="recipe source0/A1 starts from itself"):
        run(small(store, "stages.0.init=source0/A1"), tmp_path)


# Suites


def planned(out: Path, store: merdata.Store) -> list[Planned]:
    return plan(TUNED, out, store.path, QUICK)


def test_cells_start_from_the_run_of_their_own_fold(folded: merdata.Store, tmp_path: Path) -> None:
    runs = {(one.cell, one.fold): one for one in planned(tmp_path, folded)}
    assert len({one.folder for one in runs.values()}) == 6
    for fold in (1, 2, 3):
        assert runs["tuned", fold].needs == [runs["base", fold].folder]


def test_a_suite_with_folds_and_starts_is_leak_free_however_many_jobs(
    folded: merdata.Store, tmp_path: Path
) -> None:
    third = TUNED.model_copy(update={"folds": [3]})
    both = {jobs: plan(third, tmp_path / str(jobs), folded.path, QUICK) for jobs in (1, 2)}
    for jobs, runs in both.items():
        assert conduct(third, runs, tmp_path / str(jobs), jobs) == {}
    for one, other in zip(both[1], both[2], strict=True):
        assert one.folder.name == other.folder.name
        splits = split_of(folded, "iemocap_session3", one.fold)
        for folder in (one.folder, other.folder):
            assert {splits[id] for id in lineage(folder)["id"]} == {"train", "validation"}
        for file in ("model/model.safetensors", "predictions.parquet", "lineage.parquet"):
            assert (one.folder / file).read_bytes() == (other.folder / file).read_bytes()
        scores = [json.loads((run.folder / "metrics.json").read_text())["sets"] for run in (one, other)]
        assert scores[0] == scores[1]
        if one.cell == "tuned":
            (start,) = json.loads((other.folder / "lineage.json").read_text())["started_from"]
            assert start["run"] == one.needs[0].name


def test_a_suite_whose_starts_are_not_there_is_refused(folded: merdata.Store, tmp_path: Path) -> None:
    axes = {"training": {"tuned": TUNED.axes["training"]["tuned"]}}
    alone = TUNED.model_copy(update={"axes": axes, "reference": None})
    with pytest.raises(RecipeError, match=r"`merdata_train run source0/A3 .*fold"):
        plan(alone, tmp_path, folded.path, QUICK)


def test_seeds_and_folds_are_options_of_a_suite(folded: merdata.Store, tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="use --seed or --fold, not seed=7"):
        plan(TUNED, tmp_path, folded.path, [*QUICK, "seed=7"])
