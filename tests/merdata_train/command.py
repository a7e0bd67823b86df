"""The command line of the trainer, called as its program calls it, or as a program of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from merdata_train.cli.app import main
from tests.merdata.cli.command import PLAIN, Done, call


def cli(*words: object, cwd: Path | None = None) -> Done:
    """A command in this process: another would take seconds to import what is here already."""
    return call(main, "merdata_train", *words, cwd=cwd)


def program(*words: object, cwd: Path | None = None) -> Done:
    """A command in a process of its own."""
    path = Path(sys.executable).with_name("merdata_train")
    done = subprocess.run(
        [path, *map(str, words)], capture_output=True, text=True, cwd=cwd, env=os.environ | PLAIN
    )
    return Done(done.returncode, done.stdout, done.stderr)
