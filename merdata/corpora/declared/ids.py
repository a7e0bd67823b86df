"""The ids of a declared corpus taken apart: those of a complete copy, and what others call a row."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product

from merdata.corpora.corpus import Key, StoredRow, name_of
from merdata.corpora.declared import schema
from merdata.corpora.declared.names import Grammar, one_of
from merdata.corpora.declared.template import Template


class Complete:
    """The ids of a complete copy: all combinations of the parts of an id."""

    def __init__(self, id: Template, declared: schema.Complete, grammar: Grammar) -> None:
        self._id = id
        self._form = form_of(id, grammar)
        self._without = declared.without
        self._listed = grammar.listed

    def __call__(self, ids: set[str]) -> Iterator[str]:
        """The ids, given those that are there."""
        there = [match.groupdict() for match in map(self._form.fullmatch, ids) if match]
        names = list(dict.fromkeys(self._id.names))
        for combination in product(*(self._values(name, there) for name in names)):
            parts = dict(zip(names, combination, strict=True))
            if not any(gap.items() <= parts.items() for gap in self._without):
                yield self._id.fill(parts) or ""

    def _values(self, name: str, there: list[dict[str, str]]) -> list[str]:
        """Those that are listed, or those that are there."""
        listed = self._listed.get(name)
        return listed if isinstance(listed, list) else sorted({groups[name] for groups in there})


def form_of(id: Template, grammar: Grammar) -> re.Pattern[str]:
    """What ids look like, their parts as groups."""
    return id.pattern({name: one_of(values) for name, values in grammar.listed.items()})


def key_by(template: str, id: Template, grammar: Grammar) -> Key:
    """What a source calls a row: from the row's name, as `{name}`, and the parts of its id."""
    made, form = Template(template), form_of(id, grammar)

    def key(row: StoredRow) -> str:
        name = name_of(row)
        match = form.fullmatch(name)
        return made.fill({"name": name, **(match.groupdict() if match else {})}) or name

    return key
