"""Reports: numbers follow from predictions, say what they rest on, and planted faults are refused."""

from __future__ import annotations

import base64
import csv
import json
import re
import shutil
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest
from markdown_it import MarkdownIt
from sklearn.metrics import balanced_accuracy_score, f1_score

import merdata
from merdata_train.errors import ProtocolError, RunError
from merdata_train.report.lines import among_own, lines_of
from merdata_train.report.page import own_store
from merdata_train.report.read import read_matrices
from merdata_train.report.tables import cells, grid_of, latex, markdown
from merdata_train.report.write import write_report
from merdata_train.runs.suite import Suite
from tests.browsing import column, count, heard, opened
from tests.merdata_train.command import cli
from tests.merdata_train.report.conftest import MODALITY
from tests.merdata_train.runs.test_compare import rewritten, with_metrics

if TYPE_CHECKING:
    from playwright.sync_api import Browser

FLAC = base64.b64encode(b"fLaC\0").decode()[:6]  # how a clip begins


@pytest.fixture
def copy(suites: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(suites, tmp_path / "runs"))


def rows_of(report: Path, name: str, metric: str) -> dict[tuple[str, str], dict[str, str]]:
    with (report / "tables" / f"{name}.csv").open() as file:
        return {(row["cell"], row["part"]): row for row in csv.DictReader(file) if row["metric"] == metric}


def runs_of(suites: Path, name: str, cell: str) -> list[pd.DataFrame]:
    runs = json.loads((suites / "suites" / f"{name}.json").read_text())["runs"]
    return [
        pd.read_parquet(suites / run["folder"] / "predictions.parquet") for run in runs if run["cell"] == cell
    ]


def test_numbers_follow_from_the_predictions(suites: Path, report: Path, folded: merdata.Store) -> None:
    row = rows_of(report, "two", "uar")["T", ""]
    values = [balanced_accuracy_score(run["label"], run["predicted"]) for run in runs_of(suites, "two", "T")]
    assert float(row["mean"]) == pytest.approx(np.mean(values))
    assert float(row["std"]) == pytest.approx(np.std(values, ddof=1))
    half = 12.7062047 * np.std(values, ddof=1) / 2**0.5  # t(0.975, 1)
    assert float(row["t_high"]) - float(row["mean"]) == pytest.approx(half)
    assert row["seeds"] == "0 1"
    assert row["split"] == merdata.load_protocol(folded, "mer").hash[:12]
    assert float(row["low"]) <= float(row["mean"]) <= float(row["high"])
    assert int(row["n"]) == len(runs_of(suites, "two", "T")[0])
    both = rows_of(report, "two", "uar")["A+T", ""]
    assert float(row["difference"]) == pytest.approx(float(row["mean"]) - float(both["mean"]))
    assert row["reference"] == "A+T"
    assert float(row["relative"]) == pytest.approx(float(row["mean"]) / float(both["mean"]) - 1)
    assert both["difference"] == ""


def test_a_cell_may_name_what_it_is_compared_with(suites: Path) -> None:
    """Of three cells the third is held against the second, with the difference in percent of it."""
    (matrix,) = read_matrices(suites, "two")
    first, second = (matrix.of(cell) for cell in ("T", "A+T"))
    axes = {"modality": {"A+T": {}, "T": {}, "again": {"against": "T"}}}
    suite = Suite.model_validate(MODALITY | {"axes": axes})
    again = [replace(entry, cell="again") for entry in second]
    named = replace(matrix, suite=suite, entries=[*first, *second, *again])
    lines = {line.cell: line for line in lines_of(named)}
    metric = suite.metrics[0]
    means = {cell: lines[cell].values[metric]["mean"] for cell in ("A+T", "T")}
    difference = means["A+T"] - means["T"]
    assert lines["again"].against[metric]["difference"] == pytest.approx(difference)
    assert lines["T"].against[metric]["difference"] == pytest.approx(-difference)
    assert lines["A+T"].against == {}
    (shown,) = [row[-1] for row in cells(named, list(lines.values())) if row[0] == "again"]
    assert shown.endswith(" from T")
    assert f"({100 * difference / means['T']:+.1f} %)".replace("-", "−") in shown


def test_folds_are_shown_each_pooled_and_as_a_mean(suites: Path, report: Path) -> None:
    rows = rows_of(report, "folds", "weighted_f1")
    runs = runs_of(suites, "folds", "A+T")
    values = [f1_score(run["label"], run["predicted"], average="weighted", zero_division=0) for run in runs]
    parts = [rows["A+T", f"fold{at}"] for at in (1, 2, 3)]
    assert [float(row["mean"]) for row in parts] == pytest.approx(values)
    pool = pd.concat(runs)
    assert len(pool) == pool["id"].nunique() == int(rows["A+T", "pooled"]["n"])
    pooled = f1_score(pool["label"], pool["predicted"], average="weighted", zero_division=0)
    assert float(rows["A+T", "pooled"]["mean"]) == pytest.approx(pooled)
    mean = rows["A+T", "mean of 3 folds"]
    assert float(mean["mean"]) == pytest.approx(np.mean(values))
    assert float(mean["std"]) == pytest.approx(np.std(values, ddof=1))
    assert mean["t_low"] == mean["low"] == ""  # a spread over folds is no interval
    assert rows["T", "pooled"]["difference"] != ""


def test_a_left_out_corpus_is_scored_among_its_own_classes_too(suites: Path, report: Path) -> None:
    rows = rows_of(report, "loco", "uar")
    parts = {part for _, part in rows}
    assert {"esd", "tess", "mean of 2 corpora"} <= parts
    assert "pooled" not in parts
    (esd, _) = runs_of(suites, "loco", "A+T")
    assert set(esd["corpus"]) == {"esd"}
    classes = [name.removeprefix("p_") for name in esd if name.startswith("p_")]
    own = among_own(esd, classes)
    assert set(own["predicted"]) <= set(esd["label"]) < set(classes)
    if "esd, own classes" in parts:
        found = float(rows["A+T", "esd, own classes"]["mean"])
        assert found == pytest.approx(balanced_accuracy_score(own["label"], own["predicted"]))
    fine = esd["predicted"].isin(set(esd["label"]))
    assert (own["predicted"][fine] == esd["predicted"][fine]).all()


def test_every_table_has_its_baselines_and_says_what_it_rests_on(report: Path) -> None:
    for name in ("two", "folds", "loco"):
        text = (report / "tables" / f"{name}.md").read_text()
        for words in (
            "chance",
            "always the majority",
            "text prior",
            "Test set",
            "95 %",
            "± standard deviation",
        ):
            assert words in text
        lines = [line for line in text.splitlines() if line.startswith("|")]
        assert len({line.count("|") for line in lines}) == 1
        assert all(
            re.search(r"\| (mer|loco|iemocap_session3) \| [0-9a-f]{12} \|", line) for line in lines[2:]
        )
    assert "The test set resolves weighted-F1 ±" in (report / "tables" / "two.md").read_text()


def test_latex_is_booktabs_with_its_letters_escaped(report: Path) -> None:
    text = (report / "tables" / "two.tex").read_text()
    for words in (r"\toprule", r"\midrule", r"\bottomrule", r"text \& both", r"95 \%", r"$\pm$"):
        assert words in text
    body = text[text.index(r"\toprule") : text.index(r"\bottomrule")]
    widths = {row.replace(r"\&", "").count("&") for row in body.splitlines() if row.endswith(r"\\")}
    assert len(widths) == 1
    assert not re.search(r"(?<!\\)_", body)


def test_names_of_a_stranger_s_suite_are_only_text(suites: Path) -> None:
    hostile = "<script>x</script> | \\input{/etc/passwd} \x1b[31m"
    matrix = read_matrices(suites, "two")[0]
    matrix = replace(matrix, suite=matrix.suite.model_copy(update={"title": hostile}), missing=[hostile])
    lines = [replace(line, cell=hostile) for line in lines_of(matrix)]
    tokens = [
        child
        for token in MarkdownIt("gfm-like", {"linkify": False}).parse(markdown(grid_of(matrix, lines)))
        for child in (token, *(token.children or ()))
    ]
    assert not [token for token in tokens if token.type.startswith("html")]
    assert sum(token.type == "tr_open" for token in tokens) == len(lines) + 1
    made = latex(grid_of(matrix, lines))
    assert r"\textbackslash{}input\{/etc/passwd\}" in made
    assert r"\input" not in made
    assert "\x1b" not in made + markdown(grid_of(matrix, lines))


def test_a_run_outside_the_folder_is_not_read(suites: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(suites, tmp_path / "runs" / "suites-of-a-stranger")
    path = copy / "suites" / "two.json"
    manifest = json.loads(path.read_text())
    folder = manifest["runs"][0]["folder"]
    shutil.copytree(copy / folder, tmp_path / "runs" / folder)
    manifest["runs"][0]["folder"] = f"../{folder}"
    path.write_text(json.dumps(manifest))
    with pytest.raises(RunError, match="is damaged"):
        read_matrices(copy, "two")


def test_figures_are_drawn_and_repeat(suites: Path, report: Path, tmp_path: Path) -> None:
    names = {path.name for path in (report / "figures").iterdir()}
    for figure in ("scores", "confusion", "classes", "learning"):
        assert {f"two-{figure}.png", f"two-{figure}.pdf"} <= names
    again = json.loads(cli("report", "two", "--runs", suites, "--out", tmp_path, "--json").stdout)
    assert list(again["suites"]) == ["two"]
    for path in (tmp_path / "figures").iterdir():
        assert path.read_bytes() == (report / "figures" / path.name).read_bytes()


class Page(HTMLParser):
    """Ids, links and policy of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.sources: list[str] = []
        self.policy = ""
        self.styled = False
        self.feed(text)

    def handle_starttag(self, _tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.styled |= "style" in found
        self.ids += [found["id"]] if "id" in found else []
        self.links += [found["href"]] if "href" in found else []
        self.sources += [found[name] for name in ("src", "srcset") if name in found]
        if found.get("http-equiv") == "Content-Security-Policy":
            self.policy = found["content"]


def test_the_page_is_offline_and_its_cells_lead_to_utterances(report: Path, suites: Path) -> None:
    text = (report / "index.html").read_text()
    page = Page(text)
    assert page.policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not page.styled
    assert all(source.startswith("data:image/svg+xml;base64,") for source in page.sources)
    assert all(link.startswith("#") for link in page.links)
    assert len(page.ids) == len(set(page.ids))
    assert "prefers-color-scheme: dark" in text
    first = runs_of(suites, "two", "A+T")[0]
    cells = {
        f"#suite=two&gold={gold}&predicted={said}"
        for gold, said in zip(first["label"], first["predicted"], strict=True)
    }
    assert cells == {link for link in page.links if link.startswith("#suite=two&")}
    assert not re.search(r"https?://", text)


def test_a_confusion_cell_leads_to_its_utterances_and_they_play(
    report: Path, suites: Path, browser: Browser
) -> None:
    first = runs_of(suites, "two", "A+T")[0]
    gold, said = first[["label", "predicted"]].value_counts().index[0]
    cell = first[(first["label"] == gold) & (first["predicted"] == said)]
    with opened(browser, report / "index.html") as shown:
        shown.click(f'a[href="#suite=two&gold={gold}&predicted={said}"]')
        assert count(shown) == len(cell)
        assert column(shown, "gold") == {gold}
        assert column(shown, "predicted") == {said}
        assert column(shown, "id") <= set(cell["id"])
        shown.click("button[type=reset]")
        shown.select_option("select[name=clip]", "can be heard")
        shown.locator("button.play").first.click()
        assert heard(shown) > 0


def test_the_page_plays_clips_of_the_runs_own_store(
    suites: Path, report: Path, folded: merdata.Store
) -> None:
    """Nobody said where it is; a store that was changed is not played from."""
    assert FLAC in (report / "index.html").read_text()
    (matrix,) = read_matrices(suites, "two")
    opened = own_store([matrix])
    assert opened is not None
    assert opened.path == folded.path
    changed = replace(matrix.entries[-1].run, metrics={**matrix.entries[-1].run.metrics, "data_hash": "0"})
    entries = [*matrix.entries[:-1], replace(matrix.entries[-1], run=changed)]
    assert own_store([replace(matrix, entries=entries)]) is None


def test_what_suites_say_is_escaped(suites: Path) -> None:
    from merdata_train.report.page import page
    from merdata_train.report.section import Section

    (matrix,) = read_matrices(suites, "two")
    suite = matrix.suite.model_copy(update={"title": "<script>alert(1)</script>"})
    text = page([Section(replace(matrix, suite=suite), lines_of(matrix), [], [])], None)
    assert "&lt;script&gt;alert(1)" in text
    assert "<script>alert" not in text


def test_runs_without_a_suite_are_one_table_a_test_set(trained: Path, reseeded: Path, tmp_path: Path) -> None:
    for folder in (trained, reseeded):
        shutil.copytree(folder, tmp_path / "runs" / folder.name)
    written = write_report(tmp_path / "runs", tmp_path / "report")
    assert set(written) == {"runs-TestA", "runs-TestB"}
    row = rows_of(tmp_path / "report", "runs-TestB", "accuracy")
    assert {cell for cell, _ in row} >= {"chance", "always the majority", "text prior"}
    assert sum("source0/A1" in cell for cell, _ in row) == 2  # they differ by more than their seed


def test_what_is_missing_is_named(copy: Path, folded: merdata.Store, tmp_path: Path) -> None:
    """A run; a suite; and nobody plays clips of a store that is gone."""
    runs = json.loads((copy / "suites" / "loco.json").read_text())["runs"]
    shutil.rmtree(copy / runs[-1]["folder"])
    for recipe in copy.glob("*/recipe.yaml"):
        recipe.write_text(recipe.read_text().replace(str(folded.path), str(tmp_path / "gone")))
    write_report(copy, tmp_path / "report", only="loco")
    assert "Not scored yet: A+T, tess, seed 0" in (tmp_path / "report" / "tables" / "loco.md").read_text()
    assert FLAC not in (tmp_path / "report" / "index.html").read_text()
    with pytest.raises(RunError, match="suite three was not run into"):
        write_report(copy, tmp_path / "report", only="three")
    with pytest.raises(RunError, match="has no scored run"):
        write_report(tmp_path / "nowhere", tmp_path / "report")
    with pytest.raises(RunError, match="is one run: name the folder of runs that it is in"):
        write_report(copy / runs[0]["folder"], tmp_path / "report")


def test_a_fold_that_has_a_name_is_called_by_it(suites: Path) -> None:
    for run in json.loads((suites / "suites" / "loco.json").read_text())["runs"]:
        card = (suites / run["folder"] / "model" / "README.md").read_text("utf-8")
        assert f"| protocol | loco, fold {run['fold']} ({run['fold_name']}) |" in card


# Planted faults


def first_run(copy: Path) -> Path:
    return copy / str(json.loads((copy / "suites" / "two.json").read_text())["runs"][0]["folder"])


def test_a_run_evaluated_at_its_last_epoch_is_refused(copy: Path, tmp_path: Path) -> None:
    history = json.loads((first_run(copy) / "history.json").read_text())
    with_metrics(first_run(copy), best_epoch=len(history) + 1)
    with pytest.raises(ProtocolError, match="was evaluated at epoch"):
        write_report(copy, tmp_path / "report")
    assert not (tmp_path / "report").exists()


def test_test_rows_in_selection_are_refused(copy: Path, tmp_path: Path) -> None:
    test = pd.read_parquet(first_run(copy) / "predictions.parquet")
    rewritten(first_run(copy), "validation.parquet", lambda rows: pd.concat([rows, test.iloc[:1]]))
    with pytest.raises(ProtocolError, match="1 test rows took part in training or selection"):
        write_report(copy, tmp_path / "report")


def test_swapped_labels_are_refused(copy: Path, tmp_path: Path) -> None:
    said = pd.read_parquet(first_run(copy) / "predictions.parquet")["predicted"].iloc[0]
    other = "joy" if said != "joy" else "anger"
    swap = {f"p_{said}": f"p_{other}", f"p_{other}": f"p_{said}"}
    rewritten(first_run(copy), "predictions.parquet", lambda rows: rows.rename(columns=swap))
    with pytest.raises(ProtocolError, match="the order of the labels was swapped"):
        write_report(copy, tmp_path / "report")


def test_the_command_prints_the_tables(report: Path, tmp_path: Path) -> None:
    printed = (report / "printed.txt").read_text()
    assert "### MELD: text & both" in printed
    assert "### LOCO" in printed
    missing = cli("report", "nowhere", cwd=tmp_path)
    assert missing.returncode == 2
    assert len(missing.stderr.strip().splitlines()) == 1
