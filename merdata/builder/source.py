"""The bytes of a source file, or why there are none."""

from __future__ import annotations

import stat
from pathlib import Path

from merdata.errors import AudioError
from merdata.io.places import fetch, is_remote

MOST_BYTES = 1 << 28  # more is no utterance, and would not fit into a worker's memory


def read_source(root: Path, source: str | None, size: int | None, modified_ns: int | None) -> bytes:
    """Read a file of a corpus, once.

    Args:
        root: the corpus folder.
        source: path below it, or None where the disk lacks the file.
        size: that the file had when the build was planned.
        modified_ns: time of its last change then.

    Raises:
        AudioError: it is not there, no file, too large, or no longer the one that was planned.
        RemoteError: it is elsewhere and could not be reached: no row is lost for that.
    """
    if source is None:
        raise AudioError("missing", "the corpus names this clip, the disk lacks it")
    if is_remote(root):
        return _fetched(root / source, size)
    path = root / source
    try:
        if path.is_symlink() and not path.resolve(strict=True).is_relative_to(root.resolve()):
            raise AudioError("outside", "a link that leaves the corpus folder")
        facts = path.stat()
        if not stat.S_ISREG(facts.st_mode):  # a FIFO would be waited for
            raise AudioError("not-a-file", "no regular file")
        if facts.st_size > MOST_BYTES:
            raise AudioError("too-long", f"{facts.st_size:,} bytes are no utterance; {MOST_BYTES:,} at most")
        data = path.read_bytes()
        facts = path.stat()
    except OSError as error:
        raise AudioError("unreadable", error.strerror or str(error)) from error
    except RuntimeError as error:  # before Python 3.13
        raise AudioError("unreadable", "a link to itself") from error
    if (len(data), facts.st_mtime_ns) != (size, modified_ns):
        raise AudioError("changing", "the file changed while the build was running: build again")
    return data


def _fetched(path: Path, size: int | None) -> bytes:
    """A file of a corpus elsewhere, as its listing promised it: what is not listed is not asked for."""
    if size is None:
        raise AudioError("unreadable", "no such file below the corpus")
    if size > MOST_BYTES:
        raise AudioError("too-long", f"{size:,} bytes are no utterance; {MOST_BYTES:,} at most")
    try:
        data = fetch(path)
    except FileNotFoundError as error:
        raise AudioError("unreadable", "No such file or directory") from error
    if len(data) != size:
        raise AudioError("changing", "the file changed while the build was running: build again")
    return data
