"""Three small suites that are run once, and their report."""

from __future__ import annotations

from pathlib import Path

import pytest

import merdata
from merdata_train.runs.conduct import conduct
from merdata_train.runs.suite import Suite, plan
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL

QUICK = [*SMALL, "stages.0.epochs=2"]
AXES = {"modality": {"T": {"overrides": {"modalities": ["text"]}}, "A+T": {}}}
DOCUMENT = {
    "title": "the table of a study", "source": "A. Author, Some Journal 1 (2020)",
    "columns": ["system", "UA"], "rows": [["baseline", "90.02%"], ["theirs", 91]],
    "faults": ["Their labels were swapped."],
}  # fmt: skip
MODALITY = {
    "name": "two", "title": "MELD: text & both", "test": "TestB", "recipe": "source0/A1",
    "overrides": {"data.corpora": ["meld"]}, "axes": AXES, "reference": "A+T", "seeds": [0, 1],
    "perturb": ["level:-20", "level:clean", "dropped:1"],
    "errors": ["T", "A+T"], "embeddings": ["A+T"], "documents": [DOCUMENT],
}  # fmt: skip
FOLDS = {
    "name": "folds", "title": "IEMOCAP", "layout": "folds", "recipe": "source0/A1",
    "seeds": [0], "folds": "all",
    "overrides": {"protocol": "iemocap_session3", "labels": "iemocap4", "data.corpora": ["iemocap"]},
    "axes": {"modality": {"T": {"overrides": {"modalities": ["text"]}}, "A+T": {}}}, "reference": "A+T",
}  # fmt: skip
LOCO = {
    "name": "loco", "title": "LOCO", "layout": "corpora", "recipe": "source0/A1", "seeds": [0],
    "folds": [3, 8], "overrides": {"protocol": "loco"}, "axes": {"model": {"A+T": {}}},
}  # fmt: skip


@pytest.fixture(scope="session")
def suites(folded: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three small suites, run. Read only."""
    out = tmp_path_factory.mktemp("suites")
    for parts in (MODALITY, FOLDS, LOCO):
        suite = Suite.model_validate(parts)
        assert conduct(suite, plan(suite, out, folded.path, QUICK), out) == {}
    return out


@pytest.fixture(scope="session")
def report(suites: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of the suites, written by the command; what it printed is in `printed.txt`."""
    out = tmp_path_factory.mktemp("report")
    done = cli("report", suites, "--out", out)
    assert done.returncode == 0, done.stderr
    (out / "printed.txt").write_text(done.stdout)
    return out
