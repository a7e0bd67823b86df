"""The plan of a build: corpora, what becomes of each row, shards. Reads names and metadata only."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from typing_extensions import TypedDict

from merdata.builder.contested import refuse_contested
from merdata.builder.task import PlannedRow, ShardTask, keyed
from merdata.corpora.account import FileAccount
from merdata.corpora.corpus import Corpus, Survey
from merdata.corpora.registry import get_corpus, passed_over, present, survey_corpus
from merdata.corpora.walk import check_folder
from merdata.errors import CorpusNotFound, LayoutError, OptionError, StoreError
from merdata.io.places import Listing, is_remote, listing, place
from merdata.labels import NO_DECISION, Decision, LabelPolicy, make_policy
from merdata.own.own import check_labels, is_file, own_corpus
from merdata.store.ledger import EXAMPLES, NO_LABEL, loss_account, totals
from merdata.utterance import Utterance

ON_BAD_AUDIO = ("drop", "silence")
SHARD_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


@dataclass(frozen=True)
class Choice:
    """The user's choices: corpora, their folders, and how to build them.

    Attributes:
        corpora: in the order of building.
        folders: corpus -> its folder.
        policy: decides the labels.
        options: corpus -> the options for its reader.
        on_bad_audio: drop or silence.
        passed_over: what lies beside the folders of the corpora and is not read, where all were asked for.
    """

    corpora: list[Corpus]
    folders: dict[str, Path]
    policy: LabelPolicy
    options: dict[str, dict[str, str]]
    on_bad_audio: str
    passed_over: list[str] = field(default_factory=list)

    def without(self, names: Container[str]) -> Choice:
        """The same choices without some of the corpora."""
        return replace(self, corpora=[corpus for corpus in self.corpora if corpus.name not in names])


@dataclass(frozen=True)
class Plan:
    """What a build will do.

    Attributes:
        choice: the user's choices.
        tasks: one per shard.
        surveys: corpus -> what was found in its folder; without the rows, which the tasks have.
    """

    choice: Choice
    tasks: list[ShardTask]
    surveys: dict[str, Survey] = field(default_factory=dict)

    def keyed(self) -> Plan:
        """The plan whose tasks have their keys."""
        return replace(self, tasks=list(map(keyed, self.tasks)))

    def without_rows(self) -> Plan:
        """The plan once its shards are built, without the rows, to save memory."""
        return replace(self, tasks=[replace(task, rows=()) for task in self.tasks])

    def rows(self, corpus: str) -> Iterator[PlannedRow]:
        for task in self.tasks:
            if task.corpus == corpus:
                yield from task.rows


class CorpusForecast(TypedDict):
    """What a build would make of one corpus; `others` are files that are not rows, by reason.

    `files` accounts for every file of its folder; `remarks` say what is missing there or in the way.
    """

    corpus: str
    domain: str
    expected: int
    difference: str
    discovered: int
    missing: list[str]
    states: dict[str, int]
    others: dict[str, int]
    labels: dict[str, dict[str, int]]
    speakers: dict[str, int]
    languages: dict[str, int]
    files: FileAccount
    remarks: list[str]


class Forecast(TypedDict):
    """What a build would make of its corpora; `totals` are rows by domain, `passed_over` as in `Choice`."""

    corpora: list[CorpusForecast]
    totals: dict[str, int]
    passed_over: list[str]


def choose(
    corpora: Sequence[str],
    source: str | Path | None = None,
    *,
    policy: Iterable[str] = (),
    options: Iterable[str] = (),
    on_bad_audio: str = "drop",
) -> Choice:
    """Corpora, folders and label policy of a build, from the user's words.

    Raises:
        MerdataError: as `build`.
    """
    if on_bad_audio not in ON_BAD_AUDIO:
        raise StoreError(f"on_bad_audio must be {' or '.join(ON_BAD_AUDIO)}, not {on_bad_audio!r}")
    options = list(options)
    own = {corpus.name: corpus for corpus in (own_corpus(name, options) for name in filter(is_file, corpora))}
    folders = _folders([name for name in corpora if not is_file(name)], source, own)
    chosen = [own.get(name) or get_corpus(name) for name in folders]
    changes = list(policy)
    for corpus in own.values():
        check_labels(corpus, changes)
    label_policy = make_policy(
        {corpus.name: corpus.targets for corpus in chosen},
        changes,
        debatable={corpus.name: corpus.debatable for corpus in chosen},
    )
    strange = passed_over(place(source or "corpora")) if "all" in corpora else []
    return Choice(chosen, folders, label_policy, _options(options, chosen), on_bad_audio, strange)


def make_plan(choice: Choice, store: Path, *, rehash: bool = False) -> Plan:
    """Discover the corpora and arrange their rows in shards; reads names and metadata, writes nothing.

    Raises:
        MerdataError: as `build`.
    """
    tasks, surveys = [], {}
    store = store.absolute()  # a worker may have another working directory
    for corpus in choice.corpora:
        root = choice.folders[corpus.name]
        survey = survey_corpus(corpus, root, choice.options[corpus.name])
        refuse_contested(corpus.name, root, survey.contested)
        surveys[corpus.name] = replace(survey, rows=[])
        for name, rows in _shards(corpus, root, survey.rows, choice.policy).items():
            kinds = (choice.policy.space.classes, choice.on_bad_audio)
            tasks.append(ShardTask(corpus.name, name, root.absolute(), store, *kinds, rows, rehash))
    return Plan(choice, tasks, surveys)


def foresee(plan: Plan) -> Forecast:
    """What a plan promises, for a dry run: rows by state, label and speaker; totals by domain."""
    corpora = [
        _foresee(corpus, list(plan.rows(corpus.name)), plan.surveys[corpus.name])
        for corpus in plan.choice.corpora
    ]
    return {
        "corpora": corpora,
        "totals": totals((corpus["domain"], corpus["discovered"]) for corpus in corpora),
        "passed_over": plan.choice.passed_over,
    }


def _foresee(corpus: Corpus, rows: list[PlannedRow], survey: Survey) -> CorpusForecast:
    own = [row for row in rows if row.utterance.excluded is None]
    states = Counter(
        ("dropped: label" if not row.stays else "missing audio" if row.size is None else "to decode")
        for row in own
    )
    fates = Counter(
        (row.utterance.raw_label or NO_LABEL, row.decision.target, not row.decision.keep) for row in own
    )
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
        "speakers": dict(Counter(row.utterance.speaker or "unknown" for row in own)),
        "languages": dict(Counter(row.utterance.language for row in own)),
        "files": survey.files,
        "remarks": survey.remarks,
    }


def _folders(names: Sequence[str], source: str | Path | None, own: Mapping[str, Corpus]) -> dict[str, Path]:
    """corpus -> its folder; one's own without a source lies where the file is that names it."""
    if not names and not own:
        raise CorpusNotFound("no corpus was named: name one, or `all`")
    if "all" in names:
        shelf = place(source or "corpora")
        folders = present(shelf)
        if not folders:
            check_folder(shelf)
            raise CorpusNotFound(f"{shelf} has no folder named after a corpus: `merdata corpora` lists them")
        return folders | _own_folders(own, source)
    corpora = list(dict.fromkeys(get_corpus(name).name for name in names))
    if len(corpora) + len(own) == 1 and source is not None:
        return {name: place(source) for name in [*corpora, *own]}
    shelf = place(source or "corpora")
    there = present(shelf) if corpora else {}
    return {name: there.get(name, shelf / name) for name in corpora} | _own_folders(own, source)


def _own_folders(own: Mapping[str, Corpus], source: str | Path | None) -> dict[str, Path]:
    beside = {name: corpus.declared_in.parent for name, corpus in own.items() if corpus.declared_in}
    return {name: place(source) / name for name in own} if source is not None else beside


def _options(options: Iterable[str], corpora: Sequence[Corpus]) -> dict[str, dict[str, str]]:
    """`CORPUS.NAME=VALUE` by corpus."""
    chosen: dict[str, dict[str, str]] = {corpus.name: {} for corpus in corpora}
    for option in options:
        key, equals, value = option.partition("=")
        corpus, dot, name = key.partition(".")
        if not (equals and dot and corpus in chosen):
            names = " or ".join(chosen)
            raise OptionError(f"option {option!r} is not of the form CORPUS.NAME=VALUE, with CORPUS {names}")
        chosen[corpus][name] = value
    return chosen


def _shards(
    corpus: Corpus, root: Path, utterances: Iterable[Utterance], policy: LabelPolicy
) -> dict[str, tuple[PlannedRow, ...]]:
    """shard -> its rows, both in the order of the corpus."""
    shards: dict[str, list[PlannedRow]] = {}
    decisions: dict[str | None, Decision] = {}
    listed = listing(root) if is_remote(root) else None
    for utterance in utterances:
        if utterance.shard not in shards and not SHARD_NAME.fullmatch(utterance.shard):
            raise LayoutError(f"{corpus.name}: shard {utterance.shard!r} cannot be a file name")
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
        facts = os.stat(f"{root}/{source}") if source else None  # noqa: PTH116  half the time, row by row
    except OSError:
        facts = None
    return (facts.st_size, facts.st_mtime_ns) if facts else (None, None)
