"""Build: corpus folders to a store. Only this module knows the order of the stages.

    discover (names and metadata) -> label policy -> plan of shards -> shards, in parallel -> commit

Shards wait in `.build/` until all are made; then they are renamed into place, with the ledger after them
and merdata.json last. An interrupted build goes on where it stopped, shard by shard.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from filelock import FileLock, Timeout

import merdata
from merdata import ledger
from merdata.card import write_card
from merdata.corpora.corpus import Corpus
from merdata.engine import run_tasks
from merdata.errors import StoreError
from merdata.files import TEMPORARY, write_atomically, write_json
from merdata.labels import LabelPolicy
from merdata.ledger import Counts, totals
from merdata.plan import Plan, make_plan
from merdata.shard import ShardTask, build_shard
from merdata.store import FORMAT, MANIFEST, Store, read_manifest


@dataclass(frozen=True)
class Report:
    """What a build found and did: an account for each corpus."""

    counts: list[Counts]
    made: int = 0
    kept: int = 0
    outdated: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        shards = {"made": self.made, "kept": self.kept}
        corpora = [counts.as_json() for counts in self.counts]
        return {
            "corpora": corpora,
            "totals": totals((one.domain, one.discovered) for one in self.counts),
            "shards": shards,
            "outdated_splits": self.outdated,
        }


def build(
    corpora: Sequence[str],
    source: str | Path | None = None,
    store: str | Path = "store",
    *,
    policy: Iterable[str] = (),
    options: Iterable[str] = (),
    on_bad_audio: str = "drop",
    jobs: int | None = None,
    progress: bool = False,
) -> Report:
    """Build corpora into a store, beside those that it already holds.

    Args:
        corpora: names, or `["all"]` for every corpus whose folder is there.
        source: the corpus's folder (default `corpora/<name>`); with several corpora or `all`, the folder
            that holds one folder a corpus (default `corpora`).
        store: folder of the store, made if need be.
        policy: changes to the default label targets, such as `contempt=disgust`.
        options: of the corpora's readers, such as `meld.cut=plain`.
        on_bad_audio: `drop` rows whose audio is missing or unusable, or `silence`: keep them with half a
            second of silence.
        jobs: processes; None takes one a core.
        progress: show a bar on stderr.

    Raises:
        MerdataError: the input is at fault; nothing has been written then.
    """
    store = Path(store)
    made = make_plan(corpora, source, store, policy=policy, options=options, on_bad_audio=on_bad_audio)
    manifest = _manifest_to_extend(store, made.policy)
    with locked(store):
        _remove_leftovers(store)
        todo = [task for task in made.tasks if not task.is_done()]
        bar = "building" if progress else None
        for _ in run_tasks(
            build_shard, todo, jobs=jobs, progress=bar, weigh=lambda task: len(task.rows), unit="rows"
        ):
            pass
        counts, outdated = _commit(store, made, manifest)
    return Report(counts, len(todo), len(made.tasks) - len(todo), outdated)


def _manifest_to_extend(store: Path, policy: LabelPolicy) -> dict[str, Any]:
    manifest = read_manifest(store)
    if manifest is None:
        if store.exists() and (not store.is_dir() or any(_foreign(store))):
            raise StoreError(f"{store} exists and is no store: choose another --store, or empty it")
        return {"corpora": {}, "shards": {}}
    if manifest["space"] != policy.space.name:
        raise StoreError(f"{store} holds labels of {manifest['space']}, not {policy.space.name}")
    return manifest


def _foreign(store: Path) -> Iterator[Path]:
    """Files that an interrupted first build would not have left."""
    ours = (".build", ".cache", "data", "ledger", "splits", "README.md")
    return (path for path in store.iterdir() if path.name not in ours)


@contextmanager
def locked(store: Path) -> Iterator[None]:
    """Hold a store for writing, by a lock that the operating system frees when its process dies.

    Raises:
        StoreError: another process holds it, or the store cannot be written.
    """
    path = store / ".build" / "lock"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path)
        lock.acquire(timeout=0)
    except Timeout as error:
        raise StoreError(f"another merdata is writing {store}: wait for it to end") from error
    except OSError as error:
        raise StoreError(f"cannot write {store}: {error.strerror or error}") from error
    try:
        yield
    finally:
        lock.release()


def _remove_leftovers(store: Path) -> None:
    for path in store.rglob(f".*{TEMPORARY}"):
        path.unlink(missing_ok=True)


def _commit(store: Path, made: Plan, manifest: dict[str, Any]) -> tuple[list[Counts], list[str]]:
    """Rename the shards into place, then write the ledgers, the card, and merdata.json last."""
    counts = []
    for corpus in made.corpora:
        tasks = [task for task in made.tasks if task.corpus == corpus.name]
        journals = {task.name: pq.read_table(task.journal) for task in tasks}
        shards = {name: _fingerprint(table) for name, table in journals.items()}
        shards = {name: facts for name, facts in shards.items() if facts["rows"]}
        _place(store, corpus.name, tasks, shards)
        entries = [entry for table in journals.values() for entry in table.to_pylist()]
        counts.append(_write_ledger(store, corpus, entries))
        manifest["shards"][corpus.name] = shards
        manifest["corpora"][corpus.name] = _facts(corpus, made, counts[-1])
    manifest |= {"format": FORMAT, "merdata": merdata.__version__}
    manifest |= {"space": made.policy.space.name, "classes": list(made.policy.space.classes)}
    outdated = write_card(Store(store, manifest))
    write_json(store / MANIFEST, manifest)
    return counts, outdated


def _fingerprint(journal: pa.Table) -> dict[str, Any]:
    facts = journal.schema.metadata
    numbers = {name: int(facts[name.encode()]) for name in ("rows", "bytes")}
    return {"sha256": facts[b"sha256"].decode(), **numbers}


def _place(store: Path, corpus: str, tasks: list[ShardTask], shards: dict[str, Any]) -> None:
    folder = store / "data" / corpus
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for task in tasks:
            if task.staged.exists():
                task.staged.replace(task.data)
        for path in folder.glob("*.parquet"):
            if path.stem not in shards:
                path.unlink()
        for path in (store / ".build" / "journal" / corpus).glob("*.parquet"):
            if path.stem not in {task.name for task in tasks}:
                path.unlink()
        shutil.rmtree(store / ".build" / "data" / corpus, ignore_errors=True)
    except OSError as error:
        raise StoreError(f"cannot write {store}: {error.strerror or error}") from error


def _write_ledger(store: Path, corpus: Corpus, entries: list[dict[str, Any]]) -> Counts:
    ledger.mark_same_audio(entries)
    ledger.check_duplicates(entries)
    with write_atomically(store / "ledger" / f"{corpus.name}.parquet") as temporary:
        pq.write_table(pa.Table.from_pylist(entries, ledger.LEDGER_SCHEMA), temporary)
    return ledger.count(corpus, entries)


def _facts(corpus: Corpus, made: Plan, counts: Counts) -> dict[str, Any]:
    """What merdata.json keeps of a corpus."""
    return {
        "title": corpus.title,
        "domain": corpus.domain,
        "languages": list(corpus.languages),
        "licence": corpus.licence,
        "homepage": corpus.homepage,
        "crossed": corpus.crossed,
        "policy": made.policy.table(corpus.name),
        "options": made.options[corpus.name],
        "on_bad_audio": made.on_bad_audio,
        "counts": counts.as_json(),
    }
