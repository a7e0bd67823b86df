"""Additions to a finished store: a protocol's table, another README.md."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from pathlib import Path

from merdata.errors import StoreError
from merdata.io.files import write_bytes
from merdata.io.places import is_remote, read_bytes
from merdata.store.commit import (
    A_WHILE,
    announce,
    conclude,
    end_change,
    known_files,
    locked,
    remove_leftovers,
)
from merdata.store.facts import Manifest
from merdata.store.manifest import read_manifest, split_path, write_manifest
from merdata.store.protocol import Protocol, earlier_protocol, protocol_bytes, protocol_path
from merdata.store.readme import make_card
from merdata.store.store import Store


def keep_protocol(store: Store, protocol: Protocol) -> None:
    """Write a protocol's table into the store, and its configs into the store's README.md.

    Raises:
        StoreError: another process is writing the store or has rebuilt it, or it cannot be written.
    """
    path, data = protocol_path(store, protocol.name), protocol_bytes(protocol)
    with locked(store.path, A_WHILE):
        remove_leftovers(store.path)
        manifest = _as_it_was(store)
        name = split_path(protocol.name)
        before = manifest.get("files", {}).get(name)
        manifest.setdefault("files", {})[name] = hashlib.sha256(data).hexdigest()
        store.manifest = manifest
        announce(store.path, manifest)
        _keep_earlier(store.path, protocol.name, before)
        write_bytes(path, data)
        conclude(store, make_card(store)[0])


def _keep_earlier(store: Path, protocol: str, sha256: str | None) -> None:
    """Keep the table that is about to be replaced, for readers that opened the store before."""
    with suppress(FileNotFoundError):
        data = read_bytes(store / split_path(protocol))
        if hashlib.sha256(data).hexdigest() == sha256 and not is_remote(store):
            write_bytes(store / earlier_protocol(protocol, sha256), data)


def keep_card(store: Store, files: dict[str, bytes]) -> None:
    """Write another README.md into the store, and the files that it shows.

    Args:
        store: that the card was made from.
        files: path below the store -> bytes, including README.md.

    Raises:
        StoreError: another process is writing the store or has rebuilt it, or it cannot be written.
    """
    with locked(store.path, A_WHILE):
        remove_leftovers(store.path)
        store.manifest = manifest = _as_it_was(store)
        hashes = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
        manifest["files"] = known_files(store) | hashes
        announce(store.path, manifest)
        for name, data in files.items():
            write_bytes(store.path / name, data)
        write_manifest(store.path, manifest)
        end_change(store)


def _as_it_was(store: Store) -> Manifest:
    """The manifest as it is now, if no build has changed the rows since the store was opened."""
    manifest = read_manifest(store.path)
    if manifest is None or manifest["shards"] != store.manifest["shards"]:
        raise StoreError(f"{store.path} was rebuilt while this ran; run it again")
    return manifest
