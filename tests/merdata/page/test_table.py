"""The table inside a page: the same from Arrow as from Python."""

from __future__ import annotations

import base64
import gzip
import json

import pyarrow as pa

from merdata.page.table import PageColumn, pack

TEXTS = ["b", None, "a", "b", ""]
NOTES = [["x", "y"], [], ["x", "y"], ["y"], []]


def test_each_distinct_value_is_written_once_and_rows_name_its_place() -> None:
    plain = [PageColumn("text", "a text", "text", TEXTS), PageColumn("notes", "notes", "notes", NOTES)]
    arrow = [
        PageColumn("text", "a text", "text", pa.chunked_array([TEXTS[:2], TEXTS[2:]])),
        PageColumn("notes", "notes", "notes", pa.chunked_array([NOTES])),
    ]
    number = PageColumn("n", "n", "number", [1, 0.5, 3, 4, 5])
    assert pack([*plain, number]) == pack([*arrow, number])
    table = json.loads(gzip.decompress(base64.b64decode(pack([*plain, number]))))
    assert table["rows"] == 5
    assert table["columns"] == [
        {
            "name": "text",
            "title": "a text",
            "kind": "text",
            "values": ["b", "a", ""],
            "codes": [0, -1, 1, 0, 2],
        },
        {
            "name": "notes",
            "title": "notes",
            "kind": "notes",
            "values": [["x", "y"], [], ["y"]],
            "codes": [0, 1, 0, 2, 1],
        },
        {"name": "n", "title": "n", "kind": "number", "values": [1, 0.5, 3, 4, 5]},
    ]
