"""The metadata of a store as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa
from tqdm import tqdm

from merdata.io.files import write_atomically
from merdata.io.places import place
from merdata.store.links import check_output
from merdata.store.protocol import load_protocol
from merdata.store.store import Store, open_store
from merdata.text import has_ink

ROWS_AT_ONCE = 10_000  # that are Python objects
# A spreadsheet evaluates a cell that begins with one of FORMULAS, and pandas reads one of MISSING as empty,
# whether it is quoted or not. An apostrophe before the text, OWASP's remedy, keeps both as text.
FORMULAS = ("=", "+", "-", "@", "\t", "\r", "\n")
MISSING = {
    "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A",
    "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
}  # fmt: skip


def export_csv(
    store: str | Path | Store,
    path: str | Path,
    *,
    protocol: str | None = None,
    fold: int | str = 0,
    corpora: Iterable[str] | None = None,
) -> int:
    """Write every column except the audio, as UTF-8; lists are JSON, `label` is a class name.

    Args:
        store: the store, or its folder or URL.
        path: of the file.
        protocol: adds a column `split`, empty for rows that it leaves out.
        fold: of the protocol, by number or name.
        corpora: only these.

    Returns:
        The number of rows.

    Raises:
        CorpusNotFound: the store does not have one of these corpora.
        SplitError: there is no such protocol or fold.
        StoreError: the store cannot be read, or the file cannot be written.
    """
    store = open_store(store)
    check_output(store.path, place(path))
    rows = store.rows(corpora=store.named(corpora))
    if protocol is not None:
        splits = load_protocol(store, protocol).split_column(rows["id"], fold)
        rows = rows.append_column("split", splits)
    with (
        write_atomically(place(path)) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
        tqdm(desc="export", total=len(rows), unit="row", disable=None) as bar,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(rows.column_names)
        for start in range(0, len(rows), ROWS_AT_ONCE):
            part = rows.slice(start, ROWS_AT_ONCE)
            writer.writerows(zip(*map(_cells, part.columns), strict=True))
            bar.update(len(part))
    return len(rows)


def _cells(column: pa.ChunkedArray) -> Iterable[Any]:
    """The cells of a column; a text that many rows have is looked at once."""
    if not pa.types.is_string(column.type):
        return map(_cell, column.to_pylist())
    encoded = column.combine_chunks().dictionary_encode()
    cells = [*map(_cell, encoded.dictionary.to_pylist()), None]
    return (cells[code] for code in encoded.indices.fill_null(-1).to_pylist())


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if not isinstance(value, str):
        return value
    if not has_ink(value):
        return ""
    return f"'{value}" if value.startswith(FORMULAS) or value in MISSING else value
