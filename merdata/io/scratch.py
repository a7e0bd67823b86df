"""Temporary folders on this machine, for what is then uploaded, and for the notes of a build."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from merdata.io.places import is_remote


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that exists as long as the block runs; its name has the process's id, for `remove_scratch`."""
    folder = tempfile.mkdtemp(prefix=f"merdata-{os.getpid()}-")
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def working_folder(store: Path) -> Iterator[Path]:
    """Where a build keeps its own files: inside the store, if the store is on this machine."""
    if not is_remote(store):
        yield store.absolute() / ".build"  # a worker may have another working directory
        return
    with scratch() as folder:
        yield folder


def remove_scratch() -> None:
    """Remove the folders of processes that were killed."""
    for folder in Path(tempfile.gettempdir()).glob("merdata-*-*"):
        process = folder.name.split("-")[1]
        if process.isdigit() and not _is_alive(int(process)):
            shutil.rmtree(folder, ignore_errors=True)


def _is_alive(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
