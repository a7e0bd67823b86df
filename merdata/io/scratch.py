"""Temporary folders on this machine, for what is then uploaded, for the notes of a build, and for sockets."""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing import current_process, util
from pathlib import Path

from merdata.errors import EngineError
from merdata.io.places import is_remote

SHORT = ("/tmp", "/var/tmp")  # noqa: S108  only folders that mkdtemp makes are used in them
SOCKET_BYTES = 103  # of a socket's path: sun_path has 104 bytes on macOS and 108 on Linux, with a NUL
SOCKET_NAME = "/listener-12345678"  # as multiprocessing names it in its folder


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder that exists as long as the block runs; its name is one that `remove_scratch` knows."""
    folder = _make_folder()
    try:
        yield Path(folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _make_folder(within: str | None = None) -> str:
    """A new folder, named after this machine and process: several machines may share a TMPDIR."""
    return tempfile.mkdtemp(prefix=f"merdata-{_machine()}-{os.getpid()}-", dir=within)


def _machine() -> str:
    return f"{zlib.crc32(platform.node().encode()):08x}"


def process_folder() -> Path:
    """A folder that exists as long as this process, and where multiprocessing keeps its sockets.

    TMPDIR may be too long for the path of a socket, as it often is on clusters; a short folder serves then.

    Raises:
        EngineError: TMPDIR is too long, and none of the usual folders can be written.
    """
    # What multiprocessing.util.get_temp_dir reads, which has no public name.
    settings = current_process()._config  # type: ignore[attr-defined]
    if known := settings.get("tempdir"):
        return Path(known)
    remove_scratch()
    for within in (tempfile.gettempdir(), *SHORT):
        with suppress(OSError):
            folder = _make_folder(within)
            if os.name == "nt" or len(os.fsencode(folder + SOCKET_NAME)) <= SOCKET_BYTES:
                settings["tempdir"] = folder
                util.Finalize(None, shutil.rmtree, (folder, True), exitpriority=-100)  # after all that use it
                return Path(folder)
            Path(folder).rmdir()
    raise EngineError(f"TMPDIR {tempfile.gettempdir()} is too long for sockets: set it to a shorter folder")


@contextmanager
def working_folder(store: Path) -> Iterator[Path]:
    """Where a build keeps its own files: inside the store, if the store is on this machine."""
    if not is_remote(store):
        yield store.absolute() / ".build"  # a worker may have another working directory
        return
    with scratch() as folder:
        yield folder


def remove_scratch() -> None:
    """Remove the folders of processes of this machine that were killed."""
    for within in {tempfile.gettempdir(), *SHORT}:
        for folder in Path(within).glob(f"merdata-{_machine()}-*-*"):
            process = folder.name.split("-")[2]
            if process.isdigit() and not is_alive(int(process)):
                shutil.rmtree(folder, ignore_errors=True)


def is_alive(process: int) -> bool:
    """Whether this machine has a process of that number."""
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
