"""What a report shows beside its table: classes, embeddings, errors, published tables, curves."""

from __future__ import annotations

import base64
import csv
import gzip
import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from safetensors import safe_open
from sklearn.metrics import precision_recall_fscore_support

import merdata
from merdata_train.errors import ProtocolError, RecipeError
from merdata_train.report.lines import lines_of
from merdata_train.report.read import read_matrices
from merdata_train.report.write import write_report
from merdata_train.runs.conduct import conduct
from merdata_train.runs.suite import Suite, load_suite, plan
from tests.merdata_train.conftest import SMALL
from tests.merdata_train.report.conftest import MODALITY
from tests.merdata_train.report.test_report import runs_of


def table(report: Path, name: str) -> list[dict[str, str]]:
    with (report / "tables" / f"{name}.csv").open() as file:
        return list(csv.DictReader(file))


def packed(page: Path) -> str:
    """The rows of a page, which it unpacks itself."""
    found = re.search(r'id="packed">"([^"]+)"', page.read_text("utf-8"))
    assert found
    return gzip.decompress(base64.b64decode(found[1])).decode()


def test_classes_are_the_means_over_seeds(report: Path, suites: Path) -> None:
    rows = table(report, "two-classes")
    for cell in ("T", "A+T"):
        runs = [run[run["corpus"] == "meld"] for run in runs_of(suites, "two", cell)]
        names = sorted(set(runs[0]["label"]))
        by_run = [
            precision_recall_fscore_support(run["label"], run["predicted"], labels=names, zero_division=0)
            for run in runs
        ]
        expected = np.mean([values[:3] for values in by_run], axis=0)
        for number, name in enumerate(names):
            (row,) = [row for row in rows if row["modality"] == cell and row["class"] == name]
            assert row["n"] == str(by_run[0][3][number])
            for kind, values in zip(("precision", "recall", "F1"), expected, strict=True):
                mean, low, high = row[kind].replace("[", "").replace("]", "").replace(",", "").split()
                assert float(mean) == pytest.approx(values[number], abs=5.1e-4)
                assert float(low) <= float(mean) <= float(high)
    said = (report / "tables" / "two-classes.md").read_text()
    assert "Easiest and hardest class by F1: T: " in said
    assert "; A+T: " in said


def test_answers_stand_side_by_side(report: Path, suites: Path, folded: merdata.Store) -> None:
    runs = {cell: runs_of(suites, "two", cell)[0] for cell in ("T", "A+T")}
    runs = {cell: run[run["corpus"] == "meld"].set_index("id").sort_index() for cell, run in runs.items()}
    right = {cell: run["label"] == run["predicted"] for cell, run in runs.items()}
    (flips,) = table(report, "two-flips")
    assert (flips["from"], flips["to"], int(flips["n"])) == ("T", "A+T", len(right["T"]))
    assert int(flips["right to wrong"]) == (right["T"] & ~right["A+T"]).sum()
    assert int(flips["wrong to right"]) == (~right["T"] & right["A+T"]).sum()
    answers = (
        pd.read_csv(report / "tables" / "two-answers.csv", keep_default_na=False).set_index("id").sort_index()
    )
    texts = dict(
        zip(*(folded.rows(["id", "text"])[name].to_pylist() for name in ("id", "text")), strict=True)
    )
    assert list(answers["text"]) == [texts[id] or "" for id in answers.index]
    for cell, run in runs.items():
        assert list(answers[f"predicted {cell}"]) == list(run["predicted"])
        gold = [run.loc[id, f"p_{label}"] for id, label in run["label"].items()]
        assert np.allclose(answers[f"gold {cell}"], gold, atol=1e-5)
    cases = table(report, "two-errors")
    assert 0 < len(cases) <= 20
    assert all(not (right["T"][case["id"]] and right["A+T"][case["id"]]) for case in cases)
    assert "models that are right" in packed(report / "index.html")


def test_models_on_other_rows_are_not_put_side_by_side(suites: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(suites, tmp_path / "runs"))
    runs = json.loads((copy / "suites" / "two.json").read_text())["runs"]
    planned = next(run for run in runs if run["cell"] == "T")
    from merdata_train.report.errors import answers_of

    (matrix,) = read_matrices(copy, "two")
    (entry, *_) = matrix.of("T")
    assert entry.run.name == planned["folder"]
    object.__setattr__(entry.run, "predictions", entry.run.predictions.iloc[1:])
    with pytest.raises(ProtocolError, match="were scored on different rows"):
        answers_of(matrix)


def test_embeddings_are_those_of_the_test_rows(report: Path, suites: Path) -> None:
    kept = list(suites.glob("*/embeddings.safetensors"))
    assert len(kept) == 1  # of the first seed of the cell that is named
    with safe_open(kept[0], framework="numpy") as file:
        ids, fusion = json.loads(file.metadata()["ids"]), file.get_tensor("fusion")
    predictions = pd.read_parquet(kept[0].with_name("predictions.parquet"))
    assert ids == predictions["id"].tolist()
    assert fusion.shape == (len(ids), 32)
    assert len({row.tobytes() for row in fusion}) > len(ids) / 2
    rows = {row["embedding"]: row for row in table(report, "two-embeddings")}
    assert rows["fusion"]["n"] == str(len(ids))
    largest = predictions["label"].value_counts(normalize=True).max()
    assert rows["fusion"]["largest emotion"] == f"{largest:.3f}"
    assert 0 <= float(rows["fusion"]["neighbours, speaker"]) <= 1
    assert (report / "figures" / "two-embeddings.png").stat().st_size > 10_000


def test_published_tables_are_set_apart_with_their_faults(report: Path) -> None:
    text = (report / "tables" / "two-published-1.md").read_text("utf-8")
    assert "### Published: the table of a study" in text
    assert "As published: A. Author, Some Journal 1 (2020). Not computed here" in text
    assert text.rstrip().endswith("Their labels were swapped.")
    assert "90.02%" in (report / "index.html").read_text("utf-8")
    assert not any("90.02" in path.read_text() for path in (report / "tables").glob("two.*"))


def test_losses_are_drawn(report: Path) -> None:
    assert (report / "figures" / "two-losses.png").stat().st_size > 5_000


def test_a_row_of_a_published_table_has_all_its_columns(tmp_path: Path) -> None:
    wrong = MODALITY | {"documents": [MODALITY["documents"][0] | {"rows": [["baseline"]]}]}  # type: ignore[index]
    (tmp_path / "two.yaml").write_text(json.dumps(wrong))
    with pytest.raises(RecipeError, match=r"row \['baseline'\] has 1 values for 2 columns"):
        load_suite(tmp_path / "two.yaml")


# A curve, and cells on different splits

CURVE = {
    "name": "curve", "title": "Few-shot", "layout": "curve", "along": "percent of train rows",
    "folds": [10, 100],
    "recipe": "source0/A1", "seeds": [0], "test": "overall", "metrics": ["uar"],
    "overrides": {"protocol": "cremad_fewshot", "data.corpora": ["cremad"], "labels": "cremad6"},
    "axes": {"modality": {"A": {"overrides": {"modalities": ["audio"]}}, "A+T": {}}},
}  # fmt: skip


@pytest.fixture(scope="module")
def curve(folded: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite along the shares of a train set, run. Read only."""
    out = tmp_path_factory.mktemp("curve")
    suite = Suite.model_validate(CURVE)
    assert conduct(suite, plan(suite, out, folded.path, [*SMALL, "stages.0.epochs=1"]), out) == {}
    return out


def test_a_curve_has_a_point_for_each_fold_on_one_test_set(curve: Path, tmp_path: Path) -> None:
    (matrix,) = read_matrices(curve)
    lines = [line for line in lines_of(matrix) if line.seeds]
    assert [(line.cell, line.part) for line in lines] == [
        ("A", "fold10"), ("A", "fold100"), ("A+T", "fold10"), ("A+T", "fold100"),
    ]  # fmt: skip
    assert len({line.n for line in lines}) == 1
    by = {(line.cell, line.part): line for line in lines}
    for fold in ("fold10", "fold100"):
        difference = by["A+T", fold].against["uar"]["difference"]
        means = [by[cell, fold].values["uar"]["mean"] for cell in ("A", "A+T")]
        assert difference == pytest.approx(means[1] - means[0])
    write_report(curve, tmp_path)
    assert (tmp_path / "figures" / "curve-curve.png").stat().st_size > 5_000
    assert not (tmp_path / "figures" / "curve-scores.png").exists()


def test_points_on_other_rows_are_no_curve(curve: Path, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(curve, tmp_path / "runs"))
    (matrix,) = read_matrices(copy)
    run = matrix.of("A", 100)[0].run
    object.__setattr__(run, "predictions", run.predictions.iloc[1:])
    with pytest.raises(ProtocolError, match="were scored on different rows"):
        lines_of(matrix)


def test_cells_on_different_splits_stand_in_one_table_and_are_not_compared(
    suites: Path, tmp_path: Path
) -> None:
    """Random rows, new speakers, new words: each its own rows, its own folds and its own baselines."""
    copy = Path(shutil.copytree(suites, tmp_path / "runs"))
    manifests = {
        name: json.loads((copy / "suites" / f"{name}.json").read_text()) for name in ("two", "folds")
    }
    runs = [
        run | {"cell": f"{name} {run['cell']}"}
        for name, manifest in manifests.items()
        for run in manifest["runs"]
        if run["seed"] == 0
    ]
    cells = {cell: {"recipe": "source0/A1"} for cell in dict.fromkeys(run["cell"] for run in runs)}
    suite = Suite.model_validate(
        {"name": "mixed", "title": "Mixed", "axes": {"split": cells}, "reference": "two T", "seeds": [0]}
    )
    (copy / "suites" / "mixed.json").write_text(
        json.dumps({"suite": suite.model_dump(mode="json"), "runs": runs})
    )
    (matrix,) = read_matrices(copy, "mixed")
    lines = lines_of(matrix)
    assert [(line.cell, line.part) for line in lines if line.seeds] == [
        ("two T", ""), ("two A+T", ""), ("folds T", "pooled"), ("folds A+T", "pooled"),
    ]  # fmt: skip
    assert [line.cell for line in lines if line.against] == ["two A+T"]
    chance = [line for line in lines if line.cell == "chance"]
    assert [line.protocol for line in chance] == ["mer", "iemocap_session3"]
    assert [round(line.values["uar"]["mean"], 3) for line in chance] == [0.143, 0.25]
