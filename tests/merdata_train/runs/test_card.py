"""The model card: what the run's files say, and metadata that the Hub's own library accepts."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from huggingface_hub import ModelCard, metadata_load
from huggingface_hub.repocard_data import model_index_to_eval_results

import merdata
from merdata_train.errors import RunError
from merdata_train.runs.card import write_card
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.folder import open_run
from tests.merdata_train.command import cli


@pytest.fixture(scope="module")
def text(trained: Path) -> str:
    return (trained / "model" / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def metrics(trained: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((trained / "metrics.json").read_text())
    return found


def test_evaluation_writes_the_card(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    (folder / "model" / "README.md").unlink()
    evaluate(folder)
    assert "there were 2:" in (folder / "model" / "README.md").read_text()


def test_every_number_of_the_metrics_stands_in_the_card(text: str, metrics: dict[str, Any]) -> None:
    for name, account in metrics["sets"].items():
        if account is None:
            assert f"| {name} |" not in text
            continue
        (line,) = [line for line in text.splitlines() if line.startswith(f"| {name} | {account['n']:,} |")]
        for value in account["scores"].values():
            assert f"{value:.3f}" in line
        for low, high in (account["intervals"] or {}).values():
            assert f"[{low:.3f}, {high:.3f}]" in line
        for label, part in account["per_class"].items():
            cells = f"| {label} | {part['precision']:.3f} | {part['recall']:.3f} | {part['f1']:.3f} |"
            assert cells in text


def test_protocol_log_and_licences_are_quoted(text: str, trained: Path, store: merdata.Store) -> None:
    split = json.loads((trained / "split.json").read_text())
    for words in (split["hash"], split["data"], "speaker-disjoint", "fold 0"):
        assert words in text
    for line in (trained / "test_log.jsonl").read_text().splitlines():
        assert line in text
    for corpus in store.corpora:
        assert merdata.get_corpus(corpus).licence in text


def test_no_local_path_leaves_the_machine(text: str, store: merdata.Store) -> None:
    assert str(store.path) not in text
    assert str(Path.home()) + "/" not in text


def test_the_metadata_is_what_the_hub_accepts(trained: Path, metrics: dict[str, Any]) -> None:
    path = trained / "model" / "README.md"
    card = ModelCard.load(path, ignore_metadata_errors=False)
    assert card.data.library_name == "merdata"
    assert card.data.pipeline_tag == "audio-classification"
    assert set(card.data.language) == {"en", "zh"}
    name, results = model_index_to_eval_results(metadata_load(path)["model-index"])
    assert name == open_run(trained)[0].name
    assert all(result.is_equal_except_value(result) for result in results)
    found = {(one.dataset_name, one.metric_name): one.metric_value for one in results}
    for set_name, account in metrics["sets"].items():
        if account:
            assert found[f"merdata {set_name}", "UAR"] == pytest.approx(account["scores"]["uar"], abs=1e-6)


def test_warnings_and_limits_are_told(trained: Path, tmp_path: Path, metrics: dict[str, Any]) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    entry = {"lint": "no-gradient", "severity": "warning", "message": "2 parameters get no gradient"}
    (folder / "lints.json").write_text(json.dumps([entry]))
    text = write_card(folder).read_text()
    assert "- no-gradient (warning): 2 parameters get no gradient." in text
    assert "- It never learned to do without audio: expect more errors on rows that lack it." in text
    for name, account in metrics["sets"].items():
        if account and account["absent"]:
            assert f"{name} has no rows of {', '.join(account['absent'])}" in text


def test_calibration_baselines_and_noise_are_told_where_they_are_known(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    metrics = json.loads((folder / "metrics.json").read_text())
    metrics["sets"]["TestB"] |= {
        "baselines": {
            "chance": {"accuracy": 0.1429, "uar": 0.1429},
            "text_prior": {"uar": 0.2, "known": 0.5},
        },
        "resolvable": {"uar": 0.031},
        "calibration": {
            "temperature": 1.5,
            "before": {"ece": 0.211, "brier": 0.8, "nll": 1.9},
            "after": {"ece": 0.012, "brier": 0.7, "nll": 1.6},
        },
    }
    (folder / "metrics.json").write_text(json.dumps(metrics))
    text = write_card(folder).read_text()
    assert "| TestB: chance | | | 0.143 | 0.143 |  |  |" in text
    assert "| TestB: text prior | | |  | 0.200 |" in text
    assert "TestB: a difference of less than 0.031 in UAR" in text
    assert (
        "expected calibration error 0.211, Brier score 0.800; 0.012 and 0.700 at the temperature 1.50" in text
    )


def test_the_card_outlives_the_store(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    recipe = folder / "recipe.yaml"
    recipe.write_text(
        "\n".join(
            line if not line.startswith("store:") else "store: gone"
            for line in recipe.read_text().splitlines()
        )
    )
    assert "speaker-disjoint" not in write_card(folder).read_text()


def test_a_store_of_an_older_merdata_states_no_limits(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    older = merdata.open_store(open_run(folder)[0].store)
    for facts in older.corpora.values():
        facts.pop("limits")
    monkeypatch.setattr(merdata, "open_store", lambda _: older)
    assert "It was trained on utterances of a few seconds" in write_card(folder).read_text()


def test_a_run_without_scores_has_no_card(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    (folder / "metrics.json").unlink()
    with pytest.raises(RunError, match="has no scores: run `merdata_train evaluate"):
        write_card(folder)


def test_the_command_writes_it_anew(trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(trained, tmp_path / "run")
    path = folder / "model" / "README.md"
    before = path.read_text()
    path.unlink()
    done = cli("card", folder)
    assert done.stdout.strip() == str(path)
    assert path.read_text() == before


def tables_in(text: str) -> list[list[str]]:
    """Runs of lines that begin with a bar, outside code."""
    prose = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
    return [block.strip().splitlines() for block in re.findall(r"(?:^\|.*\n)+", prose, flags=re.MULTILINE)]


def test_every_table_is_one(trained: Path) -> None:
    """A header, a line of dashes, and rows, all of as many cells."""
    tables = tables_in((trained / "model" / "README.md").read_text("utf-8"))
    assert len(tables) > 4
    for rows in tables:
        assert len(rows) > 2, rows
        assert set(rows[1]) <= set("|-:"), rows[:2]
        assert len({row.replace(r"\|", "").count("|") for row in rows}) == 1, rows[:3]


def test_scores_by_gender_language_and_speaker_are_shown(trained: Path) -> None:
    metrics = json.loads((trained / "metrics.json").read_text())
    predictions = pd.read_parquet(trained / "predictions.parquet")
    acted = predictions[predictions["domain"] == "acted"]
    women = metrics["groups"]["TestA"]["gender"]["female"]
    assert women["n"] == (acted["gender"] == "female").sum()
    (line,) = [
        row
        for rows in tables_in((trained / "model" / "README.md").read_text("utf-8"))
        for row in rows
        if row.startswith("| gender female |") and f"| {women['n']} |" in row
    ]
    low, high = women["intervals"]["uar"]
    assert f"{women['scores']['uar']:.3f} [{low:.3f}, {high:.3f}]" in line
