"""Names of files for ids: safe on any file system, in an address, and where splits are guessed by name."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

MOST_LETTERS = 80  # of one part of a name
# A part of a path that has one of these words by itself tells `datasets` a split, whatever its folder says;
# Windows cannot name a file with the others.
GUESSED = r"train|training|validation|valid|val|dev|test|testing|eval|evaluation"
RESERVED = r"con|prn|aux|nul|com\d|lpt\d"
_LONE = re.compile(rf"(?<![a-z])({GUESSED}|{RESERVED})(?![a-z])", re.IGNORECASE)


def safe_names(ids: Iterable[str], ending: str) -> dict[str, str]:
    """id -> relative path of its file: letters, digits, `_`, `-` and `/`, no two the same in any case.

    An id whose name had to change and could be taken for another's gets a piece of its hash.
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
    """`train` becomes `of_train` only in looks: `oftrain`; what is neither letter nor digit becomes `_`."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", part)[:MOST_LETTERS] or "_"
    return _LONE.sub(r"of\1", plain)
