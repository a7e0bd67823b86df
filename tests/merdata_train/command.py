"""The command line of the trainer, called as its program calls it, or as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from unittest.mock import patch

from merdata_train.cli.app import main

PLAIN = {"NO_COLOR": "1", "COLUMNS": "140"}


@dataclass(frozen=True)
class Done:
    """A command that has ended."""

    returncode: int
    stdout: str
    stderr: str


def cli(*words: object, cwd: Path | None = None) -> Done:
    """A command in this process: another would take seconds to import what is here already."""
    out, errors, code = StringIO(), StringIO(), 0
    here = Path.cwd()
    try:
        os.chdir(cwd or here)
        with (
            patch.dict(os.environ, PLAIN),
            patch.object(sys, "argv", ["merdata_train", *map(str, words)]),
            redirect_stdout(out),
            redirect_stderr(errors),
        ):
            main()
    except SystemExit as ended:
        code = int(ended.code or 0)
    finally:
        os.chdir(here)
    return Done(code, out.getvalue(), errors.getvalue())


def program(*words: object, cwd: Path | None = None) -> Done:
    """A command in a process of its own."""
    path = Path(sys.executable).with_name("merdata_train")
    done = subprocess.run(
        [path, *map(str, words)], capture_output=True, text=True, cwd=cwd, env=os.environ | PLAIN
    )
    return Done(done.returncode, done.stdout, done.stderr)
