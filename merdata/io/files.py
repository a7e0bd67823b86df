"""Writing files so that a crash cannot leave half of one."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import platform
import re
import shutil
import stat
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from merdata.errors import StoreError, reason_of
from merdata.io.places import is_remote, on_this_machine, reaching, to_read_whole, upload
from merdata.io.scratch import is_alive, scratch

TEMPORARY = ".part"
PIECE = 1 << 16  # bytes; memory for larger pieces is asked of the system again for each one


@contextmanager
def write_atomically(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`; at the end of the block it is synced to disk and renamed onto it.

    If `path` is a URL, the temporary file is on this machine and is uploaded at the end. Into a pipe or a
    device it is copied, and of a link the target is replaced.

    Raises:
        StoreError: the file cannot be written (no permission, no space).
    """
    with temporary_for(path) as temporary:
        yield temporary
        put(temporary, path)


@contextmanager
def temporary_for(path: Path) -> Iterator[Path]:
    """A temporary path for `put`; a file still there at the end of the block is removed.

    Raises:
        StoreError: it, or `path` in the block, cannot be written.
    """
    try:
        with _beside(path) as folder:
            temporary = folder / f".{path.name}.{this_process()}{TEMPORARY}"
            folder.mkdir(parents=True, exist_ok=True)
            try:
                yield temporary
            finally:
                temporary.unlink(missing_ok=True)
    except (OSError, NotImplementedError) as error:
        raise StoreError(f"cannot write {path}: {reason_of(error)}") from error


def put(temporary: Path, path: Path) -> None:
    """Rename a temporary file to its place, durably."""
    if is_remote(path):
        upload(temporary, path)
    elif is_stream(path):
        with temporary.open("rb") as file, _open_stream(path) as stream:
            shutil.copyfileobj(file, stream)
    else:
        path = _target(path)
        _sync(temporary)
        temporary.replace(path)
        _sync(path.parent)


def is_stream(path: Path) -> bool:
    """Whether a path is a pipe or a device, such as /dev/null, which must not be replaced by a file."""
    if _descriptor(path) is not None:
        return True
    try:
        mode = path.stat().st_mode
    except (OSError, RuntimeError):
        return False
    return not (stat.S_ISREG(mode) or stat.S_ISDIR(mode))


def _open_stream(path: Path) -> BinaryIO:
    """A pipe or device to write to; of this process, the open file itself, whatever it was opened as."""
    descriptor = _descriptor(path)
    if descriptor is None:
        return path.open("wb")
    sys.stdout.flush()
    return os.fdopen(os.dup(descriptor), "wb")


def _descriptor(path: Path) -> int | None:
    """The number of an open file of this process, if a path names one, as /dev/stdout does."""
    names = {"stdin": 0, "stdout": 1, "stderr": 2}
    if str(path.parent) == "/dev":
        return names.get(path.name)
    is_open_file = str(path.parent) in ("/dev/fd", "/proc/self/fd") and path.name.isdigit()
    return int(path.name) if is_open_file else None


def _beside(path: Path) -> AbstractContextManager[Path]:
    """The folder for a temporary file: beside the file that it will become, if that is a file of a disk."""
    return scratch() if is_remote(path) or is_stream(path) else nullcontext(_target(path).parent)


def _target(path: Path) -> Path:
    """The file that a path leads to: of a link its target, which need not exist.

    Raises:
        OSError: a link leads to itself.
    """
    if not path.is_symlink():
        return path
    target = Path(os.path.realpath(path))
    if target.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    return target


@contextmanager
def write_folder_atomically(path: Path) -> Iterator[Path]:
    """A temporary folder beside `path`; at the end of the block it is renamed onto it, or it is removed.

    Raises:
        RemoteError: it is a URL, where many files cannot be written at once.
        StoreError: the folder exists and is not empty, or it cannot be written.
    """
    path = on_this_machine(path)
    temporary = path.with_name(f".{path.name}.{this_process()}{TEMPORARY}")
    try:
        path = _target(path)
        temporary = path.with_name(f".{path.name}.{this_process()}{TEMPORARY}")
        if path.exists() and not (path.is_dir() and not any(path.iterdir())):
            raise StoreError(f"{path} already exists: name an empty folder or delete it first")
        temporary.mkdir(parents=True)
        yield temporary
        temporary.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {reason_of(error)}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def this_process() -> str:
    """A name for this process, unique among the machines that share a disk."""
    return f"{platform.node()}-{os.getpid()}"


def write_bytes(path: Path, data: bytes) -> None:
    """Write a file atomically."""
    with write_atomically(path) as temporary:
        temporary.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write a text file atomically, as UTF-8 with Unix line ends."""
    write_bytes(path, text.encode("utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, with the same bytes for the same value."""
    write_text(path, json_text(value))


def json_text(value: Any) -> str:
    """JSON as in all our files: keys sorted, indented by one, with a line end at the end."""
    return json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def remove_unfinished(folder: Path) -> None:
    """Remove what killed processes of this machine were writing into a folder that others may write to."""
    ours = re.compile(rf"\..+\.{re.escape(platform.node())}-(\d+){re.escape(TEMPORARY)}")
    for path in folder.glob(f".*{TEMPORARY}"):
        name = ours.fullmatch(path.name)
        if name and not is_alive(int(name[1])):
            path.unlink(missing_ok=True)


def move(path: Path, target: Path) -> None:
    """Rename a file that is already on disk to its place, durably.

    Raises:
        StoreError: it cannot be renamed.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise StoreError(f"cannot write {target}: {reason_of(error)}") from error


def remove(path: Path) -> None:
    """Remove a file, if it exists.

    Raises:
        StoreError: it cannot be removed.
    """
    try:
        with reaching(path):
            path.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"cannot remove {path}: {reason_of(error)}") from error


def as_text(path: str | None) -> str | None:
    r"""A path as a string that any file can hold: bytes that are not UTF-8 become `\xff`."""
    return path and path.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    digest = hashlib.sha256()
    with to_read_whole(path) as file, reaching(path):
        while piece := file.read(PIECE):
            digest.update(piece)
    return digest.hexdigest()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
