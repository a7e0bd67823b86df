"""The logical digest: what the rows of a store say, whatever wrote them into whatever files.

Parquet bytes hold the version of the library that wrote them; two stores are the same data when this agrees.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

from merdata.utterance import METADATA_COLUMNS

if TYPE_CHECKING:
    from merdata.store import Store

IDENTITY = METADATA_COLUMNS.index("id")


def logical_digest(store: Store) -> str:
    """SHA-256 over all rows in the order of their ids.

    A row counts by every column, the label by its name and the audio by the hash of its samples
    (`audio_sha256`, which `verify --deep` holds against the audio). Shards and their order do not count.

    Raises:
        StoreError: a shard is missing or unreadable.
    """
    table = store.rows()
    columns = (table[name].to_pylist() for name in METADATA_COLUMNS)
    digest = hashlib.sha256()
    for row in sorted(zip(*columns, strict=True), key=_id):
        digest.update(json.dumps(row, ensure_ascii=True).encode("ascii") + b"\n")
    return digest.hexdigest()


def _id(row: tuple[Any, ...]) -> str:
    return str(row[IDENTITY])
