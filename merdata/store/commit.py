"""How a store goes from one whole state to the next.

Readers come in by one of two doors: merdata.json (merdata) or README.md (load_dataset), and each of the two
names the very shards it means. A shard's or ledger's file name ends with the beginning of its SHA-256, so
a new one never takes an old one's place, and since README.md lists files instead of patterns, nobody reads
two versions together. A change is put in place under the store's lock, in this order:

1. `.build/change.json`: every path of the old and of the new state, with the SHA-256 that it may have;
2. new shards and ledgers under their own names; a protocol's table by rename;
3. README.md, then merdata.json, by rename: through each door, the old store until then, the new one after;
4. shards and ledgers that merdata.json does not name are removed, and last `.build/change.json`.

Elsewhere (S3) a file comes whole or not at all, and shards come under their own names at once. Instead of the
lock, merdata.json is written only if it still is the one that the change began with, and before README.md;
what it no longer names stays for a day, because others may be reading or about to name it.

After a crash on the way both doors lead to whole stores. While `.build/change.json` is there, `verify` lets
both states pass; the next build or split makes the change, or another, whole.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import BaseFileLock, FileLock, Timeout

from merdata.errors import RemoteError, StoreError
from merdata.io.files import TEMPORARY, file_sha256, remove, write_bytes, write_json, write_text
from merdata.io.places import is_remote, read_bytes, replace_version
from merdata.io.scratch import remove_scratch
from merdata.store.manifest import Manifest, files_of, read_manifest, write_manifest
from merdata.store.store import Store

CHANGE = ".build/change.json"
CARD = "README.md"
FOR_EVER = -1.0
A_WHILE = 10.0  # seconds: another split of the same store takes less
A_DAY = 86_400.0


@contextmanager
def locked(store: Path, wait: float = 0) -> Iterator[bool]:
    """Hold a store for writing, by a lock that the operating system frees when its process dies.

    Yields whether it had to be waited for.

    Elsewhere no such lock is to be had: there `write_manifest` refuses whoever comes second.

    Args:
        store: its folder.
        wait: seconds to wait for another process that holds it, or FOR_EVER.

    Raises:
        StoreError: another process holds it, or the store cannot be written.
    """
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
    """Remove the temporary files of writers that died; `.cache` has writers of its own, without the lock."""
    if is_remote(store):  # where a file comes whole or not at all
        remove_scratch()
        return
    for path in store.rglob(f".*{TEMPORARY}"):
        if ".cache" not in path.relative_to(store).parts:
            remove(path)


def announce(store: Path, manifest: Manifest) -> None:
    """Say which files are about to come, before the first of them comes."""
    allowed = {path: set(hashes) for path, hashes in announced(store).items()}  # of one that was interrupted
    for path, sha256 in files_of(read_manifest(store) or manifest).items():
        allowed.setdefault(path, set()).add(sha256)
    for path, sha256 in files_of(manifest).items():
        allowed.setdefault(path, set()).add(sha256)
    write_json(store / CHANGE, {path: sorted(hashes) for path, hashes in allowed.items()})


def announced(store: Path) -> dict[str, list[str]]:
    """Path -> hashes of the states before and after a change that has not ended."""
    try:
        change: dict[str, list[str]] = json.loads(read_bytes(store / CHANGE))
        return {str(name): list(hashes) for name, hashes in change.items()}
    except (OSError, ValueError, AttributeError, TypeError):
        return {}


def conclude(store: Store, card: str) -> None:
    """Put README.md and merdata.json in place for shards, ledgers and protocols that are; then tidy up.

    Args:
        store: as it is to be.
        card: the text of its README.md.
    """
    manifest = store.manifest
    manifest["files"] = known_files(store) | {CARD: hashlib.sha256(card.encode("utf-8")).hexdigest()}
    announce(store.path, manifest)
    if is_remote(store.path):  # merdata.json says who of two writers comes second, and stops there
        if "digest" not in manifest:
            _first_card(store.path, card)
        write_manifest(store.path, manifest)
        write_text(store.path / CARD, card)
    else:
        write_text(store.path / CARD, card)
        write_manifest(store.path, manifest)
    _remove_what_is_not_named(store)
    remove(store.path / CHANGE)


def _first_card(store: Path, card: str) -> None:
    """README.md before the first merdata.json, unless another first build has put its own there."""
    with suppress(OSError, RemoteError):
        replace_version(store / CARD, card.encode("utf-8"), None)


def known_files(store: Store) -> dict[str, str]:
    """The hashes of ledgers and protocols: as they were written; of a store of format 1, as they are now."""
    known, change = store.manifest.get("files", {}), announced(store.path)
    paths = [path for folder in ("ledger", "splits") for path in _tables(store.path / folder)]
    names = {path.relative_to(store.path).as_posix(): path for path in paths}
    named = {store.ledger_path(corpus) for corpus in store.corpora}
    return {
        name: _hash_now(path, known.get(name), change.get(name, []))
        for name, path in names.items()
        if name.startswith("splits/") or path in named
    }


def _hash_now(path: Path, known: str | None, announced: list[str]) -> str:
    """The hash that is known, unless a change that was interrupted has already put the file in place."""
    if known and len(announced) < 2:
        return known
    sha256 = file_sha256(path)
    return sha256 if not known or sha256 in announced else known


def _remove_what_is_not_named(store: Store) -> None:
    """Only of corpora that the store has: a merdata.json made anew may not know all that lie there."""
    named = files_of(store.manifest)
    for corpus in store.corpora:
        ledgers = _tables(store.path / "ledger", rf"{re.escape(corpus)}(-[0-9a-f]+)?")
        for path in [*_tables(store.path / "data" / corpus), *ledgers]:
            unnamed = path.relative_to(store.path).as_posix() not in named
            if unnamed and not (is_remote(path) and path.stat().st_mtime > time.time() - A_DAY):
                remove(path)


def _tables(folder: Path, name: str = r"[^.].*") -> list[Path]:
    return sorted(path for path in folder.glob("*.parquet") if re.fullmatch(name, path.stem))
