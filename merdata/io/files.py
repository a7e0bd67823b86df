"""Writing that a crash cannot leave half done."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from merdata.errors import StoreError
from merdata.io.places import is_remote, on_this_machine, reaching, scratch, to_read_whole, upload

TEMPORARY = ".part"


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; at the end of the block it is synced to disk and renamed onto it.

    Where `path` is a URL, the temporary file is on this machine, and uploaded at the end.

    Raises:
        StoreError: the file cannot be written (no permission, no space).
    """
    with temporary_for(path) as temporary:
        yield temporary
        put(temporary, path)


@contextmanager
def temporary_for(path: Path) -> Iterator[Path]:
    """A temporary path for `put`; what is there at the end of the block is removed.

    Raises:
        StoreError: it, or `path` in the block, cannot be written.
    """
    with scratch() if is_remote(path) else nullcontext(path.parent) as folder:
        temporary = folder / f".{path.name}.{this_process()}{TEMPORARY}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            yield temporary
        except (OSError, NotImplementedError) as error:
            raise StoreError(f"cannot write {path}: {getattr(error, 'strerror', None) or error}") from error
        finally:
            temporary.unlink(missing_ok=True)


def put(temporary: Path, path: Path) -> None:
    """Give a temporary file its place, for good."""
    if is_remote(path):
        upload(temporary, path)
        return
    _sync(temporary)
    temporary.replace(path)
    _sync(path.parent)


@contextmanager
def write_folder_atomically(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`; at the end of the block it is renamed onto it, or it is removed.

    Raises:
        RemoteError: it is a URL: many files cannot come at once there.
        StoreError: there already is something, or it cannot be written.
    """
    path = on_this_machine(path)
    temporary = path.with_name(f".{path.name}.{this_process()}{TEMPORARY}")
    try:
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise StoreError(f"{path} is there already: name an empty folder or delete it first")
        temporary.mkdir(parents=True)
        yield temporary
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def this_process() -> str:
    """This process, among those of all machines that write to one disk."""
    return f"{platform.node()}-{os.getpid()}"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    with write_atomically(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8 with Unix line ends."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, the same bytes for the same value."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """JSON as all our files have it: sorted, indented by one, a line end at the end."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def move(path: Path, target: Path) -> None:
    """Rename a file that is on disk already to its place, for good.

    Raises:
        StoreError: it cannot be renamed.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {error.strerror or error}") from error


def remove(path: Path) -> None:
    """Remove a file, if it is there.

    Raises:
        StoreError: it cannot be removed.
    """
    try:
        with reaching(path):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {error.strerror or error}") from error


def as_text(path: str | None) -> str | None:
    r"""A path as a string that any file can hold: bytes that are no UTF-8 become `\xff`."""
    return path and path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with to_read_whole(path) as file, reaching(path):
        while piece := file.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
