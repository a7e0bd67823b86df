"""The pool that tasks run in: what it cannot take is told, not left out."""

from __future__ import annotations

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
