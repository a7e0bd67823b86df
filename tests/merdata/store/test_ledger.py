"""The ledger of a corpus, made from the journals of its shards."""

from __future__ import annotations

import pyarrow as pa

from merdata.store.ledger import LEDGER_SCHEMA, STORED, make_ledger


def test_a_large_group_of_identical_clips_names_a_few_of_them() -> None:
    """Each row names up to 20 others: 4,000 rows would name 16 million in pairs."""
    rows = [{"id": f"x/{number:04d}", "state": STORED, "audio_sha256": "0" * 64} for number in range(4_000)]
    table, twins = make_ledger([pa.Table.from_pylist(rows, LEDGER_SCHEMA)])
    named = [cell.split() for cell in table["same_audio_as"].to_pylist()]
    assert {len(others) for others in named[20:]} == {20}
    assert {len(others) for others in named[:20]} == {19}
    assert not any(row["id"] in others for row, others in zip(rows, named, strict=True))
    assert [len(group) for group in twins] == [4_000]
