"""The WAV of chosen rows, without reading the rest of their shards."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from merdata.errors import StoreError
from merdata.io.parquet import open_table, read_group
from merdata.store.store import Shard, Store, wavs_of


def read_wavs(store: Store, ids: Iterable[str]) -> Iterator[tuple[str, bytes]]:
    """Id and WAV of each row, in the given order.

    One row group is in memory at a time: rows that are neighbours in the store cost one read together.

    Raises:
        StoreError: a shard is missing or unreadable.
    """
    ids, shards = list(ids), store.shards()
    held: tuple[Shard, range] | None = None
    clips = pa.array([], pa.binary())
    for id, number, row in zip(ids, *store.places(pa.array(ids, pa.string())), strict=True):
        if number < 0:
            raise KeyError(id)
        shard = shards[number]
        if held is None or held[0] != shard or row not in held[1]:
            rows, clips = _read_group(shard, row)
            held = (shard, rows)
        yield id, clips[row - held[1].start].as_py()


def _read_group(shard: Shard, row: int) -> tuple[range, pa.Array]:
    """Positions of the rows of the group that a row is in, and their WAVs."""
    try:
        with open_table(shard.path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
            ends = np.cumsum(sizes)
            group = int(np.searchsorted(ends, row, side="right"))
            clips = wavs_of(read_group(file, group, ["audio"]))
    except FileNotFoundError as error:
        raise StoreError(f"{shard.path} is missing: run `merdata build` again") from error
    except (OSError, IndexError, pa.ArrowException) as error:
        raise StoreError(f"{shard.path} is damaged: run `merdata build` again") from error
    return range(int(ends[group]) - sizes[group], int(ends[group])), clips
