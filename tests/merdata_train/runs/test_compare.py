"""Comparison of scored runs: what is refused, and what the command prints."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import merdata_train
from merdata_train.errors import ProtocolError, RunError
from merdata_train.runs.compare import compare
from merdata_train.runs.folder import load_scored
from tests.merdata_train.command import cli


def rewritten(folder: Path, file: str, change: object) -> None:
    """A predictions file with other rows, and the facts it had."""
    table = pq.read_table(folder / file)
    rows = change(table.to_pandas())  # type: ignore[operator]
    changed = pa.Table.from_pandas(rows, preserve_index=False).replace_schema_metadata(table.schema.metadata)
    pq.write_table(changed, folder / file)


def with_metrics(folder: Path, **changes: object) -> None:
    path = folder / "metrics.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "copy"))


def test_differences_are_those_of_the_scores(trained: Path, reseeded: Path) -> None:
    runs = [load_scored(trained), load_scored(reseeded)]
    found = compare(runs)
    (pair,) = found["sets"]["overall"]["pairs"]
    for metric, one in pair["metrics"].items():
        scores = [run.metrics["sets"]["overall"]["scores"][metric] for run in runs]
        assert one["difference"] == pytest.approx(scores[1] - scores[0])
        assert one["p_holm"] == one["p"]  # one pair: nothing to correct
        assert one["significant"] == (one["p"] < 0.05)
    assert {"TestA", "TestB", "ravdess"} <= found["sets"].keys()
    assert found["runs"][0]["split_hash"] == runs[0].metrics["split_hash"]


def test_all_pairs_are_corrected_together(trained: Path, reseeded: Path, folder: Path) -> None:
    found = compare([load_scored(one) for one in (trained, reseeded, folder)])
    pairs = found["sets"]["TestB"]["pairs"]
    assert [(pair["one"], pair["other"]) for pair in pairs] == [
        (trained.name, reseeded.name), (trained.name, "copy"), (reseeded.name, "copy"),
    ]  # fmt: skip
    raw = [pair["metrics"]["uar"]["p"] for pair in pairs]
    smallest = min(range(3), key=raw.__getitem__)
    assert pairs[smallest]["metrics"]["uar"]["p_holm"] == pytest.approx(min(1, 3 * raw[smallest]))
    assert pairs[1]["metrics"]["uar"]["difference"] == 0
    assert not pairs[1]["metrics"]["uar"]["significant"]


def test_runs_on_other_rows_are_refused(trained: Path) -> None:
    run = load_scored(trained)
    fewer = replace(run, folder=Path("fewer"), predictions=run.predictions.iloc[1:])
    with pytest.raises(ProtocolError, match="fewer were scored on different rows"):
        compare([run, fewer])
    rows = run.predictions.copy()
    rows.loc[0, "label"] = next(name for name in run.classes if name != rows["label"][0])
    relabelled = replace(run, folder=Path("relabelled"), predictions=rows)
    with pytest.raises(ProtocolError, match="different gold labels for 1 rows"):
        compare([run, relabelled])
    with pytest.raises(RunError, match="two runs or more"):
        compare([run])


def test_a_run_evaluated_at_another_epoch_than_the_chosen_one_is_refused(folder: Path) -> None:
    last = len(json.loads((folder / "history.json").read_text())) + 3
    with_metrics(folder, best_epoch=last)
    with pytest.raises(ProtocolError, match=f"was evaluated at epoch {last}, but validation uar chose epoch"):
        load_scored(folder)


def test_validation_predictions_of_other_weights_are_refused(folder: Path, reseeded: Path) -> None:
    shutil.copy(reseeded / "validation.parquet", folder / "validation.parquet")
    with pytest.raises(ProtocolError, match="its weights score a validation uar"):
        load_scored(folder)


def test_test_rows_in_selection_are_refused(folder: Path) -> None:
    test = pq.read_table(folder / "predictions.parquet").to_pandas()
    rewritten(folder, "validation.parquet", lambda rows: pd.concat([rows, test.iloc[:2]]))
    with pytest.raises(ProtocolError, match="2 test rows took part in training or selection"):
        load_scored(folder)


def test_swapped_labels_are_refused(folder: Path) -> None:
    swap = {"joy": "anger", "anger": "joy"}
    rewritten(
        folder, "predictions.parquet", lambda rows: rows.assign(predicted=rows["predicted"].replace(swap))
    )
    with pytest.raises(ProtocolError, match="the order of the labels was swapped"):
        load_scored(folder)


def test_numbers_that_do_not_follow_from_the_predictions_are_refused(folder: Path) -> None:
    rewritten(folder, "predictions.parquet", lambda rows: rows.iloc[5:])
    with pytest.raises(ProtocolError, match="does not follow from predictions"):
        load_scored(folder)


def test_parts_of_different_splits_are_refused(folder: Path) -> None:
    with_metrics(folder, split_hash="0" * 64)
    with pytest.raises(ProtocolError, match="not of the split that metrics"):
        load_scored(folder)


@pytest.mark.parametrize(
    "file", ["metrics.json", "predictions.parquet", "validation.parquet", "history.json"]
)
def test_a_run_that_is_not_scored_is_one_sentence(file: str, folder: Path) -> None:
    (folder / file).unlink()
    with pytest.raises(RunError) as caught:
        load_scored(folder)
    assert "\n" not in str(caught.value)
    (folder / file).write_text("garbage")
    with pytest.raises(RunError):
        load_scored(folder)


def test_the_command_prints_differences(trained: Path, reseeded: Path) -> None:
    done = cli("compare", trained, reseeded)
    assert done.returncode == 0, done.stderr
    for words in ("TestB", "weighted-F1", "Cohen's g", "n.s.", "Holm"):
        assert words in done.stdout
    found = json.loads(cli("compare", trained, reseeded, "--json").stdout)
    assert found["sets"]["overall"]["n"] > 0
    alone = cli("compare", trained)
    assert alone.returncode == 2
    assert "two runs or more" in alone.stderr


def test_folders_are_compared_by_their_names(trained: Path, reseeded: Path) -> None:
    """As the package offers it: `compare(["runs/a", "runs/b"])`."""
    assert merdata_train.compare([str(trained), reseeded]) == compare(
        [load_scored(trained), load_scored(reseeded)]
    )
    with pytest.raises(RunError, match="is not an evaluated run: `merdata_train evaluate"):
        merdata_train.compare([trained, trained.with_name("nowhere")])
