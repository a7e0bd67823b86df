"""What a corpus is: facts, and a reader that turns a folder into utterances by names and metadata alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol, TypedDict

import yaml

from merdata.corpora.terms import Terms
from merdata.corpora.tree import Tree
from merdata.errors import LayoutError, NotThisCorpus, OptionError
from merdata.io.resources import card_text
from merdata.utterance import KNOWN_DEFECT, Utterance

BUILT_IN = "merdata.corpora"  # the package whose folders are the built-in corpora


class StoredRow(Protocol):
    """What a row of a store tells, for the name that others give it."""

    id: str
    speaker: str
    raw_label: str


Key = Callable[[StoredRow], str]


def name_of(row: StoredRow) -> str:
    """The last part of a row's id."""
    return row.id.rpartition("/")[2]


class _Defect(TypedDict, total=False):
    applies_to: str


class Defect(_Defect):
    """An entry of `defects.yaml`.

    Attributes:
        defect: its kind, in a word.
        ids: of the rows that have it, without the corpus's name.
        note: what is written into the notes of these rows.
        evidence: who says so, and where.
        applies_to: the folder that has the defect, where another copy of the clip does not.
    """

    defect: str
    ids: list[str]
    note: str
    evidence: str


class _Rule(TypedDict, total=False):
    validation: list[str]
    test: list[str]
    left_out: list[str]


class Rule(_Rule):
    """An entry of `published.yaml`: somebody's split, stated as a rule; what it does not name is train.

    Attributes:
        by: the column whose values it names, `speaker` or `session`.
        url: where it is published.
        validation, test: values of that column.
        left_out: ids, without the corpus's name, that are in no part.
    """

    by: str
    url: str


class CorpusFacts(TypedDict):
    """What can be said of a corpus without its files, ready for JSON; `Corpus` says what each is."""

    name: str
    title: str
    domain: str
    languages: list[str]
    licence: str
    terms: dict[str, Any]
    homepage: str
    split: str
    cluster: str
    limits: str
    crossed: bool
    rows: int
    targets: dict[str, str | None]
    layout: str
    options: dict[str, str]


@dataclass(frozen=True)
class Corpus:
    """The facts of a corpus and its reader. One object for each corpus, in a folder of its own.

    Attributes:
        name: as on the command line and in ids, lower case.
        domain: `acted` or `conversational`; it describes, and groups corpora in tables.
        licence: as the source states it.
        terms: what that allows to be uploaded; a corpus that states none is never uploaded.
        expected_rows: rows of the complete corpus, the count contract.
        difference: known reasons why a copy has more or fewer.
        targets: raw label -> default class of mer7, or None for none.
        debatable: raw labels whose default target is a decision of this project; it is noted on each row.
        layout: the folder expected, in a few words for messages.
        file_name: what an audio file of this corpus is called (full match of the last part of the path).
        read: yields the utterances of a folder; raises LayoutError.
        complete: ids of a complete copy, given those that are there, where the corpus is that regular.
        options: name -> what the reader does with it, for `--option <corpus>.<name>=VALUE`.
        crossed: every speaker says every sentence in every emotion, so the text alone says nothing.
        split: what the default protocol does with it: keep the `official` split, or divide its speakers.
        cluster: what is drawn together when results are resampled: a speaker's rows, or a dialogue's.
        limits: a sentence for cards on what models of this corpus must not be trusted with; empty for none.
        keys: source of a split (emobox, s3prl) -> what it calls a row of the store.
        package: the Python package that it was found in. Its folder holds `defects.yaml`, the miniature
            `sample.py`, others' splits (`published.yaml`) and, where it is not built in, the card `card.md`
            (the cards of the built-in corpora are in cards/corpora/).
    """

    name: str
    title: str
    domain: str
    languages: tuple[str, ...]
    licence: str
    homepage: str
    expected_rows: int
    targets: Mapping[str, str | None]
    layout: str
    file_name: re.Pattern[str]
    read: Callable[[Tree], Iterable[Utterance]]
    complete: Callable[[set[str]], Iterable[str]] | None = None
    options: Mapping[str, str] = field(default_factory=dict)
    debatable: tuple[str, ...] = ()
    crossed: bool = False
    split: Literal["official", "speaker"] = "speaker"
    cluster: Literal["speaker", "dialogue"] = "speaker"
    limits: str = ""
    keys: Mapping[str, Key] = field(default_factory=dict)
    difference: str = ""
    terms: Terms = field(default_factory=Terms)
    package: str = ""

    def utterances(self, root: Path, options: Mapping[str, str] | None = None) -> list[Utterance]:
        """The utterances of a folder, with notes on their known defects.

        Raises:
            CorpusNotFound: no such folder.
            LayoutError: it is not this corpus, a metadata file is unreadable, or an id occurs twice.
            OptionError: the corpus has no such option, or it cannot take the value.
        """
        for name in options or {}:
            if name not in self.options:
                known = ", ".join(self.options) or "none"
                raise OptionError(f"{self.name} has no option {name!r}; its options are {known}")
        tree = Tree.walk(root, options)
        rows = [self._stamped(row) for row in self.read(tree)]
        if not any(row.excluded is None for row in rows):
            raise NotThisCorpus(self._not_this_corpus(tree))
        _refuse_repeated_ids(rows, root)
        return rows

    def facts(self) -> CorpusFacts:
        """What can be said of the corpus without its files."""
        return {
            "name": self.name,
            "title": self.title,
            "domain": self.domain,
            "languages": list(self.languages),
            "licence": self.licence,
            "terms": self.terms.as_json(),
            "homepage": self.homepage,
            "split": self.split,
            "cluster": self.cluster,
            "limits": self.limits,
            "crossed": self.crossed,
            "rows": self.expected_rows,
            "targets": dict(self.targets),
            "layout": self.layout,
            "options": dict(self.options),
        }

    def missing(self, ids: set[str]) -> list[str]:
        """Ids of a complete copy that are not among `ids`, sorted; all with the corpus's name."""
        if self.complete is None:
            return []
        own = {id.removeprefix(f"{self.name}/") for id in ids}
        return sorted(f"{self.name}/{id}" for id in set(self.complete(own)) - own)

    @property
    def is_built_in(self) -> bool:
        return self.package.startswith(f"{BUILT_IN}.")

    @property
    def card(self) -> str:
        """The corpus's page: what it is, licence, how to get it, layout, labels, defects, citation."""
        if self.is_built_in:
            return card_text(f"corpora/{self.name}.md")
        return (files(self.package) / "card.md").read_text("utf-8")

    @cached_property
    def defects(self) -> list[Defect]:
        """The table of known defects."""
        defects: list[Defect] = self._table("defects.yaml") or []
        return defects

    @cached_property
    def published(self) -> dict[str, Rule]:
        """Whose rule -> the split that it makes."""
        rules: dict[str, Rule] = self._table("published.yaml") or {}
        return rules

    def _table(self, name: str) -> Any:
        """A YAML file of the corpus's folder, or None."""
        table = files(self.package) / name if self.package else None
        return yaml.safe_load(table.read_text("utf-8")) if table and table.is_file() else None

    @cached_property
    def _defect_notes(self) -> dict[str, list[tuple[str, str]]]:
        """Id -> for each of its defects, the folder that has it (or empty) and the note."""
        notes: dict[str, list[tuple[str, str]]] = {}
        for entry in self.defects:
            note = (entry.get("applies_to", ""), f"{KNOWN_DEFECT}{entry['defect']}: {entry['note']}")
            for name in entry["ids"]:
                notes.setdefault(name, []).append(note)
        return notes

    def _stamped(self, row: Utterance) -> Utterance:
        """The row with what all rows of the corpus share, and notes on its known defects."""
        only_language = self.languages[0] if len(self.languages) == 1 else ""
        return replace(
            row,
            id=f"{self.name}/{row.id}",
            corpus=self.name,
            shard=row.shard or row.speaker,
            language=row.language or only_language,
            notes=(*row.notes, *self._defects_of(row)),
        )

    def _defects_of(self, row: Utterance) -> Iterator[str]:
        for folder, note in self._defect_notes.get(row.id, ()):
            if not folder or (row.source and folder in row.source.split("/")):
                yield note

    def _not_this_corpus(self, tree: Tree) -> str:
        return f"{tree.root} is not {self.title}: expected {self.layout}, found {_sight(tree)}"


def _refuse_repeated_ids(rows: list[Utterance], root: Path) -> None:
    seen: dict[str, str | None] = {}
    for row in rows:
        if row.id in seen:
            raise LayoutError(f"{root}: {row.id} occurs twice, in {seen[row.id]} and {row.source}")
        seen[row.id] = row.source


def _sight(tree: Tree, most: int = 3) -> str:
    """The first few names of a folder, for a message."""
    if not tree.paths:
        return "an empty folder"
    shown = ", ".join(str(path) for path in tree.paths[:most])
    return f"{shown}{' ...' if len(tree.paths) > most else ''} ({len(tree.paths)} files)"


def stray(path: PurePosixPath, why: str, *, shard: str = "unknown") -> Utterance:
    """A file that is named like a row of the corpus but is not one: it only enters the ledger."""
    return Utterance(
        id=str(path),
        source=str(path),
        raw_label="",
        speaker="",
        shard=shard,
        excluded="stray",
        notes=(why,),
    )


def mark_duplicates(rows: Iterable[Utterance]) -> Iterator[Utterance]:
    """Keep the first row of each id; later ones (a corpus that is on disk twice) only enter the ledger."""
    first: dict[str, str | None] = {}
    for row in rows:
        if row.id in first:
            note = f"same file name as {first[row.id]}, which is kept"
            yield replace(row, id=f"{row.id}@{row.source}", excluded="duplicate", notes=(note,))
        else:
            first[row.id] = row.source
            yield row
