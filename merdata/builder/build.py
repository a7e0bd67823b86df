"""Build: corpus folders to a store. Only this module knows the order of the stages.

    discover (names and metadata) -> label policy -> plan of shards -> shards, in parallel -> commit

Shards are kept in `.build/` until all are made; then `store.commit` puts them in place together.
An interrupted build continues where it stopped, shard by shard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from typing_extensions import TypedDict

from merdata.builder import unchanged as seen
from merdata.builder.built import BuiltCorpus, describe
from merdata.builder.plan import Choice, Plan, choose, make_plan
from merdata.builder.shard import PASSING
from merdata.builder.space import check_space
from merdata.builder.task import ShardTask
from merdata.builder.watchdog import Pool, build_shards
from merdata.engine.cluster import dask_pool
from merdata.errors import EngineError, IncompleteError, StoreError
from merdata.io.files import TEMPORARY, move, remove, write_bytes
from merdata.io.places import each, in_one_process, place, remove_folder
from merdata.io.scratch import working_folder
from merdata.labels import LabelPolicy
from merdata.store import ledger
from merdata.store.commit import FOR_EVER, announce, conclude, known_files, locked, remove_leftovers
from merdata.store.facts import Account, Manifest
from merdata.store.ledger import Counts, totals
from merdata.store.manifest import FORMAT, files_of, new_manifest, read_manifest, shard_path
from merdata.store.retired import retire, retired
from merdata.store.store import Store
from merdata.version import __version__

ENGINES = ("processes", "dask")


class ShardNumbers(TypedDict):
    """How many shards a build made, and how many it kept as they were."""

    made: int
    kept: int


class ReportFacts(TypedDict):
    """A build's report as JSON; `totals` are rows by domain."""

    corpora: list[Account]
    totals: dict[str, int]
    shards: ShardNumbers
    outdated_splits: list[str]
    passed_over: list[str]


@dataclass(frozen=True)
class Report:
    """What a build found and did.

    Attributes:
        counts: the account of each corpus.
        made: shards that were built.
        kept: shards that were up to date.
        outdated: protocols that no longer fit the store's rows.
        passed_over: folders and archives that were not read, where all were asked for.
    """

    counts: list[Counts]
    made: int = 0
    kept: int = 0
    outdated: list[str] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

    def as_json(self) -> ReportFacts:
        return {
            "corpora": [counts.as_json() for counts in self.counts],
            "totals": totals((counts.domain, counts.discovered) for counts in self.counts),
            "shards": {"made": self.made, "kept": self.kept},
            "outdated_splits": self.outdated,
            "passed_over": self.passed_over,
        }


@dataclass(frozen=True)
class Prospect:
    """What a build is about to do.

    Attributes:
        made_from: corpus -> fingerprint of all that its rows in the store are made from.
        kept: corpora that are up to date -> their shards.
        plan: of the others.
    """

    made_from: dict[str, str]
    kept: dict[str, int]
    plan: Plan


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
    rehash: bool = False,
    progress: bool = False,
) -> Report:
    """Build corpora into a store, beside those that it already has.

    Args:
        corpora: names, or `["all"]` for every corpus whose folder exists.
        source: the corpus's folder (default `corpora/<name>`); with several corpora or `all`, the folder
            that holds one folder per corpus (default `corpora`). May be a URL such as `s3://bucket/corpora`.
        store: folder or URL of the store, made if needed.
        policy: changes to the default label targets, such as `contempt=disgust`.
        options: of the corpora's readers, such as `meld.cut=plain`.
        on_bad_audio: `drop` rows whose audio is missing or unusable, or `silence`: keep them with half a
            second of silence.
        jobs: processes; None takes one per core. A decoder that crashes or hangs costs one row; with 0
            everything runs in this process, and such a decoder ends it.
        engine: `processes` of this machine, or `dask`.
        scheduler: address or file of a Dask scheduler whose workers see the same folders by the same names;
            without one, `dask` starts a cluster on this machine.
        rehash: read every source again, for files whose bytes changed while size and time did not; what is
            the same is not decoded again.
        wait: wait for the lock if another process is writing the store, instead of failing.
        progress: show a bar on stderr.

    Raises:
        IncompleteError: not one row of a corpus can be stored; the store is left as it was.
        MerdataError: the input is at fault; nothing has been written then.
    """
    store, cluster = place(store), cluster_of(engine, scheduler, jobs)
    corpora = [corpora] if isinstance(corpora, str) else corpora
    choice = choose(corpora, source, policy=policy, options=options, on_bad_audio=on_bad_audio)
    if in_one_process(store, *choice.folders.values()):
        jobs, cluster = 0, None
    before = _manifest_to_extend(store, choice.policy)
    prospect = _look(choice, store, before, rehash)
    with locked(store, FOR_EVER if wait else 0) as waited, _cleaning(store):
        manifest = _manifest_to_extend(store, choice.policy)
        if waited or manifest != before:  # another process has changed it
            prospect = _look(choice, store, manifest, rehash)
        named, bar = files_of(manifest), "building" if progress else None
        made = _make_shards(store, named, prospect.plan.tasks, jobs, cluster, bar)
        prospect = replace(prospect, plan=prospect.plan.without_rows())
        outdated = _commit(store, prospect.plan, manifest)
        return _report(store, manifest, choice, prospect, made, outdated)


@contextmanager
def _cleaning(store: Path) -> Iterator[None]:
    """Remove what writers that died have left, and at a failure what stopped workers leave."""
    remove_leftovers(store)
    try:
        yield
    except BaseException:
        with suppress(StoreError):
            remove_leftovers(store)
        raise


def _look(choice: Choice, store: Path, manifest: Manifest, rehash: bool) -> Prospect:
    made_from = seen.fingerprints(choice)
    kept = {} if rehash else seen.unchanged(store, manifest, made_from)
    return Prospect(made_from, kept, make_plan(choice.without(kept), store, rehash=rehash).keyed())


def _make_shards(
    store: Path,
    named: Container[str],
    tasks: Sequence[ShardTask],
    jobs: int | None,
    cluster: Callable[[], Pool] | None,
    progress: str | None,
) -> int:
    """Build the shards that no earlier build has made, and say how many these were."""
    done = each(ShardTask.is_done, tasks, store)
    todo = [task for task, is_done in zip(tasks, done, strict=True) if not is_done]
    try:
        check_space(store, todo)
    except StoreError:  # what is kept for readers may be just what is missing
        if not retired(store):
            raise
        retire(store, (), named, grace=0)
        check_space(store, todo)
    with working_folder(store) as folder:
        build_shards(todo, folder / "decoding", jobs, progress, cluster)
    return len(todo)


def _report(
    store: Path, manifest: Manifest, choice: Choice, prospect: Prospect, made: int, outdated: list[str]
) -> Report:
    """The report of a build that has just been committed, remembered for the next one."""
    counts = [ledger.read_counts(manifest["corpora"][corpus.name]["counts"]) for corpus in choice.corpora]
    shards = Counter(task.corpus for task in prospect.plan.tasks) + Counter(prospect.kept)
    look_again = {
        account.corpus
        for account in counts
        if not (account.dropped.keys() | account.silenced).isdisjoint(PASSING)
    }
    settled = {corpus: number for corpus, number in shards.items() if corpus not in look_again}
    seen.remember(store, manifest, prospect.made_from, settled, outdated)
    return Report(counts, made, shards.total() - made, outdated, choice.passed_over)


def cluster_of(engine: str, scheduler: str | None, jobs: int | None) -> Callable[[], Pool] | None:
    """What makes the pool of a cluster; None for processes of this machine.

    Raises:
        EngineError: there is no such engine, or not with so many jobs.
    """
    if engine not in ENGINES:
        raise EngineError(f"engine must be {' or '.join(ENGINES)}, not {engine!r}")
    if jobs is not None and jobs < 0:
        raise EngineError(f"jobs must be 0 (this process) or more, not {jobs}")
    if jobs == 0 and engine == "dask" and not scheduler:
        raise EngineError("jobs=0 means this process, without Dask workers: choose another number or engine")
    return partial(dask_pool, scheduler, jobs) if scheduler or engine == "dask" else None


def _manifest_to_extend(store: Path, policy: LabelPolicy) -> Manifest:
    manifest = read_manifest(store)
    if manifest is None:
        if store.exists() and (not store.is_dir() or any(_foreign(store))):
            raise StoreError(f"{store} exists and is not a store: choose another --store, or empty it")
        return new_manifest(policy.space)
    if manifest["space"] != policy.space.name:
        raise StoreError(f"{store} has labels of {manifest['space']}, not {policy.space.name}")
    return manifest


def _foreign(store: Path) -> Iterator[Path]:
    """Files that an interrupted first build would not have left."""
    ours = (".build", ".cache", "data", "ledger", "splits", "README.md")
    return (path for path in store.iterdir() if path.name not in ours and not path.name.endswith(TEMPORARY))


def _commit(store: Path, plan: Plan, manifest: Manifest) -> list[str]:
    """Name the new shards and ledgers in the manifest and put them in place: see `merdata.store.commit`.

    Returns:
        Names of protocols that no longer fit the store's rows.

    Raises:
        IncompleteError: a corpus has no row.
    """
    if not plan.choice.corpora:  # all are up to date
        retire(store, (), files_of(manifest))
        return seen.outdated(store, manifest)
    from merdata.store.readme import make_card  # jinja2 is not needed until the shards are made

    manifest["files"] = known_files(Store(store, manifest))
    built = [describe(store, plan, manifest, corpus) for corpus in plan.choice.corpora]
    _refuse_empty(store, built)
    space = plan.choice.policy.space
    manifest.update(
        {"format": FORMAT, "merdata": __version__, "space": space.name, "classes": list(space.classes)}
    )
    announce(store, manifest)
    _place(store, plan, manifest)
    for corpus in built:
        write_bytes(store / corpus.path, corpus.data)
    opened = Store(store, manifest)
    card, outdated = make_card(opened)
    conclude(opened, card)
    _forget_other_shards(store, plan)
    return outdated


def _refuse_empty(store: Path, built: Sequence[BuiltCorpus]) -> None:
    """Fail if a corpus has no row in the store; rows that are kept with silence are in it.

    Where that is so of all corpora of a first build, its working folder goes too; else shards that were
    built stay in it, and a build of the other corpora finds them.
    """
    empty = [corpus for corpus in built if not corpus.rows]
    if not empty:
        return
    if len(empty) == len(built) and read_manifest(store) is None:
        remove_folder(store / ".build")
        with suppress(OSError):  # it holds something else, or is remote
            store.rmdir()
    reasons = "; ".join(corpus.why_empty() for corpus in empty)
    others = [corpus.counts.corpus for corpus in built if corpus.rows]
    advice = f": build {', '.join(others)} without it" if others else ""
    raise IncompleteError(f"{reasons}. Nothing was written to {store}{advice}")


def _place(store: Path, plan: Plan, manifest: Manifest) -> None:
    for task in plan.tasks:
        if task.is_staged():
            facts = manifest["shards"][task.corpus][task.name]
            move(task.staged, store / shard_path(task.corpus, task.name, facts))


def _forget_other_shards(store: Path, plan: Plan) -> None:
    """Remove what `.build` has of shards that the corpora no longer have."""
    for corpus in plan.choice.corpora:
        remove_folder(store / ".build" / "data" / corpus.name)
        names = {task.name for task in plan.tasks if task.corpus == corpus.name}
        for path in (store / ".build" / "journal" / corpus.name).glob("*.parquet"):
            if path.stem not in names:
                remove(path)
