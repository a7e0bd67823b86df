"""A command line, called as its program calls it."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
PLAIN = {"NO_COLOR": "1", "COLUMNS": "140"}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def call(main: Callable[[], None], name: str, *words: object, cwd: Path | None = None) -> Done:
    """A command in this process: another would take seconds to import what is here already."""
    out, errors, code = StringIO(), StringIO(), 0
    here, handlers = Path.cwd(), {number: signal.getsignal(number) for number in SIGNALS}
    try:
        os.chdir(cwd or here)
        with (
            patch.dict(os.environ, PLAIN),
            patch.object(sys, "argv", [name, *map(str, words)]),
            redirect_stdout(out),
            redirect_stderr(errors),
        ):
            main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os.chdir(here)
        for number, handler in handlers.items():
            signal.signal(number, handler)
    return Done(code, out.getvalue(), errors.getvalue())


def cli(*words: object, cwd: Path | None = None) -> Done:
    """A command of merdata in this process."""
    from merdata.cli.app import main

    return call(main, "merdata", *words, cwd=cwd)
