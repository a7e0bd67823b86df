"""Files that a store has replaced: they stay for a while, for readers that opened it before.

`.build/retired.json` has each shard, ledger and figure with the time when it was replaced; only files that
the store's own merdata.json or change.json named come into it. A protocol's table has one name, so a copy of
the table before goes to `.build/splits`; its age is that of the file.
"""

from __future__ import annotations

import time
from collections.abc import Container, Iterable
from pathlib import Path

from merdata.io.files import remove, write_json
from merdata.io.outside import read_json
from merdata.io.places import is_remote
from merdata.store.facts import StoredFile, is_hashed_file

RETIRED = ".build/retired.json"
EARLIER_SPLITS = ".build/splits"
GRACE = 600.0  # seconds
Times = dict[StoredFile, float]


def retired(store: Path) -> dict[str, float]:
    """Path below the store -> time when it was replaced, of the files that are kept for readers."""
    try:
        times: dict[str, float] = read_json(store / RETIRED, Times)
    except (OSError, ValueError):
        return {}
    return times


def retire(store: Path, replaced: Iterable[str], named: Container[str], grace: float = GRACE) -> None:
    """Note what was replaced, and remove what was replaced long enough ago.

    Args:
        store: its folder, locked.
        replaced: paths below it that its merdata.json named before, or names now.
        named: paths that its merdata.json names now.
        grace: seconds that a replaced file stays.

    Raises:
        StoreError: a file cannot be removed, or the list cannot be written.
    """
    before, now = retired(store), time.time()
    times = {path: before.get(path, now) for path in {*before, *replaced} if path not in named}
    kept = {path: replaced_at for path, replaced_at in times.items() if now - replaced_at < grace}
    for path in times.keys() - kept.keys():
        remove(store / path)
    kept = {path: replaced_at for path, replaced_at in kept.items() if (store / path).exists()}
    if kept:
        write_json(store / RETIRED, kept)
    else:
        remove(store / RETIRED)
    for table in (store / EARLIER_SPLITS).glob("*.parquet"):
        if is_hashed_file(table.name) and now - table.stat().st_mtime >= grace:
            remove(table)


def retired_bytes(store: Path) -> int:
    """Size of the files that are kept for readers; of a remote store it is not known."""
    if is_remote(store):
        return 0
    paths = (store / path for path in retired(store))
    return sum(path.stat().st_size for path in paths if path.exists())
