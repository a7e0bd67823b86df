"""A folder that nothing may touch: what was done to it, by its content and by the kernel's own account."""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

# from <sys/inotify.h>: read, written, attributes, opened, moved from and to, created, deleted
EVENTS = {0x1: "read", 0x2: "written", 0x4: "changed", 0x20: "opened"}
EVENTS |= {0x40: "moved", 0x80: "moved", 0x100: "created", 0x200: "deleted", 0x400: "deleted", 0x800: "moved"}
HEADER = struct.Struct("iIII")


def content(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Path -> mode, number of links and bytes (or target) of everything below a folder."""
    facts = {}
    for path in sorted(folder.rglob("*")):
        status = path.lstat()
        data = (
            str(path.readlink()).encode()
            if path.is_symlink()
            else path.read_bytes()
            if path.is_file()
            else b""
        )
        facts[str(path.relative_to(folder))] = (status.st_mode, status.st_nlink, data)
    return facts


@contextmanager
def watched(folder: Path) -> Iterator[list[str]]:
    """A list that says, after the block, what was done to a folder; empty if nothing was."""
    done: list[str] = []
    before = content(folder)
    descriptor = _watch([folder, *(path for path in folder.rglob("*") if path.is_dir())])
    try:
        yield done
    finally:
        done += _events(descriptor) if descriptor is not None else []
        after = content(folder)
        done += [
            f"{name} differs"
            for name in sorted(before.keys() | after.keys())
            if before.get(name) != after.get(name)
        ]


def _watch(folders: list[Path]) -> int | None:
    """A descriptor of inotify, where there is one."""
    if not sys.platform.startswith("linux"):
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor: int = libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    for folder in folders:
        if libc.inotify_add_watch(descriptor, os.fsencode(folder), sum(set(EVENTS))) < 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return descriptor


def _events(descriptor: int) -> list[str]:
    seen: list[str] = []
    try:
        while data := os.read(descriptor, 1 << 16):
            while data:
                _, mask, _, length = HEADER.unpack_from(data)
                name = data[HEADER.size : HEADER.size + length].rstrip(b"\0").decode()
                seen += [f"{name or '.'} was {what}" for bit, what in EVENTS.items() if mask & bit]
                data = data[HEADER.size + length :]
    except BlockingIOError:
        return list(dict.fromkeys(seen))
    finally:
        os.close(descriptor)
    return list(dict.fromkeys(seen))
