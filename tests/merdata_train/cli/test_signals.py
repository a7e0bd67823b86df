"""Ctrl-C and SIGTERM while the trainer works: one line, its exit code, nothing half written."""

from __future__ import annotations

import re
import signal
from dataclasses import replace
from pathlib import Path

import pytest

import merdata
from tests.merdata.cli.test_signals import Ended, hold, stop
from tests.merdata_train.conftest import SMALL

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")


ENDLESS = [*SMALL, "stages.0.epochs=9999", "stages.0.patience=9999"]
TOLD = re.compile(
    r"stage main, epoch \d+: loss [\d.]+, |merdata_train: coverage: |A, fold 0, seed 0: scored$"
)


def untold(ended: Ended) -> Ended:
    """Without the lines in which a run tells how far it is, of which there are as many as it is fast."""
    return replace(ended, errors=[line for line in ended.errors if not TOLD.match(line)])


@pytest.mark.parametrize(
    ("delay", "number"), [(0, signal.SIGINT), (3, signal.SIGTERM), (5, signal.SIGINT)], ids=str
)
def test_a_run_that_is_stopped(
    delay: float, number: signal.Signals, store: merdata.Store, tmp_path: Path
) -> None:
    words = ["run", "source0/A1", *ENDLESS, "--store", store.path, "--out", "runs"]
    ended = stop("merdata_train", words, tmp_path, delay, number)
    hold(untold(ended), "merdata_train", number)
    left = [path.name for path in tmp_path.rglob("*") if path.name.startswith(".tmp")]
    assert [*left, *tmp_path.rglob("*.part"), *tmp_path.rglob(".model")] == []


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_suite_that_is_stopped(jobs: int, store: merdata.Store, tmp_path: Path) -> None:
    words = ["suite", "meld", *ENDLESS, "--store", store.path, "--jobs", str(jobs)]
    number = signal.SIGTERM if jobs == 2 else signal.SIGINT
    hold(untold(stop("merdata_train", words, tmp_path, 5, number)), "merdata_train", number)
    assert not list(tmp_path.rglob("*.part"))
