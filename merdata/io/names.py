"""File names for ids: safe on every file system, in a URL, and where splits are guessed from names."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from merdata.io.places import is_remote

MOST_LETTERS = 80  # of one part of a name
# `datasets` takes a part of a path with one of these words for a split, whatever its folder is called;
# Windows does not allow the reserved names.
GUESSED = r"train|training|validation|valid|val|dev|test|testing|eval|evaluation"
RESERVED = r"con|prn|aux|nul|com\d|lpt\d"
_LONE = re.compile(rf"(?<![a-z])({GUESSED}|{RESERVED})(?![a-z])", re.IGNORECASE)


def pattern_fault(folder: Path) -> str | None:
    """A sentence, where `load_dataset` would take the folder's path for a pattern of paths."""
    path = str(folder if is_remote(folder) else folder.absolute())
    if not set("[*?") & set(path):
        return None
    return (
        f"load_dataset cannot open {path}: it takes [, * and ? for patterns. Rename the folder "
        "(merdata.load opens a store all the same)"
    )


def safe_names(ids: Iterable[str], ending: str) -> dict[str, str]:
    """id -> relative path of its file: letters, digits, `_`, `-` and `/`, all different even without case.

    A name that would then equal another's ends with part of its id's hash.
    """
    names: dict[str, str] = {}
    taken: set[str] = set()
    for id in ids:
        name = "/".join(_safe(part) for part in id.split("/"))
        if name.lower() in taken:
            name = f"{name}-{hashlib.sha256(id.encode('utf-8', 'surrogateescape')).hexdigest()[:10]}"
        taken.add(name.lower())
        names[id] = name + ending
    return names


def _safe(part: str) -> str:
    """`train` becomes `oftrain`; a run of other characters becomes `_`."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", part)[:MOST_LETTERS] or "_"
    return _LONE.sub(r"of\1", plain)
