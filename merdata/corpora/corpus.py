"""What a corpus is: facts, and a reader that turns a folder into utterances by names and metadata alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any, Literal, Protocol

import yaml
from typing_extensions import NotRequired, TypedDict

from merdata.corpora.account import FileAccount, account_for, advice, some
from merdata.corpora.claims import contested, near_misses, settle, without_copies
from merdata.corpora.mended import mended, without_blanks
from merdata.corpora.terms import Terms
from merdata.corpora.tree import Tree
from merdata.corpora.walk import COPY_LINKS
from merdata.errors import LayoutError, NotThisCorpus, OptionError
from merdata.io.outside import cut
from merdata.io.resources import card_text
from merdata.sample.files import File
from merdata.utterance import KNOWN_DEFECT, MOST_LETTERS, Utterance

BUILT_IN = "merdata.corpora"  # the package whose folders are the built-in corpora


class StoredRow(Protocol):
    """What a row of a store tells, for the name that others give it."""

    @property
    def id(self) -> str: ...
    @property
    def speaker(self) -> str: ...
    @property
    def raw_label(self) -> str: ...


Key = Callable[[StoredRow], str]


def name_of(row: StoredRow) -> str:
    """The last part of a row's id."""
    return row.id.rpartition("/")[2]


class Defect(TypedDict):
    """An entry of `defects.yaml`.

    Attributes:
        defect: its kind, in a word.
        ids: of the rows that have it, without the corpus's name.
        note: what is written into the notes of these rows.
        evidence: who says so, and where.
        applies_to: folder, or name of the file without its ending, that has the defect, where another copy or
            spelling of the clip does not.
    """

    defect: str
    ids: list[str]
    note: str
    evidence: str
    applies_to: NotRequired[str]


class Rule(TypedDict):
    """An entry of `published.yaml`: somebody's split, stated as a rule; what it does not name is train.

    Attributes:
        by: the column whose values it names, `speaker` or `session`.
        url: where it is published.
        validation, test: values of that column.
        left_out: ids, without the corpus's name, that are in no part.
    """

    by: str
    url: str
    validation: NotRequired[list[str]]
    test: NotRequired[list[str]]
    left_out: NotRequired[list[str]]


class StatedFacts(TypedDict):
    """What can be said of a corpus without its files, ready for JSON; `Corpus` says what each is."""

    name: str
    title: str
    domain: str
    languages: list[str]
    licence: str
    terms: dict[str, str | bool]
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
class Survey:
    """What a folder of a corpus holds.

    Attributes:
        rows: the utterances, and files that are only in the ledger.
        files: what became of every file.
        remarks: what is missing or in the way, and what to do.
        contested: files that were kept and others that claim the same row: their bytes must be the same.
        languages: of the rows.
    """

    rows: list[Utterance]
    files: FileAccount
    remarks: list[str]
    contested: list[tuple[str, str]]
    languages: list[str]


OPTIONS = {  # of every corpus
    "encoding": "the encoding of text files that are not UTF-8, where it cannot be told (gb18030, cp1252)",
    "prefer": "the folder, below the corpus's, whose files are taken where others claim the same row",
}


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
        file_name: what an audio file of this corpus is called, without its ending.
        endings: of the release's audio files; a file in another format is taken where there is none of these.
        read: yields the utterances of a folder; raises LayoutError.
        complete: ids of a complete copy, given those that are there, where the corpus is that regular.
        options: name -> what the reader does with it, for `--option <corpus>.<name>=VALUE`; with `OPTIONS`.
        crossed: every speaker says every sentence in every emotion, so the text alone says nothing.
        split: what the default protocol does with it: keep the `official` split, or divide its speakers.
        cluster: what is drawn together when results are resampled: a speaker's rows, or a dialogue's.
        limits: a sentence for cards on what models of this corpus must not be trusted with; empty for none.
        keys: source of a split (emobox, s3prl) -> what it calls a row of the store.
        package: the Python package that it was found in. Its folder holds `defects.yaml`, the miniature
            `sample.py`, others' splits (`published.yaml`) and, where it is not built in, the card `card.md`
            (the cards of the built-in corpora are in cards/corpora/).
        declared_in: the table or YAML file that it was named by, where it is one's own and in no registry.
        sample: plans the miniature, given a seed and the number of speakers, where there is no `sample.py`.
        page: makes the page of the card's text, where the card does not repeat what the corpus states.
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
    endings: tuple[str, ...] = (".wav",)
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
    declared_in: Path | None = None
    page: Callable[[Corpus, str], str] | None = None
    sample: Callable[[int, int | None], list[File]] | None = None

    def utterances(self, root: Path, options: Mapping[str, str] | None = None) -> list[Utterance]:
        """The rows of `survey`."""
        return self.survey(root, options).rows

    def survey(self, root: Path, options: Mapping[str, str] | None = None) -> Survey:
        """The utterances of a folder, with notes on their known defects, and an account of its files.

        Raises:
            CorpusNotFound: no such folder.
            LayoutError: it is not this corpus, a metadata file is unreadable, an id occurs twice, or all its
                files are links that lead out of it.
            OptionError: the corpus has no such option, or it cannot take the value.
        """
        for name in options or {}:
            if name not in self.known_options:
                known = ", ".join(self.known_options)
                raise OptionError(f"{self.name} has no option {name!r}; its options are {known}")
        return self.survey_tree(Tree.walk(root, options, self.name, self.languages))

    def survey_tree(self, tree: Tree) -> Survey:
        """The same of a folder that was walked.

        Raises:
            LayoutError: as `survey`.
        """
        rows = without_copies(list(self.read(tree)))
        if not any(row.excluded is None for row in rows):
            raise NotThisCorpus(self._not_this_corpus(tree))
        rows += [stray(path, why) for path, why in near_misses(tree, self.file_name, rows)]
        rows = settle(rows, tree, self.endings)
        _refuse_links(rows, tree)
        _refuse_overlong(rows, tree)
        stamped = [self._stamped(row) for row in rows]
        spoken = {row.language for row in stamped if row.excluded is None}
        return Survey(
            stamped,
            account_for(tree, rows),
            [remark.replace(f"{tree.root}/", "") for remark in (*tree.remarks, *advice(tree))],
            contested(rows, tree),
            [language for language in self.languages if language in spoken],
        )

    @property
    def known_options(self) -> dict[str, str]:
        """Its own options and those of every corpus."""
        return {**self.options, **OPTIONS}

    def facts(self) -> StatedFacts:
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
            text = card_text(f"corpora/{self.name}.md")
        else:
            text = (files(self.package) / "card.md").read_text("utf-8")
        return self.page(self, text) if self.page else text

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
        """Id -> for each of its defects, the folder or file that has it (or empty) and the note."""
        notes: dict[str, list[tuple[str, str]]] = {}
        for entry in self.defects:
            note = (entry.get("applies_to", ""), f"{KNOWN_DEFECT}{entry['defect']}: {entry['note']}")
            for name in entry["ids"]:
                notes.setdefault(name, []).append(note)
        return notes

    def _stamped(self, row: Utterance) -> Utterance:
        """The row with what all rows of the corpus share, and notes on its text and its known defects."""
        only_language = self.languages[0] if len(self.languages) == 1 else ""
        row = without_blanks(row)
        text, raw_text, notes = mended(
            row.text, row.raw_text, (row.language,) if row.language else self.languages
        )
        return row._replace(
            id=f"{self.name}/{row.id}",
            corpus=self.name,
            text=text,
            raw_text=raw_text,
            shard=row.shard or row.speaker or "",
            language=row.language or only_language,
            notes=(*row.notes, *notes, *self._defects_of(row)),
        )

    def _defects_of(self, row: Utterance) -> Iterator[str]:
        if row.id not in self._defect_notes:
            return
        path = PurePosixPath(row.source or "")
        for place, note in self._defect_notes[row.id]:
            if not place or place in path.parts or place.lower() == path.stem.lower():
                yield note

    def _not_this_corpus(self, tree: Tree) -> str:
        hints = "".join(f"; {hint}" for hint in [*tree.remarks, *advice(tree)])
        return f"{tree.root} is not {self.title}: expected {self.layout}, found {_sight(tree)}{hints}"


def _refuse_links(rows: Iterable[Utterance], tree: Tree) -> None:
    """Where every row is a link that leads out of the folder, as in the Hub's cache, nothing can be read."""
    outside = set(tree.found.outside)
    sources = [row.source for row in rows if row.source and row.excluded is None]
    if sources and all(source in outside for source in sources):
        links = some(sources)
        raise LayoutError(
            f"{tree.root}: all files are links that lead out of the folder: {links}. {COPY_LINKS}"
        )


def _refuse_overlong(rows: Iterable[Utterance], tree: Tree) -> None:
    for row in rows:
        if name := row.overlong:
            what = f"the {name} of {cut(row.id)} has more than {MOST_LETTERS:,} letters"
            raise LayoutError(f"{tree.root}: {what}: a column was taken for another, or the file is damaged")


def _sight(tree: Tree, most: int = 3) -> str:
    """The first few names of a folder, for a message."""
    if not tree.paths:
        return "an empty folder"
    shown = ", ".join(str(path) for path in tree.paths[:most])
    return f"{shown}{' ...' if len(tree.paths) > most else ''} ({len(tree.paths)} files)"


def stray(path: PurePosixPath, why: str, *, shard: str = "unknown", kind: str = "stray") -> Utterance:
    """A file that is named like a row of the corpus but is not one: it only enters the ledger, as `kind`."""
    return Utterance(
        id=str(path),
        source=str(path),
        raw_label="",
        speaker="",
        shard=shard,
        excluded=kind,
        notes=(why,),
    )
