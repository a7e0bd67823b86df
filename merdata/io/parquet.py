"""Parquet tables that somebody else may have written: read up to a bound on what they unpack to.

A column may repeat one long value a million times in a few bytes, so a file's size says nothing about its
memory. Audio is read by row group.
"""

from __future__ import annotations

import io
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from merdata.io.outside import cut
from merdata.io.places import reaching, to_read

ALWAYS = 1 << 24  # bytes that any table may unpack to
TIMES = 200  # as many times its size, a table may unpack to: ids and labels compress well
GROUP = 1 << 30  # bytes that a row group with audio may unpack to
REPEATING = {"RLE_DICTIONARY", "PLAIN_DICTIONARY"}
ENCODINGS = {"PLAIN", "RLE", "BIT_PACKED", *REPEATING}  # as pyarrow writes them
METADATA = {"thrift_string_size_limit": 1 << 24, "thrift_container_size_limit": 1 << 20}


def open_table(path: Path, *, small: bool = False, **options: Any) -> pq.ParquetFile:
    """A Parquet file whose metadata is bounded; a remote one that is small comes in one request.

    Raises:
        OSError, pa.ArrowInvalid: it cannot be read.
        RemoteError: it is remote and could not be reached.
    """
    return open_source(to_read(path, small=small), **options)


def open_source(source: Any, **options: Any) -> pq.ParquetFile:
    """As `open_table`, of a path, bytes or an open file."""
    remote = not isinstance(source, Path | io.BytesIO)  # columns that lie near each other come in one request
    return pq.ParquetFile(source, pre_buffer=remote, **METADATA, **options)


def read_table(path: Path, columns: Sequence[str] | None = None, *, small: bool = False) -> pa.Table:
    """A table without audio.

    Raises:
        OSError, pa.ArrowInvalid: it cannot be read, lacks a column, or unpacks to far more than its size.
        RemoteError: it is remote and could not be reached.
    """
    with reaching(path):
        return read_parquet(to_read(path, small=small), columns)


def read_group(file: pq.ParquetFile, group: int, columns: Sequence[str]) -> pa.Table:
    """Some columns of one row group, audio among them.

    Raises:
        OSError, pa.ArrowInvalid: it cannot be read, or unpacks to more than GROUP bytes.
    """
    _check_group(file, group, columns)
    return file.read_row_group(group, list(columns), use_threads=False)


def check_groups(file: pq.ParquetFile) -> None:
    """Fail if a row group unpacks to more than GROUP bytes.

    Raises:
        pa.ArrowInvalid: one does.
    """
    for group in range(file.num_row_groups):
        _check_group(file, group, None)


def _check_group(file: pq.ParquetFile, group: int, columns: Sequence[str] | None) -> None:
    if _at_most(_chunks(file, columns, [group])) > GROUP:
        raise pa.ArrowInvalid(f"row group {group} unpacks to more than {GROUP / 1e6:,.0f} MB")


def read_parquet(source: Any, columns: Sequence[str] | None = None) -> pa.Table:
    """As `read_table`, of a path, bytes or an open file."""
    source = io.BytesIO(source) if isinstance(source, bytes) else source
    with open_source(source) as file:
        return read_open(file, source, columns)


def read_open(file: pq.ParquetFile, source: Any, columns: Sequence[str] | None = None) -> pa.Table:
    """As `read_table`, of a file that is open, and its source."""
    chunks = list(_chunks(file, columns, range(file.num_row_groups)))
    most = ALWAYS + TIMES * sum(chunk.total_compressed_size for chunk in chunks)
    if _at_most(chunks) <= most:
        return file.read(columns, use_threads=False)
    if sum(chunk.total_uncompressed_size for chunk in chunks) > most:
        raise pa.ArrowInvalid(f"it unpacks to more than {most / 1e6:,.0f} MB")
    texts = {chunk.path_in_schema for chunk in chunks if chunk.physical_type == "BYTE_ARRAY"}
    return _measured(source, columns, sorted(texts), most)


def check_columns(table: pa.Table, schema: pa.Schema) -> None:
    """Fail if a column has another type than `schema` gives it, or an id or corpus is null.

    Raises:
        pa.ArrowInvalid: one has.
    """
    for field in table.schema:
        if field.name in schema.names and field.type != schema.field(field.name).type:
            raise pa.ArrowInvalid(f"column {field.name} is {cut(field.type)}")
        if field.name in ("id", "corpus") and table[field.name].null_count:
            raise pa.ArrowInvalid(f"column {field.name} has empty cells")


def _measured(source: Any, columns: Sequence[str] | None, texts: list[str], most: int) -> pa.Table:
    """A table whose unpacked size is not known in advance: repeated values are counted, then written out."""
    if hasattr(source, "seek"):
        source.seek(0)
    with open_source(source) as plain:
        kinds = plain.schema_arrow
    if hasattr(source, "seek"):
        source.seek(0)
    with open_source(source, read_dictionary=texts) as file:
        parts, size = [], 0
        for group in range(file.num_row_groups):
            part = file.read_row_group(group, columns, use_threads=False)
            size += sum(_unpacked(chunk) for column in part.columns for chunk in column.chunks)
            if size > most:
                raise pa.ArrowInvalid(f"it unpacks to more than {most / 1e6:,.0f} MB")
            parts.append(part)
    table = pa.concat_tables(parts) if parts else file.schema_arrow.empty_table()
    fields = [kinds.field(name) for name in table.column_names]
    return table.cast(pa.schema(fields, kinds.metadata))


def _unpacked(array: Any) -> int:
    """Bytes of an array whose dictionaries, also those inside lists and structs, are written out."""
    import pyarrow.compute as pc

    if pa.types.is_dictionary(array.type):
        lengths = pc.binary_length(array.dictionary)
        return int(pc.sum(lengths.take(array.indices)).as_py() or 0)
    if pa.types.is_list(array.type):
        return int(array.nbytes) + _unpacked(array.flatten())
    if pa.types.is_struct(array.type):
        return sum(_unpacked(inner) for inner in array.flatten())
    return int(array.nbytes)


def _chunks(file: pq.ParquetFile, columns: Sequence[str] | None, groups: Iterable[int]) -> Iterator[Any]:
    """The column chunks of some columns, or of parts of them such as `audio.path`, and some row groups.

    `file.schema` would keep its metadata in memory.

    Raises:
        pa.ArrowInvalid: a column is missing.
    """
    wanted, there = set(columns or ()), set(file.schema_arrow.names)
    if missing := {name for name in wanted - there if name.partition(".")[0] not in there}:
        raise pa.ArrowInvalid(f"it has no column {cut(', '.join(sorted(missing)))}")
    for group in groups:
        rows = file.metadata.row_group(group)
        for leaf in range(rows.num_columns):
            chunk = rows.column(leaf)
            path = chunk.path_in_schema
            if columns is None or path in wanted or path.partition(".")[0] in wanted:
                yield chunk


def _at_most(chunks: Iterable[Any]) -> int:
    """A bound on the bytes that column chunks unpack to: repeated values may all be as large as the chunk.

    Raises:
        pa.ArrowInvalid: a column is written in a way that has no such bound.
    """
    most = 0
    for chunk in chunks:
        encodings = set(chunk.encodings)
        if not encodings <= ENCODINGS:
            raise pa.ArrowInvalid(f"column {cut(chunk.path_in_schema)} has an unusual encoding")
        if chunk.physical_type != "BYTE_ARRAY":
            most += chunk.num_values * 8
        elif encodings & REPEATING:
            most += chunk.num_values * chunk.total_uncompressed_size
        else:
            most += chunk.total_uncompressed_size
    return most
