"""The table of utterances inside a page: column by column, each distinct value once, compressed."""

from __future__ import annotations

import base64
import json
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import pyarrow as pa

LEVEL = 6  # of gzip: 9 takes three times as long and saves a hundredth
GZIP = 16  # added to the size of zlib's window, it asks for gzip's header
# Of Arrow, a column is written without a Python object for each row.
Values: TypeAlias = "Sequence[Any] | pa.ChunkedArray"


@dataclass(frozen=True)
class PageColumn:
    """A column of the table.

    Attributes:
        name: used in links that filter.
        title: shown in the page.
        kind: `category` (the page offers its values as a filter), `notes` (lists; the filter offers the text
            before the first colon), `text`, `number` or `hidden`.
        values: one for each row, None where it has none.
        order: of a category's values, where it is not alphabetical.
    """

    name: str
    title: str
    kind: str
    values: Values
    order: Sequence[str] = ()


def pack(columns: Sequence[PageColumn]) -> str:
    """The table as base64 of gzipped JSON; the same table gives the same text."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, zlib.MAX_WBITS + GZIP)
    parts = [packer.compress(part.encode()) for part in _json(columns)]
    return base64.b64encode(b"".join([*parts, packer.flush()])).decode()


def _json(columns: Sequence[PageColumn]) -> Iterator[str]:
    """The table as JSON, a column at a time."""
    yield f'{{"rows":{len(columns[0].values)},"columns":['
    for number, column in enumerate(columns):
        text = json.dumps(_encode(column), separators=(",", ":"), ensure_ascii=False)
        yield f",{text}" if number else text
    yield "]}"


def _encode(column: PageColumn) -> dict[str, Any]:
    """Numbers as they are; of other columns the distinct values and, for each row, the index of its value."""
    facts = {"name": column.name, "title": column.title, "kind": column.kind}
    if column.kind == "number":
        return {**facts, "values": list(column.values)}
    values, codes = distinct(column.values)
    encoded = {**facts, "values": values, "codes": codes}
    return {**encoded, "order": list(column.order)} if column.order else encoded


def distinct(values: Values) -> tuple[list[Any], list[int]]:
    """Each distinct value once, in the order in which they come; and of each row its place there, or -1."""
    if isinstance(values, pa.ChunkedArray) and not pa.types.is_nested(values.type):
        encoded = values.combine_chunks().dictionary_encode()
        return encoded.dictionary.to_pylist(), encoded.indices.fill_null(-1).to_pylist()
    places: dict[Any, int] = {}
    listed = values.to_pylist() if isinstance(values, pa.ChunkedArray) else values
    keys = (tuple(value) if isinstance(value, list) else value for value in listed)
    codes = [-1 if key is None else places.setdefault(key, len(places)) for key in keys]
    return list(places), codes
