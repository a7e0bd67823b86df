"""The split that a corpus was published with."""

from __future__ import annotations

import pyarrow as pa


def official(rows: pa.Table) -> dict[str, str] | None:
    """id -> split as published, or None where some row has none."""
    splits = rows["official_split"].to_pylist()
    if None in splits:
        return None
    return dict(zip(rows["id"].to_pylist(), splits, strict=True))
