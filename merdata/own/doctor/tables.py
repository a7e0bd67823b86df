"""The tables of an unknown folder: which audio files each of them names."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from itertools import takewhile

from merdata.corpora.declared.tables import stem_of
from merdata.corpora.tree import SPLIT_WORDS, Tree
from merdata.errors import MerdataError
from merdata.own.recordings import COLUMNS
from merdata.own.sources import folder_of
from merdata.own.tables import ENDINGS, TableFile, read_table_file

MOST_BYTES = 1 << 26  # of a table that is looked at


@dataclass(frozen=True)
class Found:
    """A table beside the audio files of a folder, or several of the same columns by a name with a `*`."""

    table: TableFile
    paths: Sequence[str]

    @cached_property
    def _named(self) -> dict[str, set[str]]:
        """Last part of a name, without ending -> the whole names that end in it."""
        column = "file" if "file" in self.table.names else "id"
        named: dict[str, set[str]] = {}
        for row in self.table.rows if column in self.table.names else ():
            if row[column]:
                name = stem_of(f"{folder_of(row) if column == 'file' else ''}{row[column]}")
                named.setdefault(last_of(name), set()).add(name)
        return named

    @cached_property
    def fitting(self) -> int:
        """How many audio files it names: by their names, and by folders where names repeat."""
        files = Counter(map(last_of, self.paths))
        return sum(self._names(path, alone=files[last_of(path)] == 1) for path in self.paths)

    def _names(self, path: str, *, alone: bool) -> bool:
        own, whole = self._named.get(last_of(path), ()), f"/{stem_of(path)}"
        return any(alone or ("/" in name and whole.endswith(f"/{name}")) for name in own)

    def passed_over(self) -> Iterator[str]:
        """Why it is of no use, if it has names of audio files at all."""
        begin = f"{self.table.path.name} is not used:"
        if self.fitting:
            yield f"{begin} it names {self.fitting:,} of the {len(self.paths):,} audio files"
        elif not self._named.keys().isdisjoint(map(last_of, self.paths)):
            yield f"{begin} several audio files have its names, and it does not say their folders"


def last_of(name: str) -> str:
    """The last part of a path, without the ending of an audio file."""
    return stem_of(name).rpartition("/")[2]


def tables_of(tree: Tree, doubts: list[str]) -> Iterator[TableFile]:
    """The tables of a folder; those of the same columns, as train and test, are one if a `*` names them."""
    alike: dict[object, list[TableFile]] = {}
    for path in tree.paths:
        if path.suffix.lower() in ENDINGS and (tree.root / path).stat().st_size <= MOST_BYTES:
            try:
                table = _without_braces(read_table_file(tree.root / path, COLUMNS))
            except MerdataError as error:
                doubts.append(f"{path} was not understood: {error}")
            else:
                alike.setdefault((path.suffix, *table.names.items(), *table.others), []).append(table)
    there = [path.name.lower() for path in tree.paths]
    for own in alike.values():
        name = _name_of_all([table.path.name.lower() for table in own], there) if len(own) > 1 else ""
        yield from [_joined(own, name)] if name else own


def _joined(own: Sequence[TableFile], name: str) -> TableFile:
    first, rows = own[0], [row for table in own for row in table.rows]
    names = dict(first.names)
    if all(table.path.stem.casefold() in SPLIT_WORDS for table in own):
        names.setdefault("split", "table")  # what a corpus.yaml calls the name of a row's table
    return TableFile(first.path.with_name(name), names, first.others, rows)


def _name_of_all(wanted: Sequence[str], there: Iterable[str]) -> str:
    """A name with a `*` that all wanted files have and no other; empty if there is none."""
    name = f"{_begin(wanted)}*{_begin([name[::-1] for name in wanted])[::-1]}"
    matching = [other for other in there if fnmatchcase(other, name)]
    return name if sorted(matching) == sorted(wanted) and len(set(wanted)) == len(wanted) else ""


def _begin(names: Sequence[str]) -> str:
    """What all names begin with."""
    return "".join(
        letters[0] for letters in takewhile(lambda own: len(set(own)) == 1, zip(*names, strict=False))
    )


def _without_braces(table: TableFile) -> TableFile:
    """The table without columns that no template can name."""
    names = {ours: theirs for ours, theirs in table.names.items() if not {"{", "}"} & set(theirs)}
    odd = [theirs for ours, theirs in table.names.items() if ours not in names]
    return replace(table, names=names, others=[*table.others, *odd])
