"""What must not leave this machine: its paths and its tokens, wherever in a store they are."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from merdata.errors import StoreError

PICTURES = {".png"}  # random bytes may look like anything
SPOKEN = {"text", "raw_text", "audio.bytes"}  # what people say, not what a program wrote
SECRETS = {
    "a path of this machine": re.compile(
        r"(?:^|[\s\"'(=`\[<>,;])(?:/[^\s/\"']+/|~/|[A-Za-z]:[\\/]|\\\\\w)|file://"
    ),
    "a token": re.compile(r"\bhf_[A-Za-z0-9]{20,}"),
}


def check_privacy(folder: Path) -> None:
    """Check that no file names a path of this machine or contains a token.

    Raises:
        StoreError: a file below `folder` does.
    """
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        for text in _texts(path):
            for what, pattern in SECRETS.items():
                if pattern.search(text):
                    raise StoreError(
                        f"{path.relative_to(folder)} contains {what}, so nothing was uploaded: "
                        "remove it, or build again"
                    )


def _texts(path: Path) -> Iterator[str]:
    if path.suffix == ".parquet":
        yield from _cells(path)
    elif path.suffix not in PICTURES:
        yield from path.read_text("utf-8", errors="ignore").splitlines()


def _cells(path: Path) -> Iterator[str]:
    """The strings of a table, each once, and those of its metadata; without the transcripts."""
    file = pq.ParquetFile(path)
    yield from (value.decode("utf-8", "replace") for value in (file.schema_arrow.metadata or {}).values())
    names = [file.schema.column(index).path for index in range(len(file.schema))]
    table = file.read(columns=[name for name in names if name not in SPOKEN])
    for column in table.columns:
        for strings in _strings(column):
            yield from (text for text in pc.unique(strings).to_pylist() if text)


def _strings(column: pa.ChunkedArray) -> Iterator[pa.ChunkedArray]:
    if pa.types.is_string(column.type):
        yield column
    elif pa.types.is_list(column.type):
        yield from _strings(pc.list_flatten(column))
    elif pa.types.is_struct(column.type):
        for index in range(column.type.num_fields):
            yield from _strings(pc.struct_field(column, index))
