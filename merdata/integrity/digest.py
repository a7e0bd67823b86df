"""The logical digest: a hash of the rows of a store, independent of the files that they are written in.

The bytes of a Parquet file depend on the version of the library that wrote it; the logical digest does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from merdata.utterance import METADATA_COLUMNS

if TYPE_CHECKING:
    from merdata.store.store import Store

Cells = tuple[Any, ...]  # of a row, in the order of METADATA_COLUMNS


def rows_by_id(store: Store) -> dict[str, Cells]:
    """id -> every column but the audio, in the order of the ids; the label by its name.

    Raises:
        StoreError: a shard is missing or unreadable.
    """
    table = store.rows()
    columns = (table[name].to_pylist() for name in METADATA_COLUMNS)
    position = METADATA_COLUMNS.index("id")
    rows = sorted(zip(*columns, strict=True), key=lambda cells: str(cells[position]))
    return {cells[position]: cells for cells in rows}


def logical_digest(rows: Mapping[str, Cells]) -> str:
    """SHA-256 over the rows of a store, as `rows_by_id` returns them.

    It covers every column; the audio by the hash of its samples (`audio_sha256`, which `verify --deep`
    compares with the audio). It does not depend on shards and their order.
    """
    digest = hashlib.sha256()
    for cells in rows.values():
        digest.update(json.dumps(cells).encode("ascii") + b"\n")
    return digest.hexdigest()
