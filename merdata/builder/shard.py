"""Build one shard: its rows, from source files to a Parquet file and its journal."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from merdata.audio import clip as audio
from merdata.audio.clip import AudioError
from merdata.builder.source import find_recording, read_source
from merdata.builder.task import JOURNAL_SCHEMA, PlannedRow, ShardTask, journal_facts, read_journal
from merdata.io.files import file_sha256, put, remove, temporary_for, write_atomically
from merdata.io.parquet import open_table, read_group
from merdata.io.places import is_remote, reaching
from merdata.store.ledger import DROPPED, SILENCED, STORED, Record
from merdata.utterance import METADATA_COLUMNS, SILENCED_NOTE, store_schema

ROWS_A_GROUP = 100  # about 10 MB: small enough to stream and shuffle, large enough to scan
BYTES_A_GROUP = 1 << 24  # of audio; fewer rows where clips are long, for a worker's memory
PASSING = ("unreadable", "changing")  # reasons that may no longer hold at the next build
_FOUND = ("seconds", "source_sha256", "audio_sha256", "notes")
_HEARD = ("decoder", "source_rate", "source_channels", "seconds", "source_sha256", "audio_sha256")
Decode = Callable[[str, Callable[[], audio.Clip]], audio.Clip]


def build_shard(task: ShardTask, decode: Decode | None = None) -> None:
    """Write a shard and then its journal, each by rename.

    Args:
        task: the shard.
        decode: calls what decodes the clip of an id, and may guard it (default: only calls it).

    Raises:
        StoreError: the store cannot be written.
    """
    with reaching(task.store):
        _build_shard(task, decode or _unguarded)


def _build_shard(task: ShardTask, decode: Decode) -> None:
    ledger: list[Record] = []
    with temporary_for(task.staged) as temporary:
        rows = _stored_rows(task, EarlierShard(task), ledger, decode)
        count = _write(rows, temporary, store_schema(task.classes))
        facts: dict[str, Any] = {"key": task.key, "rows": count, "audio_version": audio.AUDIO_VERSION}
        facts |= {"sha256": file_sha256(temporary), "bytes": temporary.stat().st_size}
        facts["passing"] = any(entry["reason"] in PASSING for entry in ledger)
        if count:
            put(temporary, task.placed(facts["sha256"]) if is_remote(task.store) else task.staged)
    if not count:
        remove(task.staged)
        facts |= {"sha256": "", "bytes": 0}
    table = pa.Table.from_pylist(ledger, JOURNAL_SCHEMA)
    table = table.replace_schema_metadata({name: str(value) for name, value in facts.items()})
    with write_atomically(task.journal) as temporary:
        pq.write_table(table, temporary)


def _unguarded(_: str, clip: Callable[[], audio.Clip]) -> audio.Clip:
    return clip()


def _stored_rows(
    task: ShardTask, earlier: EarlierShard, ledger: list[Record], decode: Decode
) -> Iterator[Record]:
    """The rows for the store, one at a time; every row's entry is appended to `ledger`."""
    for row in task.rows:
        entry, wav = _hear(task, row, earlier, decode)
        ledger.append(entry)
        if wav is not None:
            yield _store_row(row, entry, wav, task.classes)


def _hear(
    task: ShardTask, row: PlannedRow, earlier: EarlierShard, decode: Decode
) -> tuple[Record, bytes | None]:
    """The complete ledger entry of a row, and its WAV if it goes into the store."""
    entry = row.entry()
    if row.stays and not task.rehash and earlier.has(entry):
        return earlier.again(entry)
    try:
        clip, entry["source_sha256"] = _found(task.root, row)
        if row.stays and task.rehash and earlier.has_bytes(entry):
            return earlier.again(entry)
        if row.stays:
            return _with_clip(entry, decode(row.utterance.id, clip), {"state": STORED})
    except AudioError as error:
        fault = {"reason": error.reason, "detail": str(error)}
        if row.stays and task.on_bad_audio == "silence":
            entry["notes"].append(f"{SILENCED_NOTE}{error.reason}, {error}")
            return _with_clip(entry, audio.silence(), {"state": SILENCED} | fault)
        if row.stays:
            return entry | {"state": DROPPED} | fault, None
    return entry | row.why_not(), None


def _found(root: Path, row: PlannedRow) -> tuple[Callable[[], audio.Clip], str]:
    """What decodes the clip of a row, and the SHA-256 of its source."""
    source, span = row.utterance.source, row.utterance.span
    if span:
        recording, sha256 = find_recording(root, source, row.size, row.modified_ns)
        return partial(audio.normalise_span, recording, span), sha256
    data = read_source(root, source, row.size, row.modified_ns)
    path = str((root / str(source)).absolute())
    return partial(audio.normalise, data, path), hashlib.sha256(data).hexdigest()


def _with_clip(entry: Record, clip: audio.Clip, state: Record) -> tuple[Record, bytes]:
    heard = {
        "decoder": clip.decoder,
        "source_rate": clip.rate or None,
        "source_channels": clip.channels or None,
        "seconds": clip.seconds,
        "audio_sha256": clip.sha256,
        "notes": [*entry["notes"], *clip.notes],
    }
    return entry | heard | state, audio.wav_bytes(clip.samples)


def _store_row(row: PlannedRow, entry: Record, wav: bytes, classes: tuple[str, ...]) -> Record:
    record = {name: getattr(row.utterance, name, None) for name in METADATA_COLUMNS}
    record |= {name: entry[name] for name in ("id", "source", *_FOUND)}
    record["label"] = classes.index(entry["label"]) if entry["label"] else None
    record["votes"] = [asdict(vote) for vote in row.utterance.votes]
    record["audio"] = {"bytes": wav, "path": f"{record['id']}.wav"}
    return record


def _write(rows: Iterator[Record], path: Path, schema: pa.Schema) -> int:
    """Write rows in groups, as the Hub wants audio: plain, uncompressed, with a page index."""
    flat = [name for name in schema.names if name not in ("audio", "votes", "notes")]
    count = 0
    with pq.ParquetWriter(
        path,
        schema,
        compression={**dict.fromkeys(flat, "snappy"), "audio.bytes": "none"},
        use_dictionary=flat,
        write_page_index=True,
        use_content_defined_chunking=True,
    ) as writer:
        for group in _groups(rows):
            writer.write_batch(pa.RecordBatch.from_pylist(group, schema))
            count += len(group)
    return count


def _groups(rows: Iterator[Record]) -> Iterator[list[Record]]:
    group: list[Record] = []
    size = 0
    for row in rows:
        group.append(row)
        size += len(row["audio"]["bytes"])
        if len(group) == ROWS_A_GROUP or size >= BYTES_A_GROUP:
            yield group
            group, size = [], 0
    if group:
        yield group


class EarlierShard:
    """The same shard in an earlier build: audio whose source has not changed is not decoded again."""

    def __init__(self, task: ShardTask) -> None:
        self._entries: dict[str, Record] = {}
        self._group: tuple[int, dict[str, bytes]] = (-1, {})
        try:
            journal = read_journal(task.journal)
            facts = journal_facts(journal.schema)
            path = next(path for path in (task.staged, task.placed(facts.sha256)) if path.exists())
            if facts.audio_version != audio.AUDIO_VERSION or file_sha256(path) != facts.sha256:
                return
            self._file = open_table(path)
        except (OSError, StopIteration, ValueError, pa.ArrowException):
            return
        self._entries = {row["id"]: row for row in journal.to_pylist() if row["state"] == STORED}
        ids = (read_group(self._file, group, ["id"])["id"] for group in self._groups())
        self._group_of = {id: group for group, column in enumerate(ids) for id in column.to_pylist()}

    def has(self, entry: Record) -> bool:
        """Whether the row was stored from a source of the same path, size and time."""
        before = self._entries.get(entry["id"], {})
        same = ("source", "size", "modified_ns")
        return bool(before) and all(before[name] == entry[name] for name in same)

    def has_bytes(self, entry: Record) -> bool:
        """Whether the row was stored from a source with the same bytes at the same path."""
        before = self._entries.get(entry["id"], {})
        same = ("source", "source_sha256")
        return bool(before) and all(before[name] == entry[name] for name in same)

    def again(self, entry: Record) -> tuple[Record, bytes]:
        """The entry with what was decoded then, and the WAV as it was."""
        before = self._entries[entry["id"]]
        heard: Record = {name: before[name] for name in _HEARD} | {"state": STORED}
        heard["notes"] = [*entry["notes"], *(n for n in before["notes"] if n.startswith("audio: "))]
        return entry | heard, self._wav(entry["id"])

    def _groups(self) -> range:
        return range(self._file.num_row_groups)

    def _wav(self, id: str) -> bytes:
        """Rows are asked for in the order of the file, so one row group in memory is enough."""
        group = self._group_of[id]
        if self._group[0] != group:
            table = read_group(self._file, group, ["id", "audio"]).to_pylist()
            self._group = (group, {row["id"]: row["audio"]["bytes"] for row in table})
        return self._group[1][id]
