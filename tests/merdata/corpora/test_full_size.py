"""The count contract on trees of full size; the totals are those of source 0 (recipes/README.md)."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from merdata.corpora.miniature import miniatures
from merdata.corpora.registry import registry
from tests.merdata.cli.command import cli
from tests.merdata.corpora.trees import MAKERS

SOURCE0 = {
    "mead": 31_734,
    "meld": 13_708,
    "ravdess": 1_440,
    "cremad": 7_442,
    "esd": 35_000,
    "emovdb": 6_893,
    "iemocap": 10_039,
}


@pytest.fixture(scope="module")
def shelf(full_tree: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("shelf")
    for corpus in SOURCE0:
        (folder / corpus).symlink_to(full_tree(corpus))
    return folder


@pytest.fixture(scope="module")
def plan(shelf: Path) -> dict[str, Any]:
    """What `merdata build --corpus all --dry-run --json --strict` says."""
    done = cli("build", "--corpus", "all", "--source", shelf, "--dry-run", "--json", "--strict")
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_every_corpus_of_the_demo_has_a_full_tree() -> None:
    """The lists of those that are declared are in test_declared_listings.py."""
    assert set(miniatures()) == set(MAKERS)


def test_the_table_of_source_0(plan: dict[str, Any]) -> None:
    assert {one["corpus"]: one["discovered"] for one in plan["corpora"]} == SOURCE0
    assert plan["totals"] == {"acted": 92_548, "conversational": 13_708, "total": 106_256}


def test_what_the_disk_lacks_is_known(plan: dict[str, Any]) -> None:
    missing = {one["corpus"]: one["states"].get("missing audio", 0) for one in plan["corpora"]}
    assert {name: rows for name, rows in missing.items() if rows} == {"mead": 5, "meld": 2}


def test_esd_is_half_english_half_mandarin(plan: dict[str, Any]) -> None:
    esd = next(one for one in plan["corpora"] if one["corpus"] == "esd")
    assert esd["languages"] == {"en": 17_500, "zh": 17_500}


def test_what_the_default_policy_drops(plan: dict[str, Any]) -> None:
    dropped = {
        one["corpus"]: {raw: fates["dropped"] for raw, fates in one["labels"].items() if "dropped" in fates}
        for one in plan["corpora"]
    }
    assert {name: raws for name, raws in dropped.items() if raws} == {
        "mead": {"contempt": 4_215},
        "emovdb": {"Sleepy": 1_721},
        "iemocap": {"oth": 3, "xxx": 2_507},
    }


def test_tess_is_whole_too(full_tree: Callable[[str], Path]) -> None:
    rows = registry()["tess"].utterances(full_tree("tess"))
    assert len(rows) == registry()["tess"].expected_rows == 2_800
    assert registry()["tess"].missing({row.id for row in rows}) == []


@pytest.mark.parametrize("corpus", ["ravdess", "esd"])
def test_a_row_that_is_not_there_is_named(corpus: str, shelf: Path) -> None:
    rows = registry()[corpus].utterances(shelf / corpus)
    ids = {row.id for row in rows}
    assert registry()[corpus].missing(ids) == []
    gone = sorted(ids)[7]
    assert registry()[corpus].missing(ids - {gone}) == [gone]
