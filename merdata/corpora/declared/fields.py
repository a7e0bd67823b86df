"""Where the fields of a row have their values from: templates, maps, and text files beside the audio."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import get_args

from merdata.corpora.declared.schema import Declaration, FieldName, Rule
from merdata.corpora.declared.template import PLACE, Template, Values
from merdata.corpora.tree import Tree

FIELDS: tuple[str, ...] = get_args(FieldName)
NOTED = ("text", "speaker", "label")  # a row without one of these says why
Maps = Mapping[str, Mapping[str, str]]  # name of a file beside the declaration -> its pairs


@dataclass(frozen=True)
class Outcome:
    """What a field of a row got: a value or why there is none, and perhaps a note."""

    value: str | None
    why: str = ""
    note: str = ""


class Source:
    """A rule, ready for use.

    Attributes:
        names: of the values that it needs.
        part: the part whose values its map lists, where it looks one up as it is.
        map: value -> what the field gets.
    """

    def __init__(self, rule: Rule, maps: Maps) -> None:
        self.rule = rule
        text = rule.file if rule.file is not None else rule.of if rule.of is not None else rule.value
        if rule.of is not None and not PLACE.search(rule.of):
            text = f"{{{rule.of}}}"
        self.template = Template(str(text) if text is not None else "")
        self.part = rule.of if rule.of is not None and not PLACE.search(rule.of) and not rule.like else None
        self.map = maps[rule.map] if isinstance(rule.map, str) else rule.map
        self._like = re.compile(rule.like) if rule.like else None
        self.names = self.template.names

    def find(self, values: Values, sidecar: Callable[[str], str | None]) -> str | None:
        """The value for a row, or None."""
        if isinstance(self.rule.value, bool):
            return str(self.rule.value)
        value = self.template.fill(values) or None
        if value and self._like:
            match = self._like.fullmatch(value)
            value = match[1] if match else None
        if value and self.map is not None:
            return self.map.get(value)
        return sidecar(value) if value and self.rule.file is not None else value


class Fields:
    """The fields of a corpus, in the order in which they are filled.

    Attributes:
        sources: field -> its rules.
    """

    def __init__(self, declared: Declaration, maps: Maps) -> None:
        self.sources: dict[str, list[Source]] = {
            name: [Source(rule, maps) for rule in rules] for name, rules in declared.fields.items()
        }

    @property
    def maps(self) -> dict[str, list[str]]:
        """Part -> the values that the maps of it list."""
        listed: dict[str, dict[str, None]] = {}
        for sources in self.sources.values():
            for source in sources:
                if source.part and source.map:
                    listed.setdefault(source.part, {}).update(dict.fromkeys(source.map))
        return {part: list(values) for part, values in listed.items()}

    def fill(
        self, values: dict[str, str | None], sidecar: Callable[[str], str | None], empty: str
    ) -> dict[str, Outcome]:
        """The fields of a row; `values` gets them too.

        Args:
            values: groups of its name and columns of its table.
            sidecar: the text of a file beside its audio, by name.
            empty: where a value without a rule of its own is missing, for the note.
        """
        outcomes: dict[str, Outcome] = {}
        for name in (*self.sources, *(name for name in FIELDS if name not in self.sources)):
            outcomes[name] = outcome = self._fill(name, values, sidecar, empty)
            if outcome.value is not None or name in self.sources:
                values[name] = outcome.value
        return outcomes

    def _fill(self, name: str, values: Values, sidecar: Callable[[str], str | None], empty: str) -> Outcome:
        why = ""
        for source in self.sources.get(name, ()):
            value = source.find(values, sidecar)
            if value is not None:
                return Outcome(value, note=source.rule.note)
            why = source.rule.missing or why
        if name not in self.sources and (value := values.get(name)):
            return Outcome(value)
        return Outcome(None, why or (empty if name in NOTED else ""))

    def needing(self, columns: set[str]) -> Iterator[str]:
        """The fields that cannot be filled without some columns."""
        for name, sources in self.sources.items():
            if all(columns & set(source.names) for source in sources):
                yield name
        yield from (name for name in FIELDS if name not in self.sources and name in columns)


class Sidecars:
    """The text files of a folder by name: the one beside the audio, or the only one of that name."""

    def __init__(self, tree: Tree) -> None:
        self._tree = tree
        self._paths: dict[str, list[PurePosixPath]] | None = None

    def read(self, folder: PurePosixPath, name: str) -> str | None:
        """The text, without blanks around it; None where there is no such file, or it is empty.

        Raises:
            LayoutError: it cannot be read.
        """
        paths = self._named(name)
        beside = [path for path in paths if path.parent == folder] or (paths if len(paths) == 1 else [])
        return self._tree.read_text(beside[0]).strip() or None if beside else None

    def _named(self, name: str) -> list[PurePosixPath]:
        if self._paths is None:
            self._paths = {}
            for path in self._tree.paths:
                self._paths.setdefault(path.name, []).append(path)
        return self._paths.get(name, [])
