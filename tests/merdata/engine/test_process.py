"""A function in a process of its own: its result, and what is told when the process ends before."""

from __future__ import annotations

import os
import signal
import sys
import time
from multiprocessing.connection import wait

import pytest

from merdata.engine.process import Apart
from merdata.errors import EngineError


def test_the_result_comes_back() -> None:
    assert Apart(abs, -3).result() == 3


def test_it_has_the_environment_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    Apart(abs, -3).result()  # the fork server is started
    monkeypatch.setenv("MERDATA_TODAY", "yes")
    assert Apart(os.getenv, "MERDATA_TODAY").result() == "yes"


def die(how: str) -> None:
    if how == "raises":
        raise ValueError("no rows")
    if how == "says":
        print("CUDA is lost", file=sys.stderr, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize(
    ("how", "told"),
    [("raises", "ValueError: no rows"), ("says", "CUDA is lost"), ("silently", "ended with exit code -9")],
)
def test_a_process_that_ends_before_harms_no_other(how: str, told: str) -> None:
    dies, lives = Apart(die, how), Apart(abs, -3)
    with pytest.raises(EngineError, match=told):
        dies.result()
    assert lives.result() == 3


def test_it_is_ended_at_once() -> None:
    sleeps = Apart(time.sleep, 600)
    assert wait([sleeps.told], timeout=0.1) == []
    sleeps.end()
    with pytest.raises(EngineError, match="exit code -15"):
        sleeps.result()


def test_a_process_that_ends_in_the_middle_of_its_answer() -> None:
    answers = Apart(bytes, 10_000_000)  # more than a pipe holds
    assert wait([answers.told], timeout=60)
    answers.end()
    with pytest.raises(EngineError, match="exit code -15"):
        answers.result()
