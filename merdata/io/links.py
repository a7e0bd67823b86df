"""What others put into a folder beside files: links, pipes and devices."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path


def irregular(folder: Path, names: Collection[str]) -> Iterator[os.DirEntry[str]]:
    """Everything that is neither a file nor a folder, links first of all.

    A link could lead a reader to files of somebody else's, and a writer to remove them; a pipe would be read
    for ever. The folder itself may be a link.

    Args:
        folder: where to look.
        names: of the entries to look at; in those that are folders, at everything.

    Raises:
        OSError: a folder cannot be read; its name is in the error.
    """
    folders = [str(folder)]
    while folders:
        inside = folders.pop()
        with suppress(FileNotFoundError, NotADirectoryError), os.scandir(inside) as entries:
            for entry in entries:
                if inside == str(folder) and entry.name not in names:
                    continue
                if entry.is_dir(follow_symlinks=False):
                    folders.append(entry.path)
                elif not entry.is_file(follow_symlinks=False):
                    with suppress(FileNotFoundError):
                        entry.stat(follow_symlinks=False)  # it may have been removed just now
                        yield entry
