"""YAML that people write, read strictly: a key given twice, an alias or an endless nest is a fault."""

from __future__ import annotations

import re
from collections.abc import Hashable
from copy import deepcopy
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

from merdata.io.outside import cut, read_some

MOST_BYTES = 1_000_000
MOST_DEPTH = 32
LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
TOO_DEEP = f"it is nested deeper than {MOST_DEPTH} levels"


class _KeysOnce(yaml.constructor.SafeConstructor):
    """Refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {cut(repr(key))} is given twice", key_node.start_mark
                )
            seen |= {key} if isinstance(key, Hashable) else set()
        return super().construct_mapping(node, deep)


class StrictLoader(_KeysOnce, yaml.SafeLoader):
    """A safe loader that refuses a key given twice, and aliases, which can make a short text endless."""

    depth = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            raise _alias(self.peek_event())  # type: ignore[no-untyped-call]
        if self.depth == MOST_DEPTH:
            raise yaml.YAMLError(TOO_DEEP)
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


class _FastLoader(_KeysOnce, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """As strict about keys, and four times as fast; of aliases and depth it knows nothing."""


def _whole(loader: yaml.SafeLoader, node: yaml.ScalarNode) -> int | str:
    """A whole number; `07`, which YAML reads with base 8, stays the name that it is."""
    text = loader.construct_scalar(node)
    return str(text) if LEADING_ZERO.fullmatch(text) else loader.construct_yaml_int(node)


for _loader in (StrictLoader, _FastLoader):
    _loader.add_constructor("tag:yaml.org,2002:int", _whole)


def _alias(event: Any) -> yaml.YAMLError:
    return yaml.composer.ComposerError(None, None, "aliases (`*name`) are not read", event.start_mark)


def load_table(text: str) -> Any:
    """As `load_yaml`, of a table that may have many megabytes.

    Raises:
        yaml.YAMLError: as `load_yaml`, but for its length.
    """
    depth = 0
    for event in yaml.parse(text, _FastLoader):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if isinstance(event, yaml.AliasEvent):
            raise _alias(event)
        if depth > MOST_DEPTH:
            raise yaml.YAMLError(TOO_DEEP)
    return _load(text, _FastLoader)


def load_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError: it is not YAML, has a key twice, an alias or a value that cannot be (2001-02-30),
            or is too long or too deep.
    """
    if len(text) > MOST_BYTES:
        raise yaml.YAMLError(f"it is larger than {MOST_BYTES:,} bytes")
    return deepcopy(_loaded(text))


@lru_cache(maxsize=64)
def _loaded(text: str) -> Any:
    """The value, read once: each run of a suite asks for the same recipes, and reading one takes 15 ms."""
    return _load(text, StrictLoader)


def _load(text: str, loader: Any) -> Any:
    try:
        return yaml.load(text, loader)  # noqa: S506  a safe one
    except (ArithmeticError, AttributeError, TypeError, ValueError) as error:  # of dates and numbers
        raise yaml.YAMLError(f"it has a date or a number that cannot be: {cut(error)}") from error


def read_yaml(path: Path) -> Any:
    """As `load_yaml`, of a file in UTF-8.

    Raises:
        OSError: it cannot be read.
        yaml.YAMLError: as `load_yaml`, or it is not UTF-8.
    """
    try:
        return load_yaml(read_some(path, MOST_BYTES).decode("utf-8"))
    except ValueError as error:
        raise yaml.YAMLError(str(error)) from error
