"""Families: one table over two test sets, published scores set apart, the trade-off chosen by validation."""

from __future__ import annotations

import csv
import json
import shutil
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from merdata_train.errors import RecipeError, RunError
from merdata_train.report.family import by_test
from merdata_train.report.read import Matrix, read_matrices
from merdata_train.report.write import write_report
from merdata_train.runs.suite import Suite, load_suite

FAMILY = {
    "name": "family",
    "title": "Two of a family",
    "test": "TestA",
    "beside": ["TestB"],
    "metrics": ["accuracy", "uar"],
    "axes": {
        "experiment": {
            "first": {"recipe": "source0/A1", "about": "twelve epochs"},
            "second": {"recipe": "source0/A1", "about": "four epochs", "overrides": {"seed": 1}},
        }
    },
    "seeds": [0],
    "published": {
        "title": "the scores of a study",
        "n": {"TestA": 10247, "TestB": 2610},
        "best": "second",
        "scores": {"second": {"TestA": {"accuracy": 0.767, "uar": 0.7593}, "TestB": {"uar": 0.25}}},
    },
}


@pytest.fixture(scope="module")
def family(trained: Path, reseeded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The session's two runs as the cells of a family. Read only."""
    out = tmp_path_factory.mktemp("family") / "runs"
    cells = {"first": trained, "second": reseeded}
    planned = [
        {"cell": cell, "seed": 0, "fold": 0, "fold_name": "fold0", "folder": run.name, "state": "scored"}
        | {"fault": None}
        for cell, run in cells.items()
    ]
    for run in cells.values():
        shutil.copytree(run, out / run.name)
    shutil.copy(trained.parent / "test_looks.jsonl", out)
    (out / "suites").mkdir()
    manifest = {"suite": Suite.model_validate(FAMILY).model_dump(mode="json"), "runs": planned}
    (out / "suites" / "family.json").write_text(json.dumps(manifest))
    return out


@pytest.fixture(scope="module")
def report(family: Path) -> Path:
    write_report(family, family.parent / "report")
    return family.parent / "report"


def test_both_test_sets_are_in_one_table_with_the_published_set_apart(
    report: Path, trained: Path, reseeded: Path
) -> None:
    with (report / "tables" / "family.csv").open() as file:
        rows = {row["experiment"]: row for row in csv.DictReader(file)}
    head = (report / "tables" / "family.csv").read_text().splitlines()[0].split(",")
    assert head == [
        "experiment", "what it is", "protocol", "split", "seeds",
        "TestA n", "TestA accuracy", "TestA UAR", "TestB n", "TestB accuracy", "TestB UAR",
        "published: TestA accuracy", "published: TestA UAR",
        "published: TestB accuracy", "published: TestB UAR",
    ]  # fmt: skip
    for cell, run in (("first", trained), ("second", reseeded)):
        sets = json.loads((run / "metrics.json").read_text())["sets"]
        for test in ("TestA", "TestB"):
            assert rows[cell][f"{test} n"] == f"{sets[test]['n']:,}"
            assert rows[cell][f"{test} UAR"].startswith(f"{sets[test]['scores']['uar']:.3f}")
    assert rows["second"]["published: TestA UAR"] == "0.7593"
    assert rows["second"]["published: TestB accuracy"] == rows["first"]["published: TestA UAR"] == ""
    assert [row["what it is"] for row in rows.values()] == ["twelve epochs", "four epochs", "", "", ""]
    assert "chance" in rows


def test_a_test_set_that_a_run_lacks_has_no_table(family: Path) -> None:
    (matrix,) = read_matrices(family)

    def without(*lacking: str) -> Matrix:
        """The matrix whose first run lacks some test sets, and whose second has all."""
        first, second = matrix.entries
        sets = dict.fromkeys(lacking)
        metrics = {**first.run.metrics, "sets": first.run.metrics["sets"] | sets}
        changed = replace(first, run=replace(first.run, metrics=metrics))
        return replace(matrix, entries=[changed, second])

    assert [part.suite.test for part in by_test(matrix)] == ["TestA", "TestB"]
    assert [part.suite.test for part in by_test(without("TestA"))] == ["TestB"]
    with pytest.raises(RunError, match=r"^suite family: its runs have none of TestA, TestB in common"):
        by_test(without("TestA", "TestB"))


def test_the_caption_names_the_rows_of_both_and_the_best_by_validation(
    report: Path, trained: Path, reseeded: Path
) -> None:
    text = (report / "tables" / "family.md").read_text("utf-8")
    n = json.loads((trained / "metrics.json").read_text())["sets"]
    assert f"TestA had 10,247 rows there and has {n['TestA']['n']:,} here" in text
    assert f"TestB had 2,610 rows there and has {n['TestB']['n']:,} here" in text
    values = {}
    for cell, run in (("first", trained), ("second", reseeded)):
        rows = pd.read_parquet(run / "validation.parquet")
        domains = [rows[rows["domain"] == name] for name in ("acted", "conversational")]
        values[cell] = sum(balanced_accuracy_score(own["label"], own["predicted"]) for own in domains) / 2
    best = max(values, key=values.__getitem__)
    assert f"acted and conversational UAR, {values[best]:.3f}): {best}, with TestA UAR" in text
    assert "published: second." in text
    split = json.loads((trained / "metrics.json").read_text())["split_hash"]
    looks = [json.loads(line) for line in (report.parent / "runs" / "test_looks.jsonl").open()]
    count = sum(look["split_hash"] == split and look["fold"] == 0 for look in looks)
    assert f"This test set (split {split[:12]}, fold 0) was evaluated {count} time" in text
    assert text.splitlines()[0] == "### Two of a family"


def test_each_test_set_has_its_own_table_and_the_page_has_all(report: Path) -> None:
    names = {path.name for path in (report / "tables").iterdir()}
    assert names == {
        f"{name}.{kind}"
        for name in (
            "family",
            *(f"family-Test{test}{of}" for test in "AB" for of in ("", "-classes", "-coverage")),
        )
        for kind in ("md", "csv", "tex")
    }
    page = (report / "index.html").read_text("utf-8")
    for title in ("Two of a family", "Two of a family, TestA", "Two of a family, TestB"):
        assert f">{title}</h2>" in page
    assert "published: TestA UAR" in page


@pytest.mark.parametrize(
    ("name", "rows", "some"),
    [
        (
            "family-a",
            10_247,
            {"A0": (0.7233, 0.7196, 0.4544, 0.2377), "A6": (0.7572, 0.7591, 0.4272, 0.2641)},
        ),
        ("family-b", 3_960, {"B5": (0.1808, 0.1790, 0.5579, 0.5027), "B9": (0.9333, 0.9238, 0.6088, 0.4339)}),
    ],
)
def test_the_families_hold_what_was_published(
    name: str, rows: int, some: dict[str, tuple[float, ...]]
) -> None:
    """Of ten recipes each, on other test rows than ours."""
    suite = load_suite(name)
    assert suite.published is not None
    assert suite.published.n == {"TestA": rows, "TestB": 2_610}
    assert len(suite.published.scores) == len(suite.cells()) == 10
    for cell, values in some.items():
        published = suite.published.scores[cell]
        found = [published[test][metric] for test in ("TestA", "TestB") for metric in ("accuracy", "uar")]  # type: ignore[index]
        assert tuple(found) == values


@pytest.mark.parametrize(
    "changes",
    [
        {"published": FAMILY["published"] | {"scores": {"third": {}}}},  # type: ignore[operator]
        {"axes": {"experiment": {"first": {"recipe": "source0/A1", "against": "third"}}}, "published": None},
    ],
)
def test_cells_that_are_named_exist(changes: dict[str, object], tmp_path: Path) -> None:
    (tmp_path / "family.yaml").write_text(json.dumps(FAMILY | changes))
    with pytest.raises(RecipeError, match="'third' is not a cell"):
        load_suite(tmp_path / "family.yaml")
