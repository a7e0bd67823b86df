"""Ctrl-C and SIGTERM while the trainer works: one line, its exit code, nothing half written."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

import merdata
from tests.merdata.cli.test_signals import hold, stop
from tests.merdata_train.conftest import SMALL

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


@pytest.mark.parametrize(
    ("delay", "number"), [(0, signal.SIGINT), (4, signal.SIGTERM), (7, signal.SIGINT)], ids=str
)
def test_a_run_that_is_stopped(
    delay: float, number: signal.Signals, store: merdata.Store, tmp_path: Path
) -> None:
    words = ["run", "source0/A1", *SMALL, "stages.0.epochs=500", "--store", store.path, "--out", "runs"]
    ended = stop("merdata_train", words, tmp_path, delay, number)
    hold(ended, "merdata_train", number)
    left = [path.name for path in tmp_path.rglob("*") if path.name.startswith(".tmp")]
    assert [*left, *tmp_path.rglob("*.part"), *tmp_path.rglob(".model")] == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_suite_that_is_stopped(jobs: int, store: merdata.Store, tmp_path: Path) -> None:
    words = ["suite", "meld", *SMALL, "stages.0.epochs=500", "--store", store.path, "--jobs", str(jobs)]
    number = signal.SIGTERM if jobs == 2 else signal.SIGINT
    hold(stop("merdata_train", words, tmp_path, 8, number), "merdata_train", number)
    assert not list(tmp_path.rglob("*.part"))
