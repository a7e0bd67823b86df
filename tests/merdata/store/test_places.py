"""Where the rows of a store lie, by id."""

from __future__ import annotations

import pyarrow as pa
import pytest

import merdata
from merdata.store.clips import read_wavs


def test_each_id_has_its_shard_and_row(store: merdata.Store) -> None:
    shards = store.shards()
    for number, shard in enumerate(shards):
        ids = store.rows_of(shard, ["id"])["id"]
        places = store.places(ids)
        assert [place.tolist() for place in places] == [[number] * len(ids), list(range(len(ids)))]
    assert [place.tolist() for place in store.places(pa.array(["no/such row"]))] == [[-1], [-1]]
    with pytest.raises(KeyError, match="no/such row"):
        list(read_wavs(store, ["no/such row"]))
