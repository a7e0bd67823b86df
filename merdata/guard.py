"""A decoder that crashes or hangs costs one row.

A worker writes down which clip it decodes, and a watchdog ends the worker when that takes too long. A worker
that died so takes its pool with it; each clip that was being decoded is then tried alone, in a process of
its own. What dies there too is refused by name, and the shards that are left go on in a new pool.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from merdata import audio
from merdata.audio import AudioError, Clip
from merdata.engine import process_context, run_tasks
from merdata.errors import EngineError
from merdata.shard import ShardTask, build_shard

LIMIT = 30.0  # seconds for one clip
TIMED_OUT = 1  # exit code that the watchdog ends a process with
Work = Callable[[ShardTask], None]
Refusals = dict[str, tuple[str, str]]  # id -> reason and sentence


@dataclass(frozen=True)
class Guard:
    """Decodes for one worker.

    Attributes:
        notes: folder with a file for each worker, the id of the clip that it decodes.
        refused: clips that no decoder survived.
    """

    notes: Path
    refused: Refusals = field(default_factory=dict)

    def normalise(self, id: str, data: bytes, path: str) -> Clip:
        """As `audio.normalise`.

        Raises:
            AudioError: also if the clip is refused.
        """
        if id in self.refused:
            raise AudioError(*self.refused[id])
        self.notes.mkdir(parents=True, exist_ok=True)
        (self.notes / str(os.getpid())).write_text(id, "utf-8", "surrogateescape")
        with watched():
            return audio.normalise(data, path)


@contextmanager
def watched() -> Iterator[None]:
    """End this process if the block takes longer than LIMIT, even inside a library."""
    faulthandler.dump_traceback_later(LIMIT, exit=True, file=_nowhere())
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


@cache
def _nowhere() -> int:
    return os.open(os.devnull, os.O_WRONLY)


def build_shards(tasks: Sequence[ShardTask], notes: Path, jobs: int | None, progress: str | None) -> None:
    """Build shards in worker processes; `jobs=1` builds them in this one, without a guard.

    Raises:
        EngineError: a worker died, and not by a clip that it decoded.
        StoreError: the store cannot be written.
    """
    if jobs == 1:
        return _run(build_shard, tasks, jobs, progress)
    refused: Refusals = {}
    while True:
        shutil.rmtree(notes, ignore_errors=True)
        try:
            work = partial(build_shard, normalise=Guard(notes, refused).normalise)
            return _run(work, tasks, jobs, progress)
        except EngineError:
            found = _refused(tasks, _heard_last(notes) - refused.keys())
            if not found:
                raise
            refused |= found
            tasks = [task for task in tasks if not task.is_done()]
        finally:
            shutil.rmtree(notes, ignore_errors=True)


def _run(work: Work, tasks: Sequence[ShardTask], jobs: int | None, bar: str | None) -> None:
    for _ in run_tasks(work, tasks, jobs=jobs, progress=bar, weigh=_rows, unit="rows", apart=True):
        pass


def _rows(task: ShardTask) -> int:
    return len(task.rows)


def _heard_last(notes: Path) -> set[str]:
    return {path.read_text("utf-8", "surrogateescape") for path in notes.glob("*")}


def _refused(tasks: Sequence[ShardTask], ids: set[str]) -> Refusals:
    """Those of the clips whose decoder dies even alone, and how."""
    sources: Mapping[str, Path] = {
        row.utterance.id: task.root / str(row.utterance.source)
        for task in tasks
        for row in task.rows
        if row.utterance.id in ids
    }
    tried = {id: _death(path) for id, path in sources.items()}
    return {id: death for id, death in tried.items() if death}


def _death(path: Path) -> tuple[str, str] | None:
    """Reason and sentence, if decoding a file ends its process."""
    process = process_context().Process(target=_try, args=(path,))
    process.start()
    process.join()
    if process.exitcode == 0:
        return None
    if process.exitcode == TIMED_OUT:
        return "timeout", f"its decoder did not end within {LIMIT:.0f} seconds"
    return "crash", "its decoder crashed the process"


def _try(path: Path) -> None:
    with suppress(Exception), watched():
        audio.normalise(path.read_bytes(), str(path))
