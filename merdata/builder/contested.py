"""Files that claim the same row: their bytes must be the same, for the order of paths says nothing."""

from __future__ import annotations

import filecmp
from collections.abc import Sequence
from pathlib import Path

from merdata.errors import LayoutError
from merdata.io.places import is_remote, read_bytes

EXAMPLES = 2


def refuse_contested(corpus: str, root: Path, pairs: Sequence[tuple[str, str]]) -> None:
    """Compare the files of each pair, the only audio that is read before a build.

    Raises:
        LayoutError: two of them differ.
    """
    different = [pair for pair in pairs if not _same_bytes(root / pair[0], root / pair[1])]
    if different:
        shown = "; ".join(f"{kept} and {other}" for kept, other in different[:EXAMPLES])
        more = f" and {len(different) - EXAMPLES:,} pairs more" if len(different) > EXAMPLES else ""
        how = f"Move one of them away, or name the folder to take: --option {corpus}.prefer=FOLDER"
        raise LayoutError(f"{root}: files that claim the same row have different bytes: {shown}{more}. {how}")


def _same_bytes(path: Path, other: Path) -> bool:
    """Whether two files are the same; one that cannot be read is left to the build, which says so."""
    try:
        if is_remote(path):
            return read_bytes(path) == read_bytes(other)
        return filecmp.cmp(path, other, shallow=False)
    except OSError:
        return True
