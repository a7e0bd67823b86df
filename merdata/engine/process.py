"""Other processes of this machine: how they are started, begin with this one's settings, and end with it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from multiprocessing import connection
from pathlib import Path
from typing import Any, Generic, TypeVar

from merdata.errors import EngineError
from merdata.io.scratch import process_folder

PRELOADED = ["merdata.builder.watchdog", "soundfile", "soxr"]  # imported once for all processes
Result = TypeVar("Result")


def process_context(preload: Sequence[str] = ()) -> Any:
    """How processes are started: a plain fork would copy pyarrow's locks but not its threads.

    Args:
        preload: further modules that the fork server imports when it starts.
    """
    methods = multiprocessing.get_all_start_methods()
    context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
    if context.get_start_method() == "forkserver":
        context.set_forkserver_preload([*PRELOADED, *preload])
    return context


def get_ready(preload: Sequence[str] = ()) -> None:
    """Start the fork server early: it imports what workers need while this process goes on."""
    if process_context(preload).get_start_method() == "forkserver":
        from multiprocessing import forkserver, resource_tracker

        process_folder()
        resource_tracker.ensure_running()  # by itself, for it ends with SIGINT unblocked
        with _deaf():
            forkserver.ensure_running()


@contextmanager
def _deaf() -> Iterator[None]:
    """Let what is started in the block never hear SIGINT: Ctrl-C reaches all processes, and one answers."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def begin(environment: dict[str, str], prepare: Callable[[], object] | None = None) -> None:
    """Begin a process with the current environment: the fork server still has the one it was started with."""
    os.environ.update(environment)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes: the parent ends the others
    threading.Thread(target=_end_with_parent, daemon=True).start()
    if prepare:
        prepare()


def _end_with_parent() -> None:
    """End when the parent is killed: workers hold each other's pipes open and would go on."""
    if parent := multiprocessing.parent_process():
        connection.wait([parent.sentinel])
        os._exit(1)


def undisturbed(function: Callable[[], None]) -> None:
    """Call a function in a thread, where no signal interrupts it: a worker half started would be lost."""
    done = threading.Event()  # a `join` that a signal interrupts believes that the thread has ended

    def call() -> None:
        try:
            function()
        finally:
            done.set()

    threading.Thread(target=call).start()
    try:
        done.wait()
    finally:
        done.wait()


class Apart(Generic[Result]):
    """A function that runs in a process of its own, so that a crash of it harms nothing else.

    What it prints is not shown.

    Args:
        function: defined at the top level of a module, so that another process can import it.
        args: its arguments, which are pickled.
        preload: modules that take long to import: where processes fork, it is done once for all of them.

    Attributes:
        told: can be waited for with `multiprocessing.connection.wait`; then `result` does not block.
    """

    def __init__(self, function: Callable[..., Result], *args: object, preload: Sequence[str] = ()) -> None:
        get_ready(preload)
        context = process_context(preload)
        self.told, tell = context.Pipe(duplex=False)
        descriptor, name = tempfile.mkstemp(dir=process_folder())
        os.close(descriptor)
        self._said = Path(name)
        call = (tell, self._said, dict(os.environ), function, args)
        self._process = context.Process(target=_call, args=call)
        try:
            undisturbed(self._process.start)
        except BaseException:  # a signal came meanwhile
            self.end()
            raise
        tell.close()

    def result(self) -> Result:
        """What the function returned.

        Raises:
            EngineError: its process ended before; the last line that it wrote, or else its exit code.
        """
        result: list[Result] = []
        with suppress(EOFError, OSError):  # OSError: it ended in the middle of its answer
            result.append(self.told.recv())
        self._process.join()
        said = self._said.read_text(errors="replace").strip().splitlines()
        self._said.unlink()
        if result:
            return result[0]
        raise EngineError(said[-1] if said else f"its process ended with exit code {self._process.exitcode}")

    def end(self) -> None:
        """Ask the process to end, and wait until it has."""
        if self._process.pid is not None:  # it was started
            self._process.terminate()
            self._process.join()


def _call(
    tell: connection.Connection,
    said: Path,
    environment: dict[str, str],
    function: Callable[..., Result],
    args: Sequence[object],
) -> None:
    with said.open("wb") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    begin(environment)
    tell.send(function(*args))
