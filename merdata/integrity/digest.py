"""The logical digest: a hash of the rows of a store, independent of the files that they are written in.

The bytes of a Parquet file depend on the version of the library that wrote it; the logical digest does not.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from json.encoder import encode_basestring_ascii  # what json.dumps writes strings with
from typing import TYPE_CHECKING

import pyarrow as pa

from merdata.utterance import METADATA_COLUMNS

if TYPE_CHECKING:
    from merdata.store.ledger import Record
    from merdata.store.store import Store

ROWS_AT_ONCE = 10_000  # whose columns are in memory beside their lines


@dataclass(frozen=True)
class Lines:
    """Rows of a store, in the order of their ids.

    Attributes:
        ids: of the rows.
        lines: each row as a JSON list in ASCII, in the order of METADATA_COLUMNS.
    """

    ids: pa.Array
    lines: pa.ChunkedArray

    def cells(self, places: pa.Array) -> Iterator[Record]:
        """Some rows, by column."""
        for line in self.lines.take(places).to_pylist():
            yield dict(zip(METADATA_COLUMNS, json.loads(line), strict=True))

    def texts(self) -> Iterator[bytes]:
        """The lines, many at a time, each with its end."""
        for chunk in self.lines.chunks:
            yield "".join(f"{line}\n" for line in chunk.to_pylist()).encode("ascii")


def in_order(corpora: Iterable[str]) -> list[str]:
    """Corpora in the order of their rows' ids, which begin with `<corpus>/`."""
    return sorted(set(corpora), key=lambda name: f"{name}/")


def corpus_lines(store: Store, corpus: str) -> Lines:
    """Every column of a corpus but the audio, row by row; the label by its name.

    Raises:
        StoreError: a shard is missing or unreadable.
    """
    import pyarrow.compute as pc

    if not store.shards([corpus]):
        return Lines(pa.array([], pa.string()), pa.chunked_array([], pa.large_string()))
    table = store.rows(corpora=[corpus]).combine_chunks()
    table = table.take(pc.sort_indices(table["id"]))
    parts = [_lines(table.slice(start, ROWS_AT_ONCE)) for start in range(0, len(table), ROWS_AT_ONCE)]
    return Lines(table["id"].combine_chunks(), pa.chunked_array(parts, pa.large_string()))


def logical_digest(store: Store) -> str:
    """SHA-256 over the rows of a store, a corpus at a time.

    It covers every column; the audio by the hash of its samples (`audio_sha256`, which `verify --deep`
    compares with the audio). It does not depend on shards and their order.

    Raises:
        StoreError: a shard is missing or unreadable.
    """
    digest = hashlib.sha256()
    for corpus in in_order(store.corpora):
        for text in corpus_lines(store, corpus).texts():
            digest.update(text)
    return digest.hexdigest()


def _lines(rows: pa.Table) -> pa.Array:
    import pyarrow.compute as pc

    start, comma, end, nothing = (pa.scalar(text, pa.large_string()) for text in ("[", ", ", "]", ""))
    cells = (_json(rows[name].combine_chunks()) for name in METADATA_COLUMNS)
    return pc.binary_join_element_wise(start, pc.binary_join_element_wise(*cells, comma), end, nothing)


def _json(column: pa.Array) -> pa.Array:
    """Each value as JSON; a value that many rows have is written once."""
    if pa.types.is_nested(column.type):
        return pa.array(map(json.dumps, column.to_pylist()), pa.large_string())
    encoded = column.dictionary_encode()
    write = encode_basestring_ascii if pa.types.is_string(column.type) else json.dumps
    written = pa.array([*map(write, encoded.dictionary.to_pylist()), "null"], pa.large_string())
    return written.take(encoded.indices.fill_null(len(written) - 1))
