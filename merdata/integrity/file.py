"""Check one file of a store against its hash in merdata.json, and a shard also against the store's schema."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from merdata.audio.clip import wav_bytes
from merdata.io.files import file_sha256
from merdata.io.outside import cut
from merdata.io.parquet import open_source, read_group, read_open
from merdata.io.places import to_read
from merdata.store.ledger import Record
from merdata.store.manifest import MANIFEST
from merdata.store.store import is_of
from merdata.utterance import SAMPLE_RATE, store_schema

_schema = cache(store_schema)
COMPARED = ["id", "corpus", "source_sha256", "audio_sha256", "seconds"]  # columns that ledgers tell too
HEARD = ["id", "audio", "seconds", "audio_sha256"]


@dataclass(frozen=True)
class FileCheck:
    """What another process needs to check one file.

    Attributes:
        store: its folder.
        name: path of the file below it.
        allowed: SHA-256 values that the file may have.
        rows, classes: of a shard; None and empty for other files.
        deep: whether to check the clips too.
    """

    store: Path
    name: str
    allowed: tuple[str, ...]
    rows: int | None = None
    classes: tuple[str, ...] = ()
    deep: bool = False


@dataclass(frozen=True)
class FileReport:
    """The faults of a file, one sentence each; and of a shard the columns COMPARED."""

    faults: list[str]
    rows: pa.Table | None = None


def check_file(check: FileCheck) -> FileReport:
    """Whether a file is as it was written."""
    path = check.store / check.name
    repair = "split again" if check.name.startswith("splits/") else "run `merdata build` again"
    try:
        if file_sha256(path) not in check.allowed:
            return FileReport(
                [f"{check.name} is not as it was written (its SHA-256 differs): delete it and {repair}"]
            )
        return _of_shard(check, path) if check.rows is not None else FileReport([])
    except FileNotFoundError:
        return FileReport([f"{check.name} is missing, which {MANIFEST} names: {repair}"])
    except (OSError, pa.ArrowException) as error:
        return FileReport([f"{check.name} cannot be read ({cut(error)}): delete it and {repair}"])


def _of_shard(check: FileCheck, path: Path) -> FileReport:
    source = to_read(path)
    with open_source(source) as file:
        schema, rows, ours = file.schema_arrow, file.metadata.num_rows, _schema(check.classes)
        if not schema.equals(ours) or schema.metadata != ours.metadata:
            fault = f"{check.name} does not have the columns and classes of the store: build it again"
            return FileReport([fault])
        if rows != check.rows:
            return FileReport([f"{check.name} has {rows} rows, {MANIFEST} says {check.rows}: build it again"])
        table = read_open(file, source, COMPARED)
        if not is_of(table, check.name.split("/")[1]):
            return FileReport([f"{check.name} has rows of another corpus: build it again"])
        return FileReport(list(_of_clips(check, file)) if check.deep else [], table)


def _of_clips(check: FileCheck, file: pq.ParquetFile) -> Iterator[str]:
    for group in range(file.num_row_groups):
        for row in read_group(file, group, HEARD).to_pylist():
            if wrong := _of_clip(row):
                yield f"{check.name}: the clip of {row['id']} {wrong}: build it again"


def _of_clip(row: Record) -> str | None:
    data = row["audio"]["bytes"] or b""
    samples = np.frombuffer(data[44 : 44 + (len(data) - 44) // 2 * 2], "<i2")
    if wav_bytes(samples) != data:
        return "is not a 16 kHz mono PCM16 WAV with a header of 44 bytes"
    if hashlib.sha256(samples.tobytes()).hexdigest() != row["audio_sha256"]:
        return "does not have the samples of its audio_sha256"
    if row["seconds"] != np.float32(len(samples) / SAMPLE_RATE):
        return f"is not {row['seconds']} seconds long"
    return None
