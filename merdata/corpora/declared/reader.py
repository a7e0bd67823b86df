"""The one reader of all declared corpora: names give groups, a table gives columns, and both give fields."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import Any

from merdata.corpora.corpus import stray
from merdata.corpora.declared.fields import NOTED, Fields, Outcome, Sidecars
from merdata.corpora.declared.names import Grammar, Named
from merdata.corpora.declared.ratings import Ratings
from merdata.corpora.declared.schema import Declaration
from merdata.corpora.declared.tables import Record, Records, read_records
from merdata.corpora.declared.template import Template
from merdata.corpora.genders import gender_of, strange_genders
from merdata.corpora.languages import language_code
from merdata.corpora.tree import SPLIT_WORDS, Tree
from merdata.errors import LayoutError
from merdata.utterance import Utterance

FLOATS = ("valence", "arousal", "dominance", "start", "end")
MADE = ("stem", "folder", "path", "table")  # values that every file has
UNKNOWN = "unknown"  # shard of rows without a speaker
PLAIN_SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Reader:
    """Reads folders as a declaration says."""

    def __init__(self, declared: Declaration, grammar: Grammar, fields: Fields) -> None:
        self.table = declared.table
        self.votes = declared.votes
        self.grammar = grammar
        self.fields = fields
        self.id = Template(declared.id)
        groups = {name for pattern in grammar.patterns for name in pattern.groupindex}
        self.columns = fields.columns({*groups, *MADE}) if declared.table else frozenset()
        given = {*groups, *MADE} - {"table"}
        needed = [name for name in ("label", *self.id.names) if name not in given]
        self.names_suffice = declared.table is None or all(fields.is_known(name, groups) for name in needed)

    def __call__(self, tree: Tree) -> Iterator[Utterance]:
        """The rows of a folder.

        Raises:
            LayoutError: a table cannot be read.
        """
        yield from _Reading(self, tree).rows()


class _Reading:
    """A folder that is being read: its files, the records of its table, and its text files."""

    def __init__(self, reader: Reader, tree: Tree) -> None:
        self._reader = reader
        self._tree = tree
        self._sidecars = Sidecars(tree)
        self._records = self._read_records() if reader.table else Records()
        self._ratings = Ratings(tree, reader.votes) if reader.votes else None
        self._taken: set[int] = set()
        self._genders: Counter[str] = Counter()

    def _read_records(self) -> Records:
        reader = self._reader
        lacking = ", ".join(reader.fields.needing(reader.columns))
        cost = f"no row has a {lacking}" if lacking else "what it says of the rows is not known"
        cost = cost if reader.names_suffice else "nothing says the labels"
        assert reader.table is not None
        return read_records(self._tree, reader.table, sorted(reader.columns), cost)

    def rows(self) -> Iterator[Utterance]:
        """What the files say, in their order, then the rows of the table without a file."""
        for named in self._reader.grammar.named(self._tree):
            if isinstance(named, Named):
                yield from self._of_file(named)
            else:
                path, declared = named
                yield stray(path, declared.why, kind=declared.kind)
        for record in self._records:
            if id(record) not in self._taken and not record.passed_over:
                path = PurePosixPath(record.audio)
                named_so = self._reader.grammar.match(path, path.name) or Named(path, path.name, {})
                yield self._utterance(named_so, record)._replace(source=None)
        self._tree.remarks.extend(strange_genders(self._genders))

    def _of_file(self, named: Named) -> Iterator[Utterance]:
        own = self._records.of(named.path, named.stem)
        self._taken |= set(map(id, own))
        counted = [record for record in own if not record.passed_over]
        for record in counted:
            yield self._utterance(named, record)
        if own and not counted:
            yield stray(named.path, own[0].passed_over)
        elif not own and self._reader.names_suffice:
            yield self._utterance(named, None)
        elif not own and self._records.by_stem:
            yield stray(named.path, f"{self._records.names} does not name it")

    def _utterance(self, named: Named, record: Record | None) -> Utterance:
        values: dict[str, str | None] = {
            "path": str(named.path.parent / named.stem),
            **(record.columns if record else {}),
            **named.groups,
            "stem": named.stem,
            "folder": named.path.parent.name,
        }
        nowhere = f"no row in {self._records.names}" if self._records.names else ""
        empty = f"empty in {record.path.name}" if record else nowhere
        folder = named.path.parent
        outcomes = self._reader.fields.fill(values, lambda name: self._sidecars.read(folder, name), empty)
        where = record.where if record else f"{self._tree.root}: {named.path}"
        id = self._reader.id.fill(values)
        if id is None:
            raise LayoutError(f"{where}: it has no value for its id, {self._reader.id.text}")
        self._genders[outcomes["gender"].value or ""] += 1
        return Utterance(
            id="_".join(id.split()),
            source=str(named.path),
            notes=(*_notes(outcomes), *self._tree.notes_on(record.path if record else None)),
            votes=tuple(self._ratings.of(named.stem, values)) if self._ratings else (),
            **_columns(outcomes, where),
        )


def _columns(outcomes: dict[str, Outcome], where: str) -> dict[str, Any]:
    """The fields as an utterance has them."""
    made: dict[str, Any] = {name: outcome.value for name, outcome in outcomes.items()}
    made["raw_label"] = made.pop("label")
    made["shard"] = shard_name(made["shard"] or made["speaker"] or UNKNOWN)
    made["language"] = _known(made["language"], language_code, "language", "a code, such as en", where) or ""
    made["gender"] = gender_of(made["gender"])
    wanted = "train, validation (dev, val) or test: give that field a map"
    made["official_split"] = _known(made["official_split"], _split, "official_split", wanted, where)
    if made["scripted"] is not None:
        made["scripted"] = made["scripted"].lower() in ("true", "1", "yes")
    for name in FLOATS:
        made[name] = _number(made[name], name, where)
    turn = _number(made["turn"], "turn", where)
    made["turn"] = int(turn) if turn is not None else None
    return made


def _split(word: str) -> str | None:
    return SPLIT_WORDS.get(word.lower())


def _known(
    word: str | None, meaning: Callable[[str], str | None], field: str, wanted: str, where: str
) -> str | None:
    """What a word means; the store cannot hold one that means nothing."""
    if word is None:
        return None
    if (known := meaning(word)) is None:
        raise LayoutError(f"{where}, field {field}: {word!r} is not {wanted}")
    return known


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
        elif name == "gender" and outcome.value and gender_of(outcome.value) is None:
            yield f"gender: {outcome.value!r} is not male or female"
        elif outcome.value is None and outcome.why and name in NOTED:
            yield f"{name}: {outcome.why}"
