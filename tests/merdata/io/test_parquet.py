"""Parquet: what was read leaves nothing in memory."""

from __future__ import annotations

import gc

import pyarrow.parquet as pq

import merdata
from merdata.io.parquet import open_table, read_group, read_table


def test_the_metadata_of_a_file_goes_with_it(store: merdata.Store) -> None:
    """They are 0.1 MB of each shard, which nobody frees before Python looks for cycles."""
    gc.collect()
    gc.disable()
    try:
        for shard in store.shards(["ravdess"]):
            read_table(shard.path, ["id"])
            with open_table(shard.path) as file:
                read_group(file, 0, ["id", "audio"])
        del file
        left = [value for value in gc.get_objects() if type(value) is pq.FileMetaData]
    finally:
        gc.enable()
    assert left == []
