"""How a program ends: a fault is one sentence, a signal is one line, and both leave nothing half done behind.

Exit codes: 2 (or the error's own) for a fault of the input or the machine, 128 + its number for a signal. It
imports nothing that takes time, so that signals are heard while the commands are still being imported.
"""

from __future__ import annotations

import atexit
import errno
import io
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import NamedTuple, NoReturn

from merdata.errors import MerdataError

SIGNALS = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
GRACE = 3.0  # seconds for cleaning up; a signal after them ends the process at once
AT_FAULT = 2
BY_SIGNAL = 128  # plus its number


class Stopped(SystemExit):
    """A signal asks the program to end.

    Attributes:
        signal: which one.
    """

    def __init__(self, number: int) -> None:
        super().__init__(BY_SIGNAL + number)
        self.signal = signal.Signals(number)


@contextmanager
def ending(program: str, extra: str | None = None) -> Iterator[None]:
    """End the program as users expect; `--debug`, anywhere, keeps tracebacks.

    Args:
        program: its name, before its messages.
        extra: the extra of merdata whose packages it imports; where one is missing, the message names it.

    Raises:
        SystemExit: with the exit code, if it is not 0.
    """
    _since.clear()
    _stopped.clear()
    sys.unraisablehook = _raise_again
    _write_any_character()
    _listen()
    try:
        try:
            yield
        finally:
            _flush()
    except BaseException as error:
        # A library may have made another error of a signal, as pydantic does.
        of_a_signal = bool(_stopped) and isinstance(error, Exception)
        answer = _answer(_stopped[-1] if of_a_signal else error, extra)
        if answer is None or ("--debug" in sys.argv and isinstance(error, Exception)):
            raise
        if answer.sentence:
            from merdata.escaping import message

            with suppress(OSError):
                print(f"{program}: {message(answer.sentence)}", file=sys.stderr, flush=True)
        _leave(answer.code)
    finally:
        _since.append(time.monotonic())  # what is left to do is the interpreter's own cleaning up


def _raise_again(report: sys.UnraisableHookArgs) -> None:
    """Where a signal meets a finaliser or a callback, Python drops what it raises: raise it again, soon."""
    if isinstance(report.exc_value, Stopped):
        _since.clear()
        threading.Timer(0.01, os.kill, [os.getpid(), report.exc_value.signal]).start()
    else:
        sys.__unraisablehook__(report)


class Answer(NamedTuple):
    """What a program says at its end, and its exit code."""

    sentence: str
    code: int


NOBODY_READS = Answer("", BY_SIGNAL + 13)  # as if SIGPIPE had ended the program


def _answer(error: BaseException, extra: str | None) -> Answer | None:
    """None for an end that needs no words, and for what is a bug."""
    if isinstance(error, Stopped):
        return Answer(f"stopped by {error.signal.name}", BY_SIGNAL + error.signal)
    if isinstance(error, SystemExit):  # Typer and rich make 1 of a pipe that nobody reads
        return NOBODY_READS if isinstance(error.__context__, BrokenPipeError) else None
    if isinstance(error, BrokenPipeError) and _nobody_reads():
        return NOBODY_READS
    if isinstance(error, MerdataError):
        return Answer(str(error), error.exit_code)
    if isinstance(error, ModuleNotFoundError) and extra and not (error.name or "").startswith("merdata"):
        return Answer(f"{error.name} is not installed: pip install 'merdata[{extra}]'", AT_FAULT)
    if isinstance(error, (OSError, MemoryError, UnicodeEncodeError)):
        return Answer(_of_the_machine(error), AT_FAULT)
    return None


def _listen() -> None:
    """Let signals raise `Stopped` in the main thread, so that what is under way cleans up."""
    for number in SIGNALS:
        if number.name == "SIGHUP" and signal.getsignal(number) == signal.SIG_IGN:  # nohup
            continue
        with suppress(ValueError):  # in another thread than the main one, signals are not ours
            signal.signal(number, _stop)
    atexit.unregister(_ignore_signals)  # of an earlier command in this process
    atexit.register(_ignore_signals)


def _ignore_signals() -> None:
    """Where the interpreter ends, it takes the handlers back: a signal would then kill what is done."""
    for number in SIGNALS:
        if signal.getsignal(number) == _stop:
            signal.signal(number, signal.SIG_IGN)


_since: list[float] = []  # when a signal came, or the program was done
_stopped: list[Stopped] = []  # what signals have raised


def _stop(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  what a handler is called with
    if not _since:
        _since.append(time.monotonic())
        _stopped.append(Stopped(number))
        raise _stopped[-1]
    if time.monotonic() - _since[0] > GRACE:
        os._exit(BY_SIGNAL + number)


def _write_any_character() -> None:
    """Write a character that the terminal does not have as an escape, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def _flush() -> None:
    """Meet a full disk or a closed pipe here, and not when the interpreter ends."""
    if sys.stdout is not None and not sys.stdout.closed:
        sys.stdout.flush()


def _leave(code: int) -> NoReturn:
    """End without another attempt to write what stdout still holds, if it cannot be written."""
    try:
        _flush()
    except OSError:
        with suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise SystemExit(code) from None


def _nobody_reads() -> bool:
    """Whether stdout is a pipe whose reader is gone, as behind `| head -1`."""
    try:
        poll = select.poll()
        poll.register(sys.stdout.fileno(), select.POLLERR)
        return any(event & select.POLLERR for _, event in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # no poll on this system, or no file behind stdout
        return True


def _of_the_machine(error: OSError | MemoryError | UnicodeEncodeError) -> str:
    """A sentence for what no command foresaw."""
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, UnicodeEncodeError):
        return f"this locale cannot name a file ({error}): set PYTHONUTF8=1"
    reason = error.strerror or str(error) or type(error).__name__
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {reason}"
    if isinstance(error, FileNotFoundError) and not _has_working_directory():
        return "the working directory was removed: change to another"
    return f"cannot write: {reason}" if error.errno in (errno.ENOSPC, errno.EIO, errno.EBADF) else reason


def _has_working_directory() -> bool:
    try:
        os.getcwd()  # noqa: PTH109  Path.cwd() is the same
    except OSError:
        return False
    return True
