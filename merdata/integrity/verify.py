"""Verify: whether a store is, to the last bit, what build and split wrote.

Every file is covered: merdata.json by its own digest, all others by their SHA-256 in it; `.build` and
`.cache` are working folders, which can be made again. Then the files are compared with each other: schemas,
ledgers and shards, protocols and ids; with `deep`, the audio itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from merdata.asr.layer import PREFIX, outdated_layers
from merdata.engine.pool import run_tasks
from merdata.errors import MerdataError, StoreError
from merdata.integrity.digest import logical_digest
from merdata.integrity.file import FileCheck, check_file
from merdata.io.files import TEMPORARY, file_sha256
from merdata.io.places import files_below, in_one_process, is_remote, place
from merdata.store.commit import CARD, announced
from merdata.store.ledger import DROPPED, LEDGER_SCHEMA, SILENCED, STORED
from merdata.store.links import refuse_links
from merdata.store.manifest import MANIFEST, files_of
from merdata.store.protocol import Protocol, covers, protocol_names, read_protocol
from merdata.store.retired import retired
from merdata.store.store import Shard, Store, open_store

FOLDERS = ("data", "ledger", "splits")
IN_BOTH = ["id", "shard", "source_sha256", "audio_sha256", "seconds"]  # that ledgers and shards tell
REPAIR = "delete it and run `merdata build` again"
MOST = 3
TRIES = 10  # while other processes change the store


@dataclass(frozen=True)
class Verdict:
    """What `verify` found.

    Attributes:
        faults: one sentence each; none if the store is intact.
        remarks: what could not be verified, or is unfinished and not a fault.
        files: how many were read and compared.
        rows: in the store.
        digest: SHA-256 over the rows, the same for any version of pyarrow (`deep` only).
    """

    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    files: int = 0
    rows: int = 0
    digest: str | None = None


def verify(
    store: str | Path, *, deep: bool = False, jobs: int | None = None, progress: bool = False
) -> Verdict:
    """Check every file of a store.

    Args:
        store: its folder.
        deep: also check every clip's header and samples, and compute the logical digest.
        jobs: processes; None takes one per core.
        progress: show a bar on stderr.

    Raises:
        StoreError: it is not a store.
    """
    path = place(store)
    for _ in range(TRIES):
        before = _state(path)
        verdict = _verify(path, deep, jobs, progress)
        if not verdict.faults or _state(path) == before:
            break  # else a build or split has changed the store since this began
    return verdict


def _state(store: Path) -> tuple[str, dict[str, list[str]]]:
    """What tells whether another process has changed a store, or is changing it."""
    try:
        refuse_links(store)
        return file_sha256(store / MANIFEST), announced(store)
    except (OSError, StoreError):
        return "", {}


def _verify(path: Path, deep: bool, jobs: int | None, progress: bool) -> Verdict:
    try:
        opened = open_store(path)
    except StoreError as error:
        if not (path / MANIFEST).exists():
            raise
        return Verdict([str(error)])
    change = announced(path)
    faults, contents = _of_files(opened, change, deep, jobs, progress)
    remarks = [*_unverifiable(opened), *_unfinished(path, change)]
    if not faults:
        faults, outdated = _of_contents(opened, contents)
        remarks += outdated
        remarks += [
            f"transcripts {PREFIX}{name} do not fit the rows that the store has now: "
            "run `merdata transcribe` again"
            for name in outdated_layers(opened)
        ]
    rows = sum(shard.rows for shard in opened.shards())
    digest = logical_digest(opened) if deep and not faults else None
    return Verdict(faults, remarks, len(files_of(opened.manifest)), rows, digest)


def _of_contents(store: Store, contents: Mapping[str, pa.Table]) -> tuple[list[str], list[str]]:
    """Faults between files that are each as they were written; and protocols that no longer fit."""
    rows = {shard: contents[shard.relative] for shard in store.shards()}
    store.keep(rows)
    faults, outdated = list(_of_ledgers(store, rows)), list[str]()
    ids = store.ids_of(store.shards())
    for name in protocol_names(store):
        try:
            protocol = read_protocol(store, name)
        except MerdataError as error:
            faults.append(str(error))
            continue
        if covers(store, protocol):
            faults += _of_protocol(protocol, ids)
        else:
            outdated.append(f"protocol {name} was made for other rows than the store has now: split again")
    return faults, outdated


def _of_files(
    store: Store, change: dict[str, list[str]], deep: bool, jobs: int | None, progress: bool
) -> tuple[list[str], dict[str, pa.Table]]:
    """Faults of single files: missing, altered, or unknown; and the rows of the shards, by path."""
    named = files_of(store.manifest)
    shards = {shard.relative: shard for shard in store.shards()}
    checks = []
    for name, sha256 in named.items():
        shard = shards.get(name)
        allowed = (sha256, *change.get(name, ()))
        classes = store.space.classes if shard else ()
        checks.append(FileCheck(store.path, name, allowed, shard.rows if shard else None, classes, deep))
    bar = "verifying" if progress else None
    jobs = 0 if in_one_process(store.path) else jobs
    pool = None if deep or jobs == 0 else ThreadPoolExecutor(jobs)  # threads hash side by side
    reports = list(run_tasks(check_file, checks, jobs=jobs, progress=bar, unit="files", pool=pool))
    faults = [fault for report in reports for fault in report.faults]
    kept = retired(store.path)
    for path in _files_below(store.path):
        name = path.relative_to(store.path).as_posix()
        unhashed = "files" not in store.manifest and not name.startswith("data/")
        waiting = is_remote(path) and not name.startswith("splits/")
        if not (name in named or name in change or name in kept or unhashed or waiting):
            faults.append(f"{name} is not in {MANIFEST}: delete it")
    names = (check.name for check in checks)
    tables = {name: report.rows for name, report in zip(names, reports, strict=True)}
    return faults, {name: table for name, table in tables.items() if table is not None}


def _files_below(store: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in files_below(store / folder):
            if not path.name.endswith(TEMPORARY):
                yield path


def _of_ledgers(store: Store, rows: Mapping[Shard, pa.Table]) -> Iterator[str]:
    """Where a ledger and its corpus's shards do not say the same about the rows."""
    for corpus, facts in store.corpora.items():
        where = store.ledger_path(corpus).relative_to(store.path)
        try:
            ledger = store.ledger(corpus, [*IN_BOTH, "state"])
        except StoreError as error:
            yield str(error)
            continue
        states = Counter(ledger["state"].to_pylist())
        if states.keys() - {STORED, SILENCED, DROPPED}:
            yield f"{where} has rows in an unknown state: {REPAIR}"
        kept = ledger.filter(pc.not_equal(ledger["state"], DROPPED))
        differing = _differing(kept, _stored({shard: rows[shard] for shard in store.shards([corpus])}))
        if differing:
            yield f"{where} and the shards of {corpus} differ in {_some(differing)}: {REPAIR}"
        counts = facts["counts"]
        if states[STORED] < counts["stored"]:
            yield f"{where} has {states[STORED]} stored rows, {MANIFEST} {counts['stored']}: {REPAIR}"


def _stored(rows: Mapping[Shard, pa.Table]) -> pa.Table:
    """The rows that the ledger of a corpus should list as stored, from the corpus's shards."""
    tables = [
        table.append_column("shard", pa.repeat(pa.scalar(shard.name), len(table)))
        for shard, table in rows.items()
    ]
    return pa.concat_tables(tables) if tables else LEDGER_SCHEMA.empty_table()


def _differing(ledger: pa.Table, shards: pa.Table) -> set[str]:
    """Ids of rows that two tables do not have alike."""
    both = [table.select(IN_BOTH).replace_schema_metadata(None).sort_by("id") for table in (ledger, shards)]
    if both[0].equals(both[1]):
        return set()
    first, second = (
        set(zip(*(column.to_pylist() for column in table.columns), strict=True)) for table in both
    )
    return {row[0] for row in first ^ second}


def _of_protocol(protocol: Protocol, ids: pa.Array) -> Iterator[str]:
    name, rows = protocol.name, protocol.table["id"].combine_chunks().dictionary_encode()
    strangers = rows.dictionary.filter(pc.invert(pc.is_in(rows.dictionary, ids))).to_pylist()
    if strangers:
        yield f"protocol {name} has rows that the store does not have: {_some(strangers)}: split again"
    fold = protocol.table["fold"].combine_chunks().dictionary_encode()
    cells = np.sort(rows.indices.to_numpy() * np.int64(len(fold.dictionary)) + fold.indices.to_numpy())
    if (cells[1:] == cells[:-1]).any():
        yield f"protocol {name} has rows twice in one fold: split again"


def _unverifiable(store: Store) -> Iterator[str]:
    if "digest" not in store.manifest:
        yield (
            f"{MANIFEST}, {CARD}, ledgers and splits cannot be verified by hash: an earlier merdata wrote "
            "them; `merdata build` and `merdata split` add the hashes"
        )


def _unfinished(store: Path, change: dict[str, list[str]]) -> Iterator[str]:
    parts = [] if is_remote(store) else [*store.rglob(f".*{TEMPORARY}")]
    if change:
        yield "a build or split was interrupted as it ended: run it again, and it continues from there"
    elif parts:
        yield f"a build or split was interrupted; the next one removes its files: {_some(map(str, parts))}"


def _some(names: Iterable[object]) -> str:
    listed = sorted(map(str, names))
    return ", ".join(listed[:MOST]) + (f" and {len(listed) - MOST} more" if len(listed) > MOST else "")
