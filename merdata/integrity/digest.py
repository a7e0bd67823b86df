"""The logical digest: what the rows of a store say, whatever wrote them into whatever files.

Parquet bytes hold the version of the library that wrote them; two stores are the same data when this agrees.
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
    at = METADATA_COLUMNS.index("id")
    return {
        cells[at]: cells for cells in sorted(zip(*columns, strict=True), key=lambda cells: str(cells[at]))
    }


def logical_digest(rows: Mapping[str, Cells]) -> str:
    """SHA-256 over the rows of a store, as `rows_by_id` gives them.

    A row counts by every column, the audio by the hash of its samples (`audio_sha256`, which
    `verify --deep` holds against the audio). Shards and their order do not count.
    """
    digest = hashlib.sha256()
    for cells in rows.values():
        digest.update(json.dumps(cells).encode("ascii") + b"\n")
    return digest.hexdigest()
