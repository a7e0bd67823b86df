"""The one reader of all declared corpora: names give groups, a table gives columns, and both give fields."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Any

from merdata.corpora.corpus import stray
from merdata.corpora.declared.fields import NOTED, Fields, Outcome, Sidecars
from merdata.corpora.declared.names import Grammar, Named
from merdata.corpora.declared.schema import Declaration
from merdata.corpora.declared.tables import Record, Records, read_records
from merdata.corpora.declared.template import Template
from merdata.corpora.tree import SPLIT_WORDS, Tree
from merdata.errors import LayoutError
from merdata.utterance import Utterance

GENDERS = {
    **dict.fromkeys(("male", "m", "man"), "male"),
    **dict.fromkeys(("female", "f", "w", "woman"), "female"),
}
FLOATS = ("valence", "arousal", "dominance", "start", "end")
UNKNOWN = "unknown"  # shard of rows without a speaker
PLAIN_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Reader:
    """Reads folders as a declaration says."""

    def __init__(self, declared: Declaration, grammar: Grammar, fields: Fields) -> None:
        self._declared = declared
        self._grammar = grammar
        self._fields = fields
        self._id = Template(declared.id)
        self._columns = self._columns_needed()

    def _columns_needed(self) -> set[str]:
        """The names in templates that are neither groups nor fields: columns of the table."""
        if self._declared.table is None:
            return set()
        rules = [source.names for sources in self._fields.sources.values() for source in sources]
        groups = {name for pattern in self._grammar.patterns for name in pattern.groupindex}
        made = groups | {"stem", "folder", "table"}
        return {name for names in rules for name in names} - made

    def __call__(self, tree: Tree) -> Iterator[Utterance]:
        """The rows of a folder.

        Raises:
            LayoutError: a table cannot be read.
        """
        records, taken = self._records(tree), set[int]()
        sidecars = Sidecars(tree)
        for named in self._grammar.named(tree):
            record = records.of(named.path, named.stem) if records else None
            if record:
                taken.add(id(record))
            if record and record.passed_over:
                yield stray(named.path, record.passed_over)
            elif record or self._label_is_in_the_name:
                yield self._utterance(tree, named, record, records, sidecars)
            elif records and records.by_stem:
                yield stray(named.path, f"{records.names} does not name it")
        yield from self._without_audio(tree, records, taken, sidecars)
        for path, declared in self._grammar.strays(tree):
            yield stray(path, declared.why, kind=declared.kind)

    def _records(self, tree: Tree) -> Records | None:
        if self._declared.table is None:
            return None
        lacking = list(self._fields.needing(self._columns))
        cost = (
            f"no row has a {', '.join(lacking)}" if self._label_is_in_the_name else "nothing says the labels"
        )
        return read_records(tree, self._declared.table, sorted(self._columns), cost)

    @property
    def _label_is_in_the_name(self) -> bool:
        return "label" not in self._fields.needing(self._columns) if self._columns else True

    def _without_audio(
        self, tree: Tree, records: Records | None, taken: set[int], sidecars: Sidecars
    ) -> Iterator[Utterance]:
        """The rows of the table whose audio is not on disk."""
        for record in (record for own in records.by_stem.values() for record in own) if records else ():
            if id(record) not in taken and not record.passed_over:
                path = PurePosixPath(record.audio)
                named = self._grammar.match(path, path.name) or Named(path, path.name, {})
                yield self._utterance(tree, named, record, records, sidecars, on_disk=False)

    def _utterance(
        self,
        tree: Tree,
        named: Named,
        record: Record | None,
        records: Records | None,
        sidecars: Sidecars,
        *,
        on_disk: bool = True,
    ) -> Utterance:
        values: dict[str, str | None] = {
            **(record.columns if record else {}),
            **named.groups,
            "stem": named.stem,
            "folder": named.path.parent.name,
        }
        empty = f"empty in {record.path.name}" if record else f"no row in {records.names}" if records else ""
        outcomes = self._fields.fill(values, lambda name: sidecars.read(named.path.parent, name), empty)
        where = f"{tree.root}: {named.path}"
        id = self._id.fill(values)
        if id is None:
            raise LayoutError(f"{where}: it has no value for its id, {self._id.text}")
        return Utterance(
            id="_".join(id.split()),
            source=str(named.path) if on_disk else None,
            notes=(*_notes(outcomes), *tree.notes_on(record.path if record else None)),
            **_columns(outcomes, where),
        )


def _columns(outcomes: dict[str, Outcome], where: str) -> dict[str, Any]:
    """The fields as an utterance has them."""
    made: dict[str, Any] = {name: outcome.value for name, outcome in outcomes.items()}
    made["raw_label"] = made.pop("label")
    made["shard"] = shard_name(made["shard"] or made["speaker"] or UNKNOWN)
    made["language"] = made["language"] or ""
    made["gender"] = GENDERS.get((made["gender"] or "").lower())
    split = made["official_split"]
    made["official_split"] = SPLIT_WORDS.get(split.lower()) if split else None
    if made["scripted"] is not None:
        made["scripted"] = made["scripted"].lower() in ("true", "1", "yes")
    for name in FLOATS:
        made[name] = _number(made[name], name, where)
    turn = _number(made["turn"], "turn", where)
    made["turn"] = int(turn) if turn is not None else None
    return made


def _number(text: str | None, field: str, where: str) -> float | None:
    try:
        return float(text) if text is not None else None
    except ValueError as error:
        raise LayoutError(f"{where}, field {field}: {text!r} is not a number") from error


def shard_name(name: str) -> str:
    """The name as a file may have it; one that is changed ends with a few digits that tell it apart."""
    if PLAIN_SHARD.fullmatch(name):
        return name
    digest = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{re.sub(r'[^A-Za-z0-9]+', '-', name).strip('-') or 'x'}-{digest}"


def _notes(outcomes: dict[str, Outcome]) -> Iterator[str]:
    for name, outcome in outcomes.items():
        if outcome.note:
            yield outcome.note
        elif outcome.value is None and outcome.why and name in NOTED:
            yield f"{name}: {outcome.why}"
