"""A corpus from a table of one's own recordings: a row for each file, or for each span of one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from merdata.corpora.corpus import Corpus
from merdata.corpora.csv_table import Row
from merdata.corpora.declared.reader import shard_name
from merdata.corpora.genders import gender_of, strange_genders
from merdata.corpora.terms import GATED, Terms
from merdata.corpora.tree import SPLIT_WORDS, Tree
from merdata.corpora.walk import audio_stem
from merdata.errors import LayoutError, UnknownEncoding
from merdata.own.derived import with_derived
from merdata.own.labels import targets_of
from merdata.own.sources import Sources
from merdata.own.tables import TableFile, read_table_file
from merdata.utterance import NO_TEXT, Utterance

COLUMNS = (
    *("file", "folder", "id", "label", "speaker", "text", "language", "gender", "split", "session"),
    *("dialogue", "turn", "prompt", "intensity", "start", "end", "valence", "arousal", "dominance"),
)
AS_THEY_ARE = ("language", "session", "dialogue", "prompt", "intensity")
FLOATS = ("start", "end", "valence", "arousal", "dominance")
UNLABELLED = "unlabelled"  # raw label of all rows of a table that has no column for it
BLOCK = 500  # rows of a shard, where there are no speakers
NOBODYS_NAME = re.compile(r"(?!)")  # which file is a row, the table says
ASKED = Terms(public=GATED, private=GATED, labels=GATED, text=True)  # the owner's words are needed


@dataclass(frozen=True)
class Recordings:
    """The reader of a table.

    Attributes:
        name: of the corpus.
        table: as it was read.
    """

    name: str
    table: TableFile

    @cached_property
    def labels(self) -> Counter[str]:
        """Raw label -> rows."""
        if "label" not in self.table.names:
            return Counter({UNLABELLED: len(self.table.rows)})
        return Counter(row["label"] for row in self.table.rows if row.get("label"))

    def __call__(self, tree: Tree) -> Iterator[Utterance]:
        """The rows of the table, with the files below a folder.

        Raises:
            LayoutError: a cell cannot be what its column is, a path leads out of the folder, or a file is
                listed twice.
        """
        table = self.table
        sources = Sources(tree, table.path, tree.options.get("root", "").replace("\\", "/").rstrip("/"))
        found = sources.find(table.rows)
        tree.remarks.extend([table.said(), *sources.said(found), *self._lacking()])
        if own := sources.path_of_table():
            tree.notes[own] = ()
        self._refuse_twice(found)
        ids = self._ids([path for path, _ in found])
        for number, (row, id, (_, file)) in enumerate(zip(table.rows, ids, found, strict=True)):
            yield self._utterance(row, id, file, number)

    def _lacking(self) -> Iterator[str]:
        names = self.table.names
        if "speaker" not in names or not any(row.get("speaker") for row in self.table.rows):
            yield "no speakers are known: it cannot be split by speaker, so a test cannot be of new voices"
        if "label" not in names:
            yield f"there is no column label: rows are stored without a class ({UNLABELLED})"
        if "dialogue" in names and "turn" not in names:
            yield "there is no column turn: what was said before an utterance is not known"
        genders = Counter(row.get("gender", "") for row in self.table.rows)
        yield from strange_genders(genders)

    def _ids(self, paths: Sequence[str]) -> list[str]:
        """An id for each row: the column `id`, or the path without its ending, and the span."""
        column = self.table.names.get("id") if "file" in self.table.names else None
        names = [row["id"] for row in self.table.rows] if column and column != self._file_column else None
        if names is None or not all(names) or len(set(names)) < len(names):
            names = _short(paths)
            names = [name + _span(row) for name, row in zip(names, self.table.rows, strict=True)]
        plain = ["_".join(name.split()) for name in names]
        return plain if len(set(plain)) == len(set(names)) else names

    def _refuse_twice(self, found: Sequence[tuple[str, str | None]]) -> None:
        """Refuse a table that has a file, or a span of it, twice, however it is spelled."""
        first: dict[tuple[str, str], Row] = {}
        for row, (path, file) in zip(self.table.rows, found, strict=True):
            if (before := first.setdefault((file or path, _span(row)), row)) is not row:
                raise LayoutError(_twice(before, row))

    @property
    def _file_column(self) -> str:
        return self.table.names.get("file", "")

    @cached_property
    def _as_they_are(self) -> list[str]:
        return [name for name in AS_THEY_ARE if name in self.table.names]

    @cached_property
    def _floats(self) -> list[str]:
        return [name for name in FLOATS if name in self.table.names]

    def _utterance(self, row: Row, id: str, file: str | None, number: int) -> Utterance:
        split = _split(row, row.get("split"), self.table.names.get("split", ""))
        text, speaker = row.get("text") or None, row.get("speaker") or None
        others: dict[str, Any] = {name: row[name] for name in self._as_they_are if row[name]}
        others |= {name: row.number(name) for name in self._floats if row[name]}
        _check_span(row, others.get("start") or 0.0, others.get("end"))
        return Utterance(
            id=id,
            source=file,
            raw_label=(row["label"] or None) if "label" in self.table.names else UNLABELLED,
            speaker=speaker,
            shard=_shard(speaker, split, number),
            text=text,
            gender=gender_of(row.get("gender")),
            official_split=split,
            turn=row.integer("turn") if row.get("turn") else None,
            notes=(*self._notes(text, speaker), *self.table.notes),
            **others,
        )

    def _notes(self, text: str | None, speaker: str | None) -> Iterator[str]:
        for value, name, begin in ((text, "text", NO_TEXT), (speaker, "speaker", "speaker: ")):
            if value is None:
                column = self.table.names.get(name)
                yield f"{begin}{'empty' if column else 'no column for it'} in {self.table.path.name}"


def read_recordings(path: Path, name: str, encoding: str | None = None) -> Corpus:
    """The corpus that a table makes.

    Args:
        path: of the table.
        name: of the corpus.
        encoding: of a table that is not UTF-8, where the user knows it.

    Raises:
        LayoutError: it cannot be read, has no column for the files, or no rows.
        OptionError: there is no such encoding.
    """
    try:
        table = with_derived(_with_files(read_table_file(path, (*COLUMNS, "duration"), encoding)))
    except UnknownEncoding as error:
        raise UnknownEncoding(f"{error}, or name it with --option {name}.encoding=NAME") from error
    recordings = Recordings(name, table)
    talk = any(row.get("dialogue") for row in table.rows)
    languages = sorted({row["language"] for row in table.rows if row.get("language")})
    targets = targets_of(recordings.labels)
    if "label" not in table.names:
        targets = {UNLABELLED: "keep"}
    return Corpus(
        name=name,
        title=path.stem,
        domain="conversational" if talk else "acted",
        languages=tuple(languages),
        licence="not stated: one's own recordings",
        homepage="",
        expected_rows=len(table.rows),
        targets=targets,
        layout=f"the files that {path.name} lists",
        file_name=NOBODYS_NAME,
        read=recordings,
        options={"root": "the folder that the table's absolute paths begin with, where files were moved"},
        split="official" if any(row.get("split") for row in table.rows) else "speaker",
        cluster="dialogue" if talk else "speaker",
        terms=ASKED,
        declared_in=path,
    )


def _with_files(table: TableFile) -> TableFile:
    """The table; where it has no column for files, its ids are taken for names of files."""
    if not table.rows:
        raise LayoutError(f"{table.path} has a header but no rows")
    if "file" in table.names:
        return table
    if "id" not in table.names:
        there = ", ".join([*table.names.values(), *table.others])
        raise LayoutError(
            f"{table.path} has no column for the files, such as `file`: its columns are {there}; its first "
            "line must name them"
        )
    rows = [Row({**row, "file": row["id"]}, row.where) for row in table.rows]
    return TableFile(table.path, {"file": table.names["id"], **table.names}, table.others, rows)


def _short(paths: Sequence[str]) -> list[str]:
    """Paths without the ending of an audio file, where that leaves them different."""
    bare = [_bare(path) for path in paths]
    files_of: dict[str, set[str]] = {}
    for name, path in zip(bare, paths, strict=True):
        files_of.setdefault(name, set()).add(path)
    return [name if len(files_of[name]) == 1 else path for name, path in zip(bare, paths, strict=True)]


def _bare(path: str) -> str:
    folder, slash, last = path.rpartition("/")
    return f"{folder}{slash}{audio_stem(last) or last}"


def _span(row: Row) -> str:
    start, end = row.get("start"), row.get("end")
    return f"_{start or '0'}-{end or ''}" if start or end else ""


def _twice(first: Row, second: Row) -> str:
    number = second.where.rpartition("row ")[2]
    return (
        f"{first.where} and row {number} are the same file, {second.get('file')}: delete one, or give each "
        "its start and end; several ratings of a file must become one label first"
    )


def _check_span(row: Row, start: float, end: float | None) -> None:
    if start < 0:
        raise LayoutError(f"{row.where}: a part cannot start at {start:g} seconds, before its recording does")
    if end is not None and end <= start:
        raise LayoutError(
            f"{row.where}: from {start:g} to {end:g} seconds is no part: its end must come later"
        )


def _split(row: Row, word: str | None, column: str) -> str | None:
    if not word:
        return None
    if word.casefold() not in SPLIT_WORDS:
        raise LayoutError(
            f"{row.where}, column {column}: {word!r} is not train, validation (dev, val) or test: change the "
            "word, or empty the cell to leave the row out of the split"
        )
    return SPLIT_WORDS[word.casefold()]


def _shard(speaker: str | None, split: str | None, number: int) -> str:
    """A speaker's rows of a split together, so that no shard is cut; without speakers, blocks of rows."""
    group = speaker or f"rows{number // BLOCK:04d}"
    return shard_name(f"{group}-{split}" if split else group)
