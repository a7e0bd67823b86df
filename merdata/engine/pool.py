"""Where tasks run: in this process, in a pool of processes on this machine, or in another pool."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

from merdata.engine.process import begin, get_ready, process_context, undisturbed
from merdata.errors import EngineError

Task = TypeVar("Task")
Result = TypeVar("Result")


def run_tasks(
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    *,
    jobs: int | None = None,
    progress: str | None = None,
    weigh: Callable[[Task], int] = lambda _: 1,
    unit: str = "task",
    apart: bool = False,
    prepare: Callable[[], object] | None = None,
    preload: Sequence[str] = (),
    pool: AbstractContextManager[Executor] | None = None,
) -> Iterator[Result]:
    """`function` of every task, results in the order of the tasks.

    Args:
        function: defined at the top level of a module, so that another process can import it.
        tasks: its arguments; each is pickled for another process.
        jobs: number of processes; None for one per core, 0 for this process.
        progress: name of the progress bar on stderr, or None for no bar.
        weigh: how far a task moves the bar.
        unit: what the bar counts.
        apart: run even a single task, or a single job, in another process.
        prepare: called once in each process of this machine's pool, before its first task.
        preload: modules that take long to import: where processes fork, it is done once for all of them.
        pool: use this one instead of `jobs` processes on this machine.
    """
    from tqdm import tqdm

    alone = jobs == 1 or len(tasks) == 1
    here = not tasks or (pool is None and (jobs == 0 or (alone and not apart)))
    jobs = min(jobs or os.cpu_count() or 1, max(1, len(tasks)))
    with tqdm(
        total=sum(map(weigh, tasks)),
        desc=progress,
        unit=f" {unit}",
        disable=progress is None or not sys.stderr.isatty(),
    ) as bar:
        if here:
            for task in tasks:
                yield function(task)
                bar.update(weigh(task))
        else:
            with pool or _pool(jobs, prepare, preload) as executor:
                yield from _in_pool(executor, function, tasks, lambda task: bar.update(weigh(task)))


@contextmanager
def _pool(jobs: int, prepare: Callable[[], object] | None, preload: Sequence[str]) -> Iterator[Executor]:
    """A pool whose workers end at once when the block does not end well."""
    get_ready(preload)
    with ProcessPoolExecutor(jobs, process_context(preload), begin, (dict(os.environ), prepare)) as pool:
        try:
            yield pool
        except BaseException:
            _end_workers(pool)
            raise


def _end_workers(pool: ProcessPoolExecutor) -> None:
    """End the workers at once: their tasks may take minutes, and nobody waits for them any more.

    The pool's thread then gives every future its error. It would die of one that was cancelled meanwhile, and
    wait for ever for a result that a worker had half written, because this process could write the rest.
    """
    for process in list((pool._processes or {}).values()):  # `terminate_workers` from Python 3.14 on
        process.terminate()
    pool._result_queue._writer.close()  # type: ignore[attr-defined]


def _in_pool(
    pool: Executor,
    function: Callable[[Task], Result],
    tasks: Sequence[Task],
    done: Callable[[Task], object],
) -> Iterator[Result]:
    futures: list[Future[Result]] = []
    faults: list[RuntimeError] = []

    def submit() -> None:
        try:
            for task in tasks:
                future = pool.submit(function, task)
                future.add_done_callback(lambda _, finished=task: done(finished))  # type: ignore[misc]
                futures.append(future)
        except RuntimeError as fault:  # a broken pool is one: no task must be lost because of the thread
            faults.append(fault)

    undisturbed(submit)
    try:
        for future in futures:
            yield future.result()
        if faults:
            raise faults[0]
    except BrokenProcessPool as error:
        raise EngineError(
            "a worker process ended before its task: it ran out of memory or crashed (--jobs 0 shows where), "
            'or your script calls merdata without `if __name__ == "__main__":`, and every worker ran the '
            "script again"
        ) from error
    except BaseException:
        if not isinstance(pool, ProcessPoolExecutor):  # of which `_pool` ends the workers
            for future in futures:
                future.cancel()
            pool.shutdown(wait=False)
        raise
