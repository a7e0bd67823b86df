"""How a store goes from one complete state to the next.

Readers start from one of two files: merdata.json (merdata) or README.md (load_dataset). Each of the two lists
the shards it means. The file name of a shard or ledger ends with the first digits of its SHA-256, so a new
file never overwrites an old one; and since README.md lists files instead of patterns, nobody reads two
versions together. A change is made under the store's lock, in this order:

1. `.build/change.json`: every path of the old and of the new state, with the SHA-256 values that it may have;
2. new shards and ledgers under their own names; a protocol's table by rename;
3. README.md, then merdata.json, by rename: readers of each see the old store before, the new one after;
4. `.build/change.json` is removed.

Files of the old state stay for GRACE seconds, because a reader may have opened the store just before; the
first build, split or card after that removes them (`merdata.store.retired`). So a store takes its own size
and that of what was replaced in the last ten minutes, or since its last change.

On object stores (S3) a file appears complete or not at all, and shards are uploaded under their final names.
There is no lock; instead merdata.json is written only if it is still the one that the change began with, and
before README.md. Files that it no longer names are kept for a day, because others may be reading them or may
be about to name them.

After a crash both files lead to complete stores. While `.build/change.json` exists, `verify` accepts both
states; the next build or split completes this change or makes another.
"""

from __future__ import annotations

import hashlib
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from merdata.errors import RemoteError, StoreError
from merdata.io.files import TEMPORARY, file_sha256, remove, write_bytes, write_json, write_text
from merdata.io.outside import read_json
from merdata.io.places import is_remote, remove_folder, replace_version
from merdata.io.scratch import remove_scratch
from merdata.store.facts import NAME, Manifest, Sha256, StoredFile
from merdata.store.links import FILES, FOLDERS, refuse_links
from merdata.store.manifest import files_of, read_manifest, write_manifest
from merdata.store.retired import retire
from merdata.store.store import Store

CHANGE = ".build/change.json"
CARD = "README.md"
WORKING = ("decoding", "push")  # folders below `.build`, of a build or push that runs
FOR_EVER = -1.0
A_WHILE = 10.0  # seconds: another split of the same store takes less
A_DAY = 86_400.0
Change = dict[StoredFile, list[Sha256]]


@contextmanager
def locked(store: Path, wait: float = 0) -> Iterator[bool]:
    """Lock a store for writing; the operating system frees the lock when its process dies.

    Yields whether it had to wait for the lock.

    Remote stores have no such lock: there `write_manifest` refuses the second of two writers.

    Args:
        store: its folder.
        wait: seconds to wait for another process that holds the lock, or FOR_EVER.

    Raises:
        StoreError: another process holds the lock, or the store cannot be written.
    """
    refuse_links(store)
    path = store / ".build" / "lock"
    if is_remote(store):
        write_bytes(path, b"")  # tells at once whether it can be written
        yield False
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        waited = _acquire(lock, wait, store)
    except Timeout as error:
        raise StoreError(
            f"another merdata is writing {store}: wait for it to end (`merdata build --wait` does)"
        ) from error
    except OSError as error:
        raise StoreError(f"cannot write {store}: {error.strerror or error}") from error
    try:
        yield waited
    finally:
        lock.release()


def _acquire(lock: BaseFileLock, wait: float, store: Path) -> bool:
    try:
        lock.acquire(timeout=0)
        return False
    except Timeout:
        if wait == FOR_EVER:
            print(f"waiting for another merdata that is writing {store}", file=sys.stderr, flush=True)
        lock.acquire(timeout=wait)
        return True


def remove_leftovers(store: Path) -> None:
    """Remove what writers that died have left; writers of `.cache` do not take the lock."""
    if is_remote(store):  # where a file appears complete or not at all
        remove_scratch()
        return
    for folder in FOLDERS:
        if folder != ".cache":
            for path in (store / folder).rglob(f".*{TEMPORARY}"):
                remove(path)
    for path in store.glob(f".*{TEMPORARY}"):
        if path.name.startswith(tuple(f".{name}." for name in FILES)):
            remove(path)
    for name in WORKING:
        remove_folder(store / ".build" / name)


def announce(store: Path, manifest: Manifest) -> None:
    """Write down which files the store is about to get, before the first one is written."""
    allowed = {path: set(hashes) for path, hashes in announced(store).items()}  # of an interrupted change
    for path, sha256 in files_of(read_manifest(store) or manifest).items():
        allowed.setdefault(path, set()).add(sha256)
    for path, sha256 in files_of(manifest).items():
        allowed.setdefault(path, set()).add(sha256)
    write_json(store / CHANGE, {path: sorted(hashes) for path, hashes in allowed.items()})


def announced(store: Path) -> dict[str, list[str]]:
    """Path -> hashes before and after a change that has not finished."""
    try:
        change: dict[str, list[str]] = read_json(store / CHANGE, Change)
    except (OSError, ValueError):
        return {}
    return change


def conclude(store: Store, card: str) -> None:
    """Write README.md and merdata.json when shards, ledgers and protocols are in place; then clean up.

    Args:
        store: in its new state.
        card: the text of its README.md.
    """
    manifest = store.manifest
    manifest["files"] = known_files(store) | {CARD: hashlib.sha256(card.encode("utf-8")).hexdigest()}
    announce(store.path, manifest)
    if is_remote(store.path):  # merdata.json first: the second of two writers is refused there
        if "digest" not in manifest:
            _first_card(store.path, card)
        write_manifest(store.path, manifest)
        write_text(store.path / CARD, card)
    else:
        write_text(store.path / CARD, card)
        write_manifest(store.path, manifest)
    end_change(store)


def end_change(store: Store) -> None:
    """Retire what the store no longer names, once its new merdata.json is written."""
    if is_remote(store.path):
        _remove_what_is_not_named(store)
    else:
        retire(store.path, announced(store.path), files_of(store.manifest))
    remove(store.path / CHANGE)


def _first_card(store: Path, card: str) -> None:
    """README.md before the first merdata.json, unless another first build has written its own."""
    with suppress(OSError, RemoteError):
        replace_version(store / CARD, card.encode("utf-8"), None)


def known_files(store: Store) -> dict[str, str]:
    """The hashes of ledgers and protocols as they were written; in a store of format 1, as they are now.

    A table that neither merdata.json nor an interrupted change knows is not the store's.
    """
    known, change = store.manifest.get("files", {}), announced(store.path)
    paths = [path for folder in ("ledger", "splits") for path in _tables(store.path / folder)]
    names = {path.relative_to(store.path).as_posix(): path for path in paths}
    ledgers = {store.ledger_path(corpus) for corpus in store.corpora}
    unlisted = "digest" not in store.manifest
    return {
        name: _hash_now(path, known.get(name), change.get(name, []))
        for name, path in names.items()
        if path in ledgers or (name.startswith("splits/") and (unlisted or name in known or name in change))
    }


def _hash_now(path: Path, known: str | None, announced: list[str]) -> str:
    """The known hash, unless an interrupted change has already put the new file in place."""
    if known and len(announced) < 2:
        return known
    sha256 = file_sha256(path)
    return sha256 if not known or sha256 in announced else known


def _remove_what_is_not_named(store: Store) -> None:
    """Remove what a remote store no longer needs, a day later; only of corpora that it has."""
    named = files_of(store.manifest)
    for corpus in store.corpora:
        ledgers = _tables(store.path / "ledger", rf"{re.escape(corpus)}(-[0-9a-f]+)?")
        for path in [*_tables(store.path / "data" / corpus), *ledgers]:
            unnamed = path.relative_to(store.path).as_posix() not in named
            if unnamed and path.stat().st_mtime < time.time() - A_DAY:
                remove(path)


def _tables(folder: Path, name: str = NAME) -> list[Path]:
    return sorted(path for path in folder.glob("*.parquet") if re.fullmatch(name, path.stem))
