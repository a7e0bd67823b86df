"""A store's files lie in its folder: nothing below it is a link, a pipe or a device."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from merdata.errors import StoreError
from merdata.io.places import is_remote

FOLDERS = ("data", "ledger", "splits", "figures", "layers", ".build", ".cache")
FILES = ("merdata.json", "README.md", "LICENSE.md")
OWN = (*FOLDERS, *FILES)


def refuse_links(store: Path) -> None:
    """Fail if anything in a store that merdata reads or writes is not a regular file or a folder.

    A link could lead a reader to files of somebody else's, and a writer to remove them; a pipe would be read
    for ever. The store's folder itself may be a link.

    Raises:
        StoreError: there is one, or a folder cannot be read.
    """
    if is_remote(store):
        return
    folders = [str(store)]
    while folders:
        folder = folders.pop()
        try:
            with suppress(FileNotFoundError, NotADirectoryError), os.scandir(folder) as entries:
                for entry in entries:
                    if folder != str(store) or entry.name in OWN:
                        _refuse(entry, folders)
        except OSError as error:
            raise StoreError(f"cannot read {folder}: {error.strerror or error}") from error


def check_output(store: Path, out: Path) -> None:
    """Fail if an output would replace a file of the store itself, or lie among its files.

    Raises:
        StoreError: it would.
    """
    if is_remote(store) or is_remote(out):
        return
    inside, whole = Path(os.path.realpath(out)), Path(os.path.realpath(store))
    if inside == whole or (inside.is_relative_to(whole) and inside.relative_to(whole).parts[0] in OWN):
        raise StoreError(f"{out} belongs to the store {store}: write to another place")


def _refuse(entry: os.DirEntry[str], folders: list[str]) -> None:
    """Fail unless an entry is a file or a folder; a folder is looked into later."""
    if entry.is_symlink():
        raise StoreError(
            f"{entry.path} is a link, and a store must not have links: copy the store with `cp -rL`, or "
            "download it with `hf download --local-dir`"
        )
    if entry.is_dir(follow_symlinks=False):
        folders.append(entry.path)
    elif not entry.is_file(follow_symlinks=False):
        with suppress(FileNotFoundError):
            entry.stat(follow_symlinks=False)  # it may have been removed just now
            raise StoreError(f"{entry.path} is not a regular file: remove it from the store")
