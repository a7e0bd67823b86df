"""A folder of WAV files that `load_dataset("audiofolder", data_dir=DIR)` reads.

DIR/[SPLIT/]metadata.parquet      file_name and the metadata of each file
DIR/[SPLIT/]<corpus>/....wav      the store's bytes

Parquet states the type of each column and which cells are missing. In csv and jsonl readers guess both:
a transcript "NA", "None" or "null" would be missing, however it is quoted, and speaker "01" would be 1.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from merdata.errors import StoreError
from merdata.io.files import write_folder_atomically
from merdata.io.names import safe_names
from merdata.io.places import place
from merdata.stats import UNKNOWN, UNLABELLED
from merdata.store.clips import read_wavs
from merdata.store.links import check_output
from merdata.store.protocol import SPLITS, load_protocol
from merdata.store.store import Store, open_store
from merdata.text import has_ink
from merdata.utterance import is_silenced

COLUMNS = (
    "id", "corpus", "text", "label", "raw_label", "speaker", "gender", "language", "seconds", "notes",
)  # fmt: skip
SCHEMA = pa.schema(
    [("file_name", pa.string())]
    + [(name, pa.float32() if name == "seconds" else pa.string()) for name in COLUMNS if name != "notes"]
    + [("silenced", pa.bool_())]
)


def export_wav(
    store: str | Path | Store,
    folder: str | Path,
    *,
    protocol: str | None = None,
    fold: int | str = 0,
    corpora: Iterable[str] | None = None,
) -> dict[str, int]:
    """Write the WAV files and their metadata, all or nothing.

    Args:
        store: the store, or its folder or URL.
        folder: where to write; it must be empty or not exist.
        protocol: gives each split a folder; rows outside it are not exported.
        fold: of the protocol, by number or name.
        corpora: only these.

    Returns:
        Rows by split; by "" without a protocol.

    Raises:
        CorpusNotFound: the store does not have one of these corpora.
        SplitError: there is no such protocol or fold.
        StoreError: the store cannot be read, has no such rows, or the folder cannot be written.
    """
    store, folder = open_store(store), place(folder)
    check_output(store.path, folder)
    table = _metadata(store, corpora)
    if protocol is not None:
        table["split"] = table["id"].map(load_protocol(store, protocol).splits(fold))
        table = table[table["split"].notna()]
    if table.empty:
        raise StoreError(f"{store.path} has no row to export: name other corpora or another fold")
    table["path"] = (table["split"] + "/" if protocol else "") + table["file_name"]
    parts = {split: table[table["split"] == split] for split in SPLITS} if protocol else {"": table}
    with write_folder_atomically(folder) as temporary:
        ids, paths = table["id"].tolist(), table["path"].tolist()
        clips = tqdm(read_wavs(store, ids), desc="export", total=len(ids), unit="clip", disable=None)
        for (_, wav), path in zip(clips, paths, strict=True):
            (temporary / path).parent.mkdir(parents=True, exist_ok=True)
            (temporary / path).write_bytes(wav)
        for split, part in parts.items():
            if len(part):
                typed = pa.Table.from_pandas(part, SCHEMA, preserve_index=False)
                pq.write_table(typed.replace_schema_metadata(None), temporary / split / "metadata.parquet")
    return {split: len(part) for split, part in parts.items() if len(part)}


def _metadata(store: Store, corpora: Iterable[str] | None) -> pd.DataFrame:
    """The rows; `<corpus>/<speaker>` keeps speakers of several corpora apart."""
    table: pd.DataFrame = store.rows(COLUMNS, store.named(corpora)).select(COLUMNS).to_pandas()
    table["text"] = table["text"].where(table["text"].map(has_ink, na_action="ignore").eq(True))
    table["label"] = table["label"].fillna(UNLABELLED)
    table["gender"] = table["gender"].fillna(UNKNOWN)
    table["speaker"] = table["corpus"] + "/" + table["speaker"]
    table["silenced"] = [is_silenced(notes) for notes in table.pop("notes")]
    names = safe_names(table["id"].tolist(), ".wav")
    table.insert(0, "file_name", table["id"].map(names))
    return table
