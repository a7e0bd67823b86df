"""Looks at test rows are counted per test set over all runs of a folder, and quoted beside the scores."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

import merdata
from merdata_train.errors import RunError
from merdata_train.report.family import by_test
from merdata_train.report.lines import lines_of
from merdata_train.report.read import read_matrices
from merdata_train.report.tables import grid_of, markdown
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.looks import OF_RUNS, counted, log_look, looks_at
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL


@pytest.fixture
def two(trained: Path, reseeded: Path, tmp_path: Path) -> list[Path]:
    """Two trained runs in a folder of their own."""
    return [Path(shutil.copytree(run, tmp_path / "runs" / run.name)) for run in (trained, reseeded)]


def test_looks_of_all_runs_at_one_test_set_are_counted(two: list[Path], store: merdata.Store) -> None:
    split_hash = merdata.load_protocol(store, "mer").hash
    runs = two[0].parent
    assert looks_at(runs, split_hash, 0) == []
    for folder in (*two, two[0]):
        metrics = evaluate(folder)
    looks = looks_at(runs, split_hash, 0)
    assert [look["run"] for look in looks] == [two[0].name, two[1].name, two[0].name]
    assert {look["n"] for look in looks} == {metrics["sets"]["overall"]["n"]}  # type: ignore[index]
    said = f"This test set (split {split_hash[:12]}, fold 0) was evaluated 3 times by 2 runs of this folder."
    assert metrics["looks"] == said
    card = " ".join((two[0] / "model" / "README.md").read_text("utf-8").split())
    assert said in card
    for part in (part for matrix in read_matrices(runs) for part in by_test(matrix)):
        assert said in markdown(grid_of(part, lines_of(part)))


def test_other_folds_and_splits_are_other_test_sets(tmp_path: Path) -> None:
    folder = tmp_path / "runs" / "source0-A1-00000000"
    folder.mkdir(parents=True)
    for split_hash, fold in (("a" * 64, 1), ("a" * 64, 2), ("b" * 64, 1), ("a" * 64, 1)):
        log_look(folder, "kfold", split_hash, fold, 10)
    assert len(looks_at(folder.parent, "a" * 64, 1)) == 2
    assert len(looks_at(folder.parent, "b" * 64, 1)) == 1
    assert counted(looks_at(folder.parent, "b" * 64, 1)).endswith("evaluated 1 time by 1 run of this folder.")
    (folder.parent / OF_RUNS).write_text("garbage\n")
    with pytest.raises(RunError, match="is damaged"):
        looks_at(folder.parent, "a" * 64, 1)


def test_a_run_without_the_test_rows_reads_none_of_them(store: merdata.Store, tmp_path: Path) -> None:
    words = ["run", "source0/A1", *SMALL, "stages.0.epochs=1", "--store", store.path]
    done = cli(*words, "--no-test", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "validation at epoch 0" in done.stdout
    (folder,) = (tmp_path / "runs").glob("source0-*")
    assert f"the test rows were not read: `merdata_train evaluate runs/{folder.name}`" in done.stdout
    assert not {"metrics.json", "predictions.parquet", "test_log.jsonl"} & {
        path.name for path in folder.iterdir()
    }
    found = json.loads(cli(*words, "--no-test", "--json", cwd=tmp_path).stdout)
    assert found["best_epoch"]["epoch"] == 0
    assert cli("evaluate", folder, cwd=tmp_path).returncode == 0
    assert len((tmp_path / "runs" / OF_RUNS).read_text().splitlines()) == 1


def test_a_suite_without_the_test_rows_is_trained_only(store: merdata.Store, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(
        "{name: two, title: Two, recipe: source0/A1, axes: {run: {A+T: {}}}, seeds: [0]}"
    )
    words = ["suite", "two.yaml", *SMALL, "stages.0.epochs=1", "--store", store.path, "--json"]
    for jobs in (2, 1):
        out = ["--out", tmp_path / str(jobs), "--jobs", jobs]
        done = cli(*words, *out, "--no-test", cwd=tmp_path)
        assert [run["state"] for run in json.loads(done.stdout)["runs"]] == ["trained"]
        assert not (tmp_path / str(jobs) / OF_RUNS).exists()
    done = cli(*words, *out, cwd=tmp_path)
    assert [run["state"] for run in json.loads(done.stdout)["runs"]] == ["scored"]
