"""The plan of a build: which corpora, what each row becomes, which shards. Names and metadata only."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from merdata.builder.shard import PlannedRow, ShardTask, shard_key
from merdata.corpora.corpus import Corpus
from merdata.corpora.registry import get_corpus, present, read_corpus
from merdata.errors import CorpusNotFound, LayoutError, OptionError, StoreError
from merdata.io.places import Listing, is_remote, listing, place
from merdata.labels import NO_DECISION, Decision, LabelPolicy, make_policy
from merdata.store.ledger import EXAMPLES, loss_account, totals
from merdata.utterance import Utterance

ON_BAD_AUDIO = ("drop", "silence")
SHARD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Choice:
    """What was asked for: corpora, their folders, and what is to be made of them.

    Attributes:
        corpora: in the order of building.
        folders: corpus -> its folder.
        policy: that decides the labels.
        options: corpus -> the options for its reader.
        on_bad_audio: drop or silence.
    """

    corpora: list[Corpus]
    folders: dict[str, Path]
    policy: LabelPolicy
    options: dict[str, dict[str, str]]
    on_bad_audio: str

    def without(self, names: Container[str]) -> Choice:
        """The same of fewer corpora."""
        return replace(self, corpora=[corpus for corpus in self.corpora if corpus.name not in names])


@dataclass(frozen=True)
class Plan:
    """What a build will do.

    Attributes:
        choice: what was asked for.
        tasks: a shard each.
    """

    choice: Choice
    tasks: list[ShardTask]

    def without_rows(self) -> Plan:
        """What is left of it once its shards are built, for memory's sake."""
        return replace(self, tasks=[replace(task, rows=()) for task in self.tasks])

    def rows(self, corpus: str) -> Iterator[PlannedRow]:
        for task in self.tasks:
            if task.corpus == corpus:
                yield from task.rows


def choose(
    corpora: Sequence[str],
    source: str | Path | None = None,
    *,
    policy: Iterable[str] = (),
    options: Iterable[str] = (),
    on_bad_audio: str = "drop",
) -> Choice:
    """Corpora, folders and label policy of a build, from what a user says.

    Raises:
        MerdataError: as `build`.
    """
    if on_bad_audio not in ON_BAD_AUDIO:
        raise StoreError(f"on_bad_audio is {' or '.join(ON_BAD_AUDIO)}, not {on_bad_audio!r}")
    folders = _folders(corpora, source)
    found = [get_corpus(name) for name in folders]
    decided = make_policy(
        {corpus.name: corpus.targets for corpus in found},
        policy,
        debatable={corpus.name: corpus.debatable for corpus in found},
    )
    return Choice(found, folders, decided, _options(options, found), on_bad_audio)


def make_plan(choice: Choice, store: Path) -> Plan:
    """Discover the corpora and lay their rows out in shards; reads names and metadata, writes nothing.

    Raises:
        MerdataError: as `build`.
    """
    tasks, there = [], store.absolute()  # a worker may have another working directory
    for corpus in choice.corpora:
        root = choice.folders[corpus.name]
        utterances = read_corpus(corpus, root, choice.options[corpus.name])
        for name, rows in _shards(corpus, root, utterances, choice.policy).items():
            kinds = (choice.policy.space.classes, choice.on_bad_audio)
            key = shard_key(rows, *kinds)
            tasks.append(ShardTask(corpus.name, name, root.absolute(), there, *kinds, rows, key))
    return Plan(choice, tasks)


def foresee(made: Plan) -> dict[str, Any]:
    """What a plan promises, for a dry run: rows by state, label and speaker; totals by domain."""
    found = [_foresee(corpus, list(made.rows(corpus.name))) for corpus in made.choice.corpora]
    return {"corpora": found, "totals": totals((one["domain"], one["discovered"]) for one in found)}


def _foresee(corpus: Corpus, rows: list[PlannedRow]) -> dict[str, Any]:
    own = [row for row in rows if row.utterance.excluded is None]
    states = Counter(
        ("dropped: label" if not row.stays else "missing audio" if row.size is None else "to decode")
        for row in own
    )
    fates = ((row.utterance.raw_label, row.decision.target, not row.decision.keep) for row in own)
    return {
        "corpus": corpus.name,
        "domain": corpus.domain,
        "expected": corpus.expected_rows,
        "difference": corpus.difference,
        "discovered": len(own),
        "missing": corpus.missing({row.utterance.id for row in own})[:EXAMPLES],
        "states": dict(states),
        "others": dict(Counter(row.utterance.excluded for row in rows if row.utterance.excluded)),
        "labels": loss_account(fates),
        "speakers": dict(Counter(row.utterance.speaker for row in own)),
        "languages": dict(Counter(row.utterance.language for row in own)),
    }


def _folders(names: Sequence[str], source: str | Path | None) -> dict[str, Path]:
    """corpus -> its folder."""
    if not names:
        raise CorpusNotFound("name a corpus to build, or all")
    if "all" in names:
        shelf = place(source or "corpora")
        names = present(shelf)
        if not names:
            raise CorpusNotFound(f"{shelf} has no folder named after a corpus: `merdata corpora` lists them")
        return {name: shelf / name for name in names}
    corpora = list(dict.fromkeys(get_corpus(name).name for name in names))
    if len(corpora) == 1 and source is not None:
        return {corpora[0]: place(source)}
    return {name: place(source or "corpora") / name for name in corpora}


def _options(options: Iterable[str], corpora: Sequence[Corpus]) -> dict[str, dict[str, str]]:
    """`CORPUS.NAME=VALUE` by corpus."""
    chosen: dict[str, dict[str, str]] = {corpus.name: {} for corpus in corpora}
    for option in options:
        place, equals, value = option.partition("=")
        corpus, dot, name = place.partition(".")
        if not (equals and dot and corpus in chosen):
            built = " or ".join(chosen)
            raise OptionError(f"option {option!r} is not of the form CORPUS.NAME=VALUE, with CORPUS {built}")
        chosen[corpus][name] = value
    return chosen


def _shards(
    corpus: Corpus, root: Path, utterances: Iterable[Utterance], policy: LabelPolicy
) -> dict[str, tuple[PlannedRow, ...]]:
    """shard -> its rows, both in the order of the corpus."""
    shards: dict[str, list[PlannedRow]] = {}
    decisions: dict[str, Decision] = {}
    listed = listing(root) if is_remote(root) else None
    for utterance in utterances:
        if not SHARD_NAME.fullmatch(utterance.shard):
            raise LayoutError(f"{corpus.name}: shard {utterance.shard!r} is no file name")
        label = utterance.raw_label
        if label not in decisions and not utterance.excluded:
            where = str(root / utterance.source) if utterance.source else f"{utterance.id} ({root})"
            decisions[label] = policy.decide(corpus.name, label, where)
        decision = NO_DECISION if utterance.excluded else decisions[label]
        row = PlannedRow(utterance, decision, *_size_and_time(root, utterance.source, listed))
        shards.setdefault(utterance.shard, []).append(row)
    return {name: tuple(rows) for name, rows in shards.items()}


def _size_and_time(root: Path, source: str | None, listed: Listing | None) -> tuple[int | None, int | None]:
    if listed is not None:
        return listed.get(source or "", (None, None))
    try:
        facts = (root / source).stat() if source else None
    except OSError:
        facts = None
    return (facts.st_size, facts.st_mtime_ns) if facts else (None, None)
