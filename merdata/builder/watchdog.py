"""A decoder that crashes or hangs costs one row.

A worker writes down which clip it is decoding, and a watchdog ends the worker if that takes too long. When a
worker dies, its pool is lost; each clip that was being decoded is then tried alone, in a process of its own.
A clip that ends that process too is refused by name, and the remaining shards are built in a new pool.
"""

from __future__ import annotations

import faulthandler
import io
import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path
from uuid import uuid4

from merdata.audio import clip as audio
from merdata.audio.clip import AudioError, Clip
from merdata.builder.shard import build_shard
from merdata.builder.task import ShardTask
from merdata.engine.pool import run_tasks
from merdata.engine.process import process_context
from merdata.engine.without_pandas import spare_pandas
from merdata.errors import EngineError
from merdata.io.files import this_process
from merdata.utterance import Span

LIMIT = 30.0  # seconds for one clip
HAS_TIMERS = hasattr(signal, "setitimer")  # not on Windows
TIMED_OUT = -signal.SIGALRM if HAS_TIMERS else 1  # exit code of a process that the watchdog ends
ALONE = threading.Lock()  # a process has one timer, so threads of a Dask worker take turns
END = b"\0"  # of an id in a note: the one byte that no file name has
Work = Callable[[ShardTask], None]
Pool = AbstractContextManager[Executor]
Refusals = dict[str, tuple[str, str]]  # id -> reason and sentence


@dataclass(frozen=True)
class Guard:
    """Decodes for one worker.

    Attributes:
        notes: folder with one file per worker: the id of the clip that it is decoding.
        refused: clips whose decoder crashed or hung.
    """

    notes: Path
    refused: Refusals = field(default_factory=dict)

    def decode(self, id: str, clip: Callable[[], Clip]) -> Clip:
        """What `clip` gives.

        Raises:
            AudioError: as `clip` does, or it is refused.
        """
        if id in self.refused:
            raise AudioError(*self.refused[id])
        with ALONE:
            note(self.notes, id)
            with watched():
                return clip()


@contextmanager
def watched() -> Iterator[None]:
    """End this process if the block takes longer than LIMIT, even inside a library."""
    if HAS_TIMERS:  # a hundred times cheaper than the thread that faulthandler starts
        signal.setitimer(signal.ITIMER_REAL, LIMIT)
    else:
        faulthandler.dump_traceback_later(LIMIT, exit=True, file=_file(Path(os.devnull)))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0) if HAS_TIMERS else faulthandler.cancel_dump_traceback_later()


def note(notes: Path, id: str) -> None:
    """Write down which clip this process is about to decode, for `_heard_last`."""
    file = _file(notes / this_process())
    file.seek(0)
    file.write(id.encode("utf-8", "surrogateescape") + END)


@cache
def _file(path: Path) -> io.FileIO:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path.open("wb", buffering=0)


def build_shards(
    tasks: Sequence[ShardTask],
    notes: Path,
    jobs: int | None,
    progress: str | None,
    cluster: Callable[[], Pool] | None = None,
) -> None:
    """Build shards in worker processes; with `jobs=0` in this one, without a guard.

    Args:
        tasks: the shards.
        notes: folder for the guard, writable by every worker.
        jobs: processes of this machine; None takes one per core.
        progress: name of the bar on stderr.
        cluster: makes a pool to work in instead of this machine's.

    Raises:
        EngineError: a worker died for another reason than a clip that it was decoding.
        StoreError: the store cannot be written.
    """
    if jobs == 0 and not cluster:
        return _run(build_shard, tasks, jobs, progress)
    refused: Refusals = {}
    while True:
        own = notes / uuid4().hex  # a worker of a cluster may still hold a note of an earlier round
        try:
            work = partial(build_shard, decode=Guard(own, refused).decode)
            return _run(work, tasks, jobs, progress, cluster() if cluster else None)
        except EngineError:
            culprits = _refused(tasks, _heard_last(own) - refused.keys())
            left = [task for task in tasks if not task.is_done()]
            if not culprits and len(left) == len(tasks):  # else it was stopped or short of memory: try again
                raise
            refused |= culprits
            tasks = left
        finally:
            shutil.rmtree(notes, ignore_errors=True)


def _run(
    work: Work, tasks: Sequence[ShardTask], jobs: int | None, bar: str | None, pool: Pool | None = None
) -> None:
    largest_first = sorted(tasks, key=_rows, reverse=True)  # so that no worker ends with a large one
    for _ in run_tasks(
        work,
        largest_first,
        jobs=jobs,
        progress=bar,
        weigh=_rows,
        unit="rows",
        apart=True,
        prepare=_prepare,
        pool=pool,
    ):
        pass


def _prepare() -> None:
    """A worker's own settings, whatever its parent's are."""
    spare_pandas()
    if HAS_TIMERS:
        signal.signal(signal.SIGALRM, signal.SIG_DFL)


def _rows(task: ShardTask) -> int:
    return len(task.rows)


def _heard_last(notes: Path) -> set[str]:
    lines = (path.read_bytes().partition(END)[0] for path in notes.glob("*"))
    return {line.decode("utf-8", "surrogateescape") for line in lines}


def _refused(tasks: Sequence[ShardTask], ids: set[str]) -> Refusals:
    """The clips whose decoder ends its process even alone, and how it does."""
    sources: Mapping[str, tuple[Path, Span | None]] = {
        row.utterance.id: (task.root / str(row.utterance.source), row.utterance.span)
        for task in tasks
        for row in task.rows
        if row.utterance.id in ids
    }
    tried = {id: _death(*source) for id, source in sources.items()}
    return {id: death for id, death in tried.items() if death}


def _death(path: Path, span: Span | None = None) -> tuple[str, str] | None:
    """Reason and sentence if decoding a file ends its process, else None."""
    process = process_context().Process(target=_try, args=(path, span))
    process.start()
    process.join()
    if process.exitcode == 0:
        return None
    if process.exitcode == TIMED_OUT:
        return "timeout", f"its decoder did not finish within {LIMIT:.0f} seconds"
    return "crash", "its decoder crashed the process"


def _try(path: Path, span: Span | None) -> None:
    with suppress(Exception):
        data = path.read_bytes() if span is None else b""
        _prepare()
        with watched():
            audio.normalise_span(path, span) if span else audio.normalise(data, str(path))
