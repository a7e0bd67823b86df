"""Verify: whether a store is, to the last bit, what build and split wrote.

Every file is covered: merdata.json by its own digest, all others by their SHA-256 in it; `.build` and
`.cache` are working folders, which can be made again. Then the files are compared with each other: schemas,
ledgers and shards, protocols and ids; with `deep`, the audio itself.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from merdata.engine.pool import run_tasks
from merdata.errors import MerdataError, StoreError
from merdata.integrity.digest import logical_digest, rows_by_id
from merdata.integrity.file import FileCheck, check_file
from merdata.io.files import TEMPORARY, file_sha256
from merdata.io.places import files_below, in_one_process, is_remote, place
from merdata.store.commit import CARD, announced
from merdata.store.ledger import DROPPED, LEDGER_SCHEMA, SILENCED, STORED
from merdata.store.manifest import MANIFEST, files_of
from merdata.store.protocol import SPLITS, covers, protocol_names, read_protocol
from merdata.store.retired import retired
from merdata.store.store import Store, open_store

FOLDERS = ("data", "ledger", "splits")
IN_BOTH = ("id", "shard", "source_sha256", "audio_sha256", "seconds")  # columns of ledgers and of shards
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
        sha256 = file_sha256(store / MANIFEST)
    except OSError:
        sha256 = ""
    return sha256, announced(store)


def _verify(path: Path, deep: bool, jobs: int | None, progress: bool) -> Verdict:
    try:
        opened = open_store(path)
    except StoreError as error:
        if not (path / MANIFEST).exists():
            raise
        return Verdict([str(error)])
    change = announced(path)
    faults, files = _of_files(opened, change, deep, jobs, progress)
    remarks = [*_unverifiable(opened), *_unfinished(path, change)]
    if not faults:
        faults = list(_of_ledgers(opened))
        for name in protocol_names(opened):
            faults += _of_protocol(opened, name)
            remarks += _outdated(opened, name)
    rows = sum(shard.rows for shard in opened.shards())
    digest = logical_digest(rows_by_id(opened)) if deep and not faults else None
    return Verdict(faults, remarks, files, rows, digest)


def _of_files(
    store: Store, change: dict[str, list[str]], deep: bool, jobs: int | None, progress: bool
) -> tuple[list[str], int]:
    """Faults of single files: missing, altered, or unknown; and how many files were checked."""
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
    results = run_tasks(check_file, checks, jobs=jobs, progress=bar, unit="files")
    faults = [fault for of_file in results for fault in of_file]
    kept = retired(store.path)
    for path in _files_below(store.path):
        name = path.relative_to(store.path).as_posix()
        unhashed = "files" not in store.manifest and not name.startswith("data/")
        waiting = is_remote(path) and not name.startswith("splits/")
        if not (name in named or name in change or name in kept or unhashed or waiting):
            faults.append(f"{name} is not in {MANIFEST}: delete it")
    return faults, len(checks)


def _files_below(store: Path) -> Iterator[Path]:
    for folder in FOLDERS:
        for path in files_below(store / folder):
            if not path.name.endswith(TEMPORARY):
                yield path


def _of_ledgers(store: Store) -> Iterator[str]:
    """Where a ledger and its corpus's shards do not say the same about the rows."""
    for corpus, facts in store.corpora.items():
        where = store.ledger_path(corpus).relative_to(store.path)
        try:
            ledger = store.ledger(corpus)
        except StoreError as error:
            yield str(error)
            continue
        if not ledger.schema.equals(LEDGER_SCHEMA):
            yield f"{where} does not have the columns of a ledger: {REPAIR}"
            continue
        states = Counter(ledger["state"].to_pylist())
        if states.keys() - {STORED, SILENCED, DROPPED}:
            yield f"{where} has rows in an unknown state: {REPAIR}"
        kept = ledger.filter(pc.not_equal(ledger["state"], DROPPED)).select(IN_BOTH)
        differing = {row[0] for row in _row_set(kept) ^ _row_set(_stored(store, corpus))}
        if differing:
            yield f"{where} and the shards of {corpus} differ in {_some(differing)}: {REPAIR}"
        counts = facts["counts"]
        if states[STORED] < counts["stored"]:
            yield f"{where} has {states[STORED]} stored rows, {MANIFEST} {counts['stored']}: {REPAIR}"


def _stored(store: Store, corpus: str) -> pa.Table:
    """The rows that the ledger should list as stored, from the corpus's shards."""
    columns = [name for name in IN_BOTH if name != "shard"]
    tables = [
        store.rows_of(shard, columns).append_column("shard", pa.array([shard.name] * shard.rows))
        for shard in store.shards([corpus])
    ]
    return pa.concat_tables(tables).select(IN_BOTH) if tables else pa.table({name: [] for name in IN_BOTH})


def _row_set(table: pa.Table) -> set[tuple[Any, ...]]:
    return set(zip(*(column.to_pylist() for column in table.columns), strict=True))


def _outdated(store: Store, name: str) -> Iterator[str]:
    with suppress(MerdataError):
        if not covers(store, read_protocol(store, name)):
            yield f"protocol {name} was made for other rows than the store has now: split again"


def _of_protocol(store: Store, name: str) -> Iterator[str]:
    try:
        protocol = read_protocol(store, name)
    except MerdataError as error:
        yield str(error)
        return
    if not covers(store, protocol):
        return
    table = protocol.table
    if unknown := set(pc.unique(table["split"]).to_pylist()) - set(SPLITS):
        yield f"protocol {name} has unknown splits: {_some(unknown)}: split again"
    if strangers := set(pc.unique(table["id"]).to_pylist()) - set(store.shard_of):
        yield f"protocol {name} has rows that the store does not have: {_some(strangers)}: split again"
    if table.select(["id", "fold"]).group_by(["id", "fold"]).aggregate([]).num_rows != table.num_rows:
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
