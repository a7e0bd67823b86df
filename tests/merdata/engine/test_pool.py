"""The pool that tasks run in: what it cannot take is told, not left out."""

from __future__ import annotations

import signal
import subprocess
import sys
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from typing import Any

import pytest

from merdata.engine.pool import run_tasks
from merdata.errors import EngineError


class Breaks(ThreadPoolExecutor):
    """A pool that breaks while it is being filled: it takes two tasks and no more."""

    def __init__(self, fault: RuntimeError) -> None:
        super().__init__(1)
        self.fault, self.taken = fault, 0

    def submit(self, *task: Any, **keys: Any) -> Future[Any]:
        if self.taken == 2:
            raise self.fault
        self.taken += 1
        return super().submit(*task, **keys)


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (BrokenProcessPool("a process ended"), EngineError),
        (RuntimeError("cannot schedule new futures after shutdown"), RuntimeError),
    ],
)
def test_no_task_is_lost_when_a_pool_breaks_while_it_is_filled(
    fault: RuntimeError, told: type[Exception]
) -> None:
    results = run_tasks(abs, [-1, -2, -3, -4], pool=Breaks(fault))
    assert [next(results), next(results)] == [1, 2]
    with pytest.raises(told):
        next(results)


def test_a_signal_while_a_pool_is_filled_waits_until_no_worker_is_half_started() -> None:
    """The signal comes between two tasks, and the rest of them is submitted after it."""
    program = """
import os, signal, time
from merdata.cli.ending import ending
from merdata.engine.pool import run_tasks

class Tasks(list):
    times = 0
    def __iter__(self):
        self.times += 1  # the first time they are weighed
        for number in range(4):
            if self.times == 2 and number == 1:
                os.kill(os.getpid(), signal.SIGTERM)
                time.sleep(0.5)
            yield number
        print("submitted", flush=True) if self.times == 2 else None

if __name__ == "__main__":
    with ending("merdata"):
        print(list(run_tasks(abs, Tasks(range(4)), jobs=2)))
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    stopped = (128 + signal.SIGTERM, "submitted\n", "merdata: stopped by SIGTERM\n")
    assert (process.returncode, process.stdout, process.stderr) == stopped
