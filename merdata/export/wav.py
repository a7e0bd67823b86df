"""A folder of WAV files that `load_dataset("audiofolder", data_dir=DIR)` reads.

DIR/[SPLIT/]metadata.csv          file_name and the metadata of each file
DIR/[SPLIT/]<corpus>/....wav      the store's bytes
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import pandas as pd
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
from merdata.utterance import is_silenced

COLUMNS = (
    "id", "corpus", "text", "label", "raw_label", "speaker", "gender", "language", "seconds", "notes",
)  # fmt: skip


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
        for split, part in _alike(parts).items():
            part.to_csv(temporary / split / "metadata.csv", index=False, lineterminator="\n")
    return {split: len(part) for split, part in parts.items() if len(part)}


def _metadata(store: Store, corpora: Iterable[str] | None) -> pd.DataFrame:
    """The table, safe from readers that guess types: speaker 01 becomes `<corpus>/01`."""
    table: pd.DataFrame = store.rows(COLUMNS, store.named(corpora)).select(COLUMNS).to_pandas()
    table["label"] = table["label"].fillna(UNLABELLED)
    table["gender"] = table["gender"].fillna(UNKNOWN)
    table["speaker"] = table["corpus"] + "/" + table["speaker"]
    table["silenced"] = [is_silenced(notes) for notes in table.pop("notes")]
    names = safe_names(table["id"].tolist(), ".wav")
    table.insert(0, "file_name", table["id"].map(names))
    return table


def _alike(parts: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """Tables whose columns have the same type in each split: audiofolder takes it from the first rows.

    So rows with a transcript come first, and if a split has no transcripts, no split has the column.
    """
    parts = {split: part for split, part in parts.items() if len(part)}
    has_text = [part["text"].notna().any() for part in parts.values()]
    left_out = ["split", "path"] if all(has_text) else ["split", "path", "text"]
    return {
        split: pd.concat([part[part["text"].notna()], part[part["text"].isna()]]).drop(
            columns=left_out, errors="ignore"
        )
        for split, part in parts.items()
    }
