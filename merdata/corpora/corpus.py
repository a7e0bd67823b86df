"""What a corpus is: facts, and a reader that turns a folder into utterances by names and metadata alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from merdata.corpora.terms import Terms
from merdata.corpora.tree import Tree
from merdata.errors import LayoutError, NotThisCorpus, OptionError
from merdata.io.resources import card_text
from merdata.utterance import KNOWN_DEFECT, Utterance

BUILT_IN = "merdata.corpora"  # the package whose folders are the built-in corpora


@dataclass(frozen=True)
class Corpus:
    """The facts of a corpus and its reader. One object a corpus, in a file of its own.

    Attributes:
        name: as on the command line and in ids, lower case.
        domain: `acted` or `conversational`.
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
        crossed: every speaker says every sentence in every emotion, so text alone can tell nothing.
        package: the Python package that it was found in. Its folder holds `defects.yaml`, the miniature
            `sample.py` and, where it is not built in, the card `card.md` (the cards of the built-in corpora
            are in cards/corpora/).
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
        rows = list(self.read(tree))
        if not any(row.excluded is None for row in rows):
            raise NotThisCorpus(self._not_this_corpus(tree))
        _refuse_repeated_ids(rows, root)
        return list(map(self._with_defects, rows))

    def facts(self) -> dict[str, Any]:
        """What can be said of the corpus without its files, ready for JSON."""
        return {
            "name": self.name,
            "title": self.title,
            "domain": self.domain,
            "languages": list(self.languages),
            "licence": self.licence,
            "terms": self.terms.as_json(),
            "homepage": self.homepage,
            "crossed": self.crossed,
            "rows": self.expected_rows,
            "targets": dict(self.targets),
            "layout": self.layout,
            "options": dict(self.options),
        }

    def missing(self, ids: set[str]) -> list[str]:
        """Ids of a complete copy that are not among `ids`, sorted."""
        return sorted(set(self.complete(ids)) - ids) if self.complete else []

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
    def defects(self) -> list[dict[str, Any]]:
        """The table of known defects: entries with defect, ids, note, evidence."""
        if not self.package:
            return []
        table = files(self.package) / "defects.yaml"
        return yaml.safe_load(table.read_text("utf-8")) or [] if table.is_file() else []

    @cached_property
    def _defect_notes(self) -> dict[str, list[tuple[str, str]]]:
        notes: dict[str, list[tuple[str, str]]] = {}
        for entry in self.defects:
            note = (entry.get("applies_to", ""), f"{KNOWN_DEFECT}{entry['defect']}: {entry['note']}")
            for name in entry["ids"]:
                notes.setdefault(f"{self.name}/{name}", []).append(note)
        return notes

    def _with_defects(self, row: Utterance) -> Utterance:
        notes = tuple(self._defects_of(row))
        return replace(row, notes=(*row.notes, *notes)) if notes else row

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


def stray(corpus: str, path: PurePosixPath, why: str, shard: str = "unknown") -> Utterance:
    """A file that is named like a row of the corpus and is none: it only enters the ledger."""
    return Utterance(
        id=f"{corpus}/{path}",
        corpus=corpus,
        source=str(path),
        raw_label="",
        speaker="",
        shard=shard,
        language="",
        excluded="stray",
        notes=(why,),
    )


def mark_duplicates(rows: Iterable[Utterance]) -> Iterator[Utterance]:
    """Keep the first row of each id; later ones (a corpus that lies on disk twice) only enter the ledger."""
    first: dict[str, str | None] = {}
    for row in rows:
        if row.id in first:
            note = f"same file name as {first[row.id]}, which is kept"
            yield replace(row, id=f"{row.id}@{row.source}", excluded="duplicate", notes=(note,))
        else:
            first[row.id] = row.source
            yield row
