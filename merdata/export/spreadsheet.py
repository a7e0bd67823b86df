"""The metadata of a store as CSV, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from tqdm import tqdm

from merdata.io.files import write_atomically
from merdata.io.places import place
from merdata.store.links import check_output
from merdata.store.protocol import load_protocol
from merdata.store.store import Store, open_store
from merdata.utterance import METADATA_COLUMNS

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
    split_of = load_protocol(store, protocol).splits(fold) if protocol is not None else {}
    rows = store.rows(corpora=store.named(corpora)).to_pylist()
    columns = [*METADATA_COLUMNS, *(["split"] if protocol is not None else [])]
    with (
        write_atomically(place(path)) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        for row in tqdm(rows, desc="export", unit="row", disable=None):
            cells = row | {"split": split_of.get(row["id"])}
            writer.writerow([_cell(cells[name]) for name in columns])
    return len(rows)


def _cell(value: Any) -> Any:
    if isinstance(value, list):
        return json.dumps(value, ensure_ascii=False) if value else ""
    if not isinstance(value, str):
        return value
    if not value.strip():
        return ""
    return f"'{value}" if value.startswith(FORMULAS) or value in MISSING else value
