"""What may leave this machine: the files of a staged store, with the bytes that its merdata.json names."""

from __future__ import annotations

from collections.abc import Iterator

from huggingface_hub import CommitOperationAdd

from merdata.errors import StoreError
from merdata.store.facts import is_stored_file
from merdata.store.manifest import MANIFEST, files_of
from merdata.store.store import Store


def names_of(staged: Store) -> list[str]:
    """Paths of all files to upload, below a staged store: merdata.json, and those that it names."""
    return [*filter(is_stored_file, sorted(files_of(staged.manifest))), MANIFEST]


def additions(staged: Store) -> Iterator[CommitOperationAdd]:
    """The files to upload, each with its hash as it was read for the upload.

    Raises:
        StoreError: a file does not have the SHA-256 that merdata.json names.
    """
    expected = files_of(staged.manifest)
    for name in names_of(staged):
        path = staged.path / name
        if name == MANIFEST:
            yield CommitOperationAdd(name, path.read_bytes())
            continue
        addition = CommitOperationAdd(name, path)
        if addition.upload_info.sha256.hex() != expected[name]:
            raise StoreError(f"{name} changed while it was uploaded: push again")
        yield addition
