"""The figures of a store: they add up, follow the protocol, and name what is unknown."""

from __future__ import annotations

import json
from typing import Any

import pytest

import merdata
from tests.merdata.cli.test_cli import run


@pytest.fixture(scope="module")
def figures(store: merdata.Store) -> dict[str, Any]:
    return merdata.statistics(store)


@pytest.mark.parametrize("name", ["corpus", "class", "split", "gender", "language", "speaker"])
def test_every_distribution_adds_up(figures: dict[str, Any], name: str) -> None:
    records = figures["by"][name]
    assert sum(one["rows"] for one in records) == figures["rows"]
    assert sum(one["seconds"] for one in records) == pytest.approx(figures["seconds"], abs=0.1)


@pytest.mark.parametrize("name", ["class by corpus", "class by split", "split by corpus"])
def test_every_cross_table_adds_up(figures: dict[str, Any], name: str) -> None:
    assert (
        sum(rows for cells in figures["cross"][name].values() for rows in cells.values()) == figures["rows"]
    )


def test_the_histogram_holds_every_row(figures: dict[str, Any], store: merdata.Store) -> None:
    durations = figures["durations"]
    assert sum(durations["rows"]) == figures["rows"]
    seconds = store.rows(["seconds"])["seconds"].to_pylist()
    assert durations["rows"][2] == sum(1 <= one < 1.5 for one in seconds)
    assert durations["longest"] == pytest.approx(max(seconds), abs=1e-3)


def test_the_splits_are_those_of_the_protocol(figures: dict[str, Any], store: merdata.Store) -> None:
    protocol = merdata.load_protocol(store, "mer")
    assert figures["protocol"] == {"name": "mer", "hash": protocol.hash, "fold": "0", "kind": "mer"}
    assert [one["value"] for one in figures["by"]["split"]] == ["train", "validation", "test"]
    test = sum(split == "test" for split in protocol.splits().values())
    assert figures["by"]["split"][2]["rows"] == test


def test_the_ledger_is_that_of_the_store(figures: dict[str, Any], store: merdata.Store) -> None:
    stored = {one["corpus"]: one["rows"] for one in figures["ledger"] if one["state"] == "stored"}
    assert stored == {one["corpus"]: one["rows"] for one in figures["corpora"]}
    for name in store.corpora:
        ledger = store.ledger(name)
        assert sum(one["rows"] for one in figures["ledger"] if one["corpus"] == name) == ledger.num_rows


def test_what_is_not_known_has_a_name(figures: dict[str, Any]) -> None:
    assert "unknown" in {one["value"] for one in figures["by"]["gender"]}


def test_without_a_protocol_no_row_is_in_a_split(built: merdata.Store) -> None:
    figures = merdata.statistics(built)
    assert figures["protocol"] is None
    assert figures["by"]["split"] == [
        {"value": "in no split", "rows": figures["rows"], "seconds": figures["seconds"]}
    ]


def test_a_protocol_or_fold_that_is_not_there_is_named(store: merdata.Store) -> None:
    with pytest.raises(merdata.SplitError, match="no protocol 'loso'"):
        merdata.statistics(store, "loso")
    with pytest.raises(merdata.SplitError, match="no fold 3"):
        merdata.statistics(store, "mer", 3)


def test_the_command_prints_tables_or_one_document(store: merdata.Store, figures: dict[str, Any]) -> None:
    assert json.loads(run("stats", store.path, "--json").stdout) == figures
    shown = run("stats", store.path, "--protocol", "mer").stdout
    for words in ("ravdess", "surprise", "validation", "female", "zh", "Rachel", "undecodable", "█"):
        assert words in shown
    assert run("stats", store.path, "--protocol", "loso").returncode == 2


@pytest.fixture(scope="module")
def built(corpora: Any, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """A store that nobody has split yet."""
    path = tmp_path_factory.mktemp("built") / "store"
    merdata.build(["tess"], corpora / "tess", path)
    return merdata.open_store(path)
