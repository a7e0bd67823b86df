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


class CompiledRule:
    """A rule, ready for use.

    Attributes:
        declared: as the corpus states it.
        names: of the values that it needs.
        part: the part whose values its map lists, where it looks one up as it is.
        map: value -> what the field gets.
    """

    def __init__(self, rule: Rule, maps: Maps) -> None:
        self.declared = rule
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
        if isinstance(self.declared.value, bool):
            return str(self.declared.value)
        value = self.template.fill(values) or None
        if value and self._like:
            match = self._like.fullmatch(value)
            value = match[1] if match else None
        if value and self.map is not None:
            return self.map.get(value)
        return sidecar(value) if value and self.declared.file is not None else value


class Fields:
    """The fields of a corpus, in the order in which they are filled.

    Attributes:
        rules: field -> its rules.
    """

    def __init__(self, declared: Declaration, maps: Maps) -> None:
        self.rules: dict[str, list[CompiledRule]] = {
            name: [CompiledRule(rule, maps) for rule in rules] for name, rules in declared.fields.items()
        }

    @property
    def maps(self) -> dict[str, list[str]]:
        """Part -> the values that the maps of it list."""
        listed: dict[str, dict[str, None]] = {}
        for rules in self.rules.values():
            for rule in rules:
                if rule.part and rule.map:
                    listed.setdefault(rule.part, {}).update(dict.fromkeys(rule.map))
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
        for name, rules in self.rules.items():
            outcomes[name] = outcome = _first(rules, values, sidecar, empty if name in NOTED else "")
            values[name] = outcome.value
        for name in FIELDS:
            if name not in self.rules:
                value = values.get(name) or None
                outcomes[name] = Outcome(value, "" if value or name not in NOTED else empty)
        return outcomes

    def columns(self, known: set[str]) -> frozenset[str]:
        """The columns of a table that the rules need: neither known values, nor fields before them."""
        columns: set[str] = set()
        known = set(known)
        for name, rules in self.rules.items():
            columns |= {value for rule in rules for value in rule.names} - known
            known.add(name)
        return frozenset(columns)

    def is_known(self, field: str, groups: set[str]) -> bool:
        """Whether a field can be filled from the groups of a name alone."""
        if field not in self.rules:
            return field in groups
        known = groups | self.rules.keys() - {field}
        return any(set(rule.names) <= known for rule in self.rules[field])

    def needing(self, columns: frozenset[str]) -> Iterator[str]:
        """The fields that cannot be filled without some columns."""
        for name, rules in self.rules.items():
            if all(columns & set(rule.names) for rule in rules):
                yield name


def _first(
    rules: list[CompiledRule], values: Values, sidecar: Callable[[str], str | None], empty: str
) -> Outcome:
    """What the first of some rules gives that gives anything, or the reason of the last that states one."""
    why = empty
    for rule in rules:
        value = rule.find(values, sidecar)
        if value is not None:
            return Outcome(value, note=rule.declared.note)
        why = rule.declared.missing or why
    return Outcome(None, why)


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
