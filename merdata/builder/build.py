"""Build: corpus folders to a store. Only this module knows the order of the stages.

    discover (names and metadata) -> label policy -> plan of shards -> shards, in parallel -> commit

Shards wait in `.build/` until all are made; then they are put in place together, as `store.commit` says.
An interrupted build goes on where it stopped, shard by shard.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa

from merdata.audio.clip import AUDIO_VERSION
from merdata.builder import unchanged as seen
from merdata.builder.plan import Choice, Plan, choose, make_plan
from merdata.builder.shard import PASSING, ShardTask, read_journal
from merdata.builder.space import check_space
from merdata.builder.watchdog import Pool, build_shards
from merdata.corpora.corpus import Corpus
from merdata.engine.cluster import dask_pool
from merdata.errors import EngineError, StoreError
from merdata.io.files import TEMPORARY, json_text, move, remove, write_bytes
from merdata.io.places import each, in_one_process, place, remove_folder
from merdata.io.scratch import working_folder
from merdata.labels import LabelPolicy
from merdata.store import ledger
from merdata.store.commit import FOR_EVER, announce, conclude, locked, remove_leftovers
from merdata.store.ledger import Counts, totals
from merdata.store.manifest import (
    FORMAT,
    HASH_DIGITS,
    Manifest,
    hashed_name,
    ledger_path,
    read_manifest,
    shard_path,
)
from merdata.store.store import Store, parquet_bytes
from merdata.version import __version__

ENGINES = ("processes", "dask")


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
    engine: str = "processes",
    scheduler: str | None = None,
    wait: bool = False,
    progress: bool = False,
) -> Report:
    """Build corpora into a store, beside those that it already holds.

    Args:
        corpora: names, or `["all"]` for every corpus whose folder is there.
        source: the corpus's folder (default `corpora/<name>`); with several corpora or `all`, the folder
            that holds one folder a corpus (default `corpora`). A URL such as `s3://bucket/corpora` will do.
        store: folder or URL of the store, made if need be.
        policy: changes to the default label targets, such as `contempt=disgust`.
        options: of the corpora's readers, such as `meld.cut=plain`.
        on_bad_audio: `drop` rows whose audio is missing or unusable, or `silence`: keep them with half a
            second of silence.
        jobs: processes; None takes one a core. A decoder that crashes or hangs costs one row; with 0 all is
            done in this process, and it ends that.
        engine: `processes` of this machine, or `dask`.
        scheduler: address or file of a Dask scheduler whose workers have the same folders by the same names;
            without one, `dask` starts a cluster of this machine.
        wait: for another process that writes the store, instead of leaving.
        progress: show a bar on stderr.

    Raises:
        MerdataError: the input is at fault; nothing has been written then.
    """
    store, cluster = place(store), _cluster(engine, scheduler, jobs)
    corpora = [corpora] if isinstance(corpora, str) else corpora
    choice = choose(corpora, source, policy=policy, options=options, on_bad_audio=on_bad_audio)
    if in_one_process(store, *choice.folders.values()):
        jobs, cluster = 0, None
    before = _manifest_to_extend(store, choice.policy)
    made_from, kept, made = _look(choice, store, before)
    with locked(store, FOR_EVER if wait else 0) as waited:
        manifest = _manifest_to_extend(store, choice.policy)
        if waited or manifest != before:  # by another process, meanwhile
            made_from, kept, made = _look(choice, store, manifest)
        remove_leftovers(store)
        done = each(ShardTask.is_done, made.tasks, store)
        todo = [task for task, is_done in zip(made.tasks, done, strict=True) if not is_done]
        check_space(store, todo)
        with working_folder(store) as folder:
            build_shards(todo, folder / "decoding", jobs, "building" if progress else None, cluster)
        number, todo, made = len(todo), [], made.without_rows()
        outdated = _commit(store, made, manifest) if made.choice.corpora else seen.outdated(store, manifest)
        counts = [ledger.read_counts(manifest["corpora"][corpus.name]["counts"]) for corpus in choice.corpora]
        shards = Counter(task.corpus for task in made.tasks) + Counter(kept)
        again = {one.corpus for one in counts if not (one.dropped.keys() | one.silenced).isdisjoint(PASSING)}
        settled = {corpus: number for corpus, number in shards.items() if corpus not in again}
        seen.remember(store, manifest, made_from, settled, outdated)
    return Report(counts, number, shards.total() - number, outdated)


def _look(choice: Choice, store: Path, manifest: Manifest) -> tuple[dict[str, str], dict[str, int], Plan]:
    """What the corpora are made from, those that are up to date in the store, and a plan of the others."""
    made_from = seen.fingerprints(choice)
    kept = seen.unchanged(store, manifest, made_from)
    return made_from, kept, make_plan(choice.without(kept), store)


def _cluster(engine: str, scheduler: str | None, jobs: int | None) -> Callable[[], Pool] | None:
    if engine not in ENGINES:
        raise EngineError(f"engine is {' or '.join(ENGINES)}, not {engine!r}")
    if jobs is not None and jobs < 0:
        raise EngineError(f"jobs are 0 (this process) or more, not {jobs}")
    if jobs == 0 and engine == "dask" and not scheduler:
        raise EngineError("jobs=0 is this process, and no Dask worker: choose another number, or no engine")
    return partial(dask_pool, scheduler, jobs) if scheduler or engine == "dask" else None


def _manifest_to_extend(store: Path, policy: LabelPolicy) -> Manifest:
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
    return (path for path in store.iterdir() if path.name not in ours and not path.name.endswith(TEMPORARY))


def _commit(store: Path, made: Plan, manifest: Manifest) -> list[str]:
    """Name what is staged in the manifest and put it in place: see `merdata.store.commit`.

    Returns:
        Names of protocols that no longer fit the store's rows.
    """
    from merdata.store.readme import make_card  # jinja2 need not be there before the shards are

    written = {}
    for corpus in made.choice.corpora:
        tasks = [task for task in made.tasks if task.corpus == corpus.name]
        journals = dict(zip((task.name for task in tasks), each(_journal, tasks, store), strict=True))
        shards = {name: _fingerprint(name, journal) for name, journal in journals.items()}
        manifest["shards"][corpus.name] = {name: facts for name, facts in shards.items() if facts["rows"]}
        entries, twins = ledger.make_ledger(journals.values())
        data = parquet_bytes(entries)
        sha256 = hashlib.sha256(data).hexdigest()
        counts = ledger.count(corpus, entries, twins)
        facts = _facts(corpus, made.choice, counts) | {"ledger": hashed_name(corpus.name, sha256)}
        manifest["corpora"][corpus.name] = facts
        manifest.setdefault("files", {})[ledger_path(corpus.name, facts)] = sha256
        written[ledger_path(corpus.name, facts)] = data
    manifest |= {"format": FORMAT, "merdata": __version__}
    manifest |= {"space": made.choice.policy.space.name, "classes": list(made.choice.policy.space.classes)}
    announce(store, manifest)
    _place(store, made, manifest)
    for path, data in written.items():
        write_bytes(store / path, data)
    opened = Store(store, manifest)
    card, outdated = make_card(opened)
    conclude(opened, card)
    _forget_other_shards(store, made)
    return outdated


def _journal(task: ShardTask) -> pa.Table:
    journal = read_journal(task.journal)
    if journal.schema.metadata[b"key"].decode() != task.key:
        raise StoreError(f"another merdata builds {task.store} at the same time: let it end, and build again")
    return journal


def _fingerprint(shard: str, journal: pa.Table) -> dict[str, Any]:
    facts = {name.decode(): value.decode() for name, value in journal.schema.metadata.items()}
    numbers = {name: int(facts[name]) for name in ("rows", "bytes")}
    return {"file": hashed_name(shard, facts["sha256"]), "sha256": facts["sha256"], **numbers}


def _place(store: Path, made: Plan, manifest: Manifest) -> None:
    for task in made.tasks:
        if task.is_staged():
            facts = manifest["shards"][task.corpus][task.name]
            move(task.staged, store / shard_path(task.corpus, task.name, facts))


def _forget_other_shards(store: Path, made: Plan) -> None:
    """Remove what `.build` keeps of shards that the corpora no longer have."""
    for corpus in made.choice.corpora:
        remove_folder(store / ".build" / "data" / corpus.name)
        names = {task.name for task in made.tasks if task.corpus == corpus.name}
        for path in (store / ".build" / "journal" / corpus.name).glob("*.parquet"):
            if path.stem not in names:
                remove(path)


def _facts(corpus: Corpus, choice: Choice, counts: Counts) -> dict[str, Any]:
    """What merdata.json keeps of a corpus."""
    return {
        "title": corpus.title,
        "domain": corpus.domain,
        "languages": list(corpus.languages),
        "licence": corpus.licence,
        "homepage": corpus.homepage,
        "split": corpus.split,
        "cluster": corpus.cluster,
        "limits": corpus.limits,
        "crossed": corpus.crossed,
        "policy": choice.policy.table(corpus.name),
        "options": choice.options[corpus.name],
        "on_bad_audio": choice.on_bad_audio,
        "defects": hashlib.sha256(json_text(corpus.defects).encode("utf-8")).hexdigest()[:HASH_DIGITS],
        "audio_version": AUDIO_VERSION,
        "counts": counts.as_json(),
    }
