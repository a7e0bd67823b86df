"""A store's files lie in its folder: nothing below it is a link, a pipe or a device."""

from __future__ import annotations

import os
from pathlib import Path

from merdata.errors import StoreError
from merdata.io.links import irregular
from merdata.io.places import is_remote

FOLDERS = ("data", "ledger", "splits", "figures", "layers", ".build", ".cache")
FILES = ("merdata.json", "README.md", "LICENSE.md")
OWN = (*FOLDERS, *FILES)


def refuse_links(store: Path) -> None:
    """Fail if anything in a store that merdata reads or writes is not a regular file or a folder.

    The store's folder itself may be a link.

    Raises:
        StoreError: there is one, or a folder cannot be read.
    """
    if is_remote(store):
        return
    try:
        for entry in irregular(store, OWN):
            if entry.is_symlink():
                raise StoreError(
                    f"{entry.path} is a link, and a store must not have links: copy the store with `cp -rL`, "
                    "or download it with `hf download --local-dir`"
                )
            raise StoreError(f"{entry.path} is not a regular file: remove it from the store")
    except OSError as error:
        raise StoreError(f"cannot read {error.filename}: {error.strerror or error}") from error


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
