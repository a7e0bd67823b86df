"""What may leave this machine: regular files of known names, with the bytes that merdata.json names."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from huggingface_hub import CommitOperationAdd

from merdata.errors import StoreError
from merdata.store.manifest import MANIFEST, files_of
from merdata.store.store import Store

NAME = r"[^/\\\x00-\x1f.][^/\\\x00-\x1f]*"
NAMES = re.compile(
    rf"README\.md|LICENSE\.md|figures/[a-z]+\.png|data/{NAME}/{NAME}\.parquet|(ledger|splits)/{NAME}\.parquet"
)


def check_regular(path: Path, root: Path) -> None:
    """Refuse a path that goes through a link, or that is not a regular file.

    Args:
        path: of the file.
        root: the folder below which nothing may be a link.

    Raises:
        StoreError: it is not a regular file, or a link leads to it.
    """
    steps = [path, *(parent for parent in path.parents if parent != root and root in parent.parents)]
    link = next((step for step in steps if step.is_symlink()), None)
    if link is not None:
        raise StoreError(f"{link} is a link, and links are not uploaded: put the file itself there")
    if path.exists() and not path.is_file():
        raise StoreError(f"{path} is not a regular file: remove it")


def names_of(store: Store) -> list[str]:
    """Paths of all files to upload, below a store that was staged.

    Raises:
        StoreError: merdata.json names a file that a store does not have.
    """
    names = sorted(files_of(store.manifest))
    strange = [name for name in names if not NAMES.fullmatch(name)]
    if strange:
        raise StoreError(
            f"{MANIFEST} names {strange[0]!r}, which is not a file of a store; nothing was uploaded"
        )
    return [*names, MANIFEST]


def additions(store: Store) -> Iterator[CommitOperationAdd]:
    """The files of a staged store, each with its hash as it was read just now.

    Raises:
        StoreError: a file is a link, or does not have the SHA-256 that merdata.json names.
    """
    expected = files_of(store.manifest)
    for name in names_of(store):
        path = store.path / name
        check_regular(path, store.path)
        if name == MANIFEST:
            yield CommitOperationAdd(name, path.read_bytes())
            continue
        addition = CommitOperationAdd(name, path)
        if addition.upload_info.sha256.hex() != expected[name]:
            raise StoreError(f"{name} changed while it was uploaded: push again")
        yield addition
