"""The bytes of a source file, or the reason why there are none."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

from merdata.audio.decoders import MOST_BYTES
from merdata.errors import AudioError
from merdata.io.files import file_sha256
from merdata.io.places import fetch, is_remote


def read_source(root: Path, source: str | None, size: int | None, modified_ns: int | None) -> bytes:
    """Read a file of a corpus, once.

    Args:
        root: the corpus folder.
        source: path below it, or None if the file is missing.
        size: of the file when the build was planned.
        modified_ns: time of its last change then.

    Raises:
        AudioError: it is missing, not a regular file, too large, or changed since the build was planned.
        RemoteError: it is remote and could not be reached; the build stops, and no row is lost.
    """
    if source is None:
        raise AudioError("missing", "the corpus names this clip, the disk lacks it")
    if is_remote(root):
        return _fetched(root / source, size)
    path = root / source
    with _in_words():
        facts = _regular(root, path)
        if facts.st_size > MOST_BYTES:
            raise AudioError(
                "too-long", f"too large for an utterance: {facts.st_size:,} bytes, at most {MOST_BYTES:,}"
            )
        data = path.read_bytes()
        _refuse_changing(path, len(data), size, modified_ns)
    return data


@lru_cache(maxsize=1)
def find_recording(
    root: Path, source: str | None, size: int | None, modified_ns: int | None
) -> tuple[Path | bytes, str]:
    """As `read_source`, of a recording of which utterances are spans: it is not read into memory.

    Returns:
        Its path, or its bytes where it is remote; and its SHA-256.
    """
    if source is None or is_remote(root):
        data = read_source(root, source, size, modified_ns)
        return data, hashlib.sha256(data).hexdigest()
    path = root / source
    with _in_words():
        _regular(root, path)
        sha256 = file_sha256(path)
        _refuse_changing(path, path.stat().st_size, size, modified_ns)
    return path.absolute(), sha256


@contextmanager
def _in_words() -> Iterator[None]:
    """Say why a file cannot be read.

    Raises:
        AudioError: it cannot.
    """
    try:
        yield
    except OSError as error:
        raise AudioError("unreadable", error.strerror or str(error)) from error
    except RuntimeError as error:  # before Python 3.13
        raise AudioError("unreadable", "a link to itself") from error


def _regular(root: Path, path: Path) -> os.stat_result:
    """The facts of a file, if it is a regular one inside the corpus folder."""
    if path.is_symlink() and not path.resolve(strict=True).is_relative_to(root.resolve()):
        raise AudioError("outside", "a link that leaves the corpus folder")
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):  # reading a FIFO would wait for ever
        raise AudioError("not-a-file", "a folder or device has this name, not a file: remove or rename it")
    return facts


def _refuse_changing(path: Path, read: int, size: int | None, modified_ns: int | None) -> None:
    if (read, path.stat().st_mtime_ns) != (size, modified_ns):
        raise AudioError("changing", "the file changed while the build was running: build again")


def _fetched(path: Path, size: int | None) -> bytes:
    """A file of a remote corpus; what its listing did not have is not requested."""
    if size is None:
        raise AudioError("unreadable", "the corpus folder has no such file")
    if size > MOST_BYTES:
        raise AudioError("too-long", f"too large for an utterance: {size:,} bytes, at most {MOST_BYTES:,}")
    try:
        data = fetch(path)
    except FileNotFoundError as error:
        raise AudioError("unreadable", "No such file or directory") from error
    if len(data) != size:
        raise AudioError("changing", "the file changed while the build was running: build again")
    return data
