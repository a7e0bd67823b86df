"""YAML that people write, read strictly: a key given twice, an alias or an endless nest is a fault."""

from __future__ import annotations

from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from merdata.io.outside import cut, read_some

MOST_BYTES = 1_000_000
MOST_DEPTH = 32


class StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, and aliases, which can make a short text endless."""

    depth = 0

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

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (`*name`) are not read", mark)
        if self.depth == MOST_DEPTH:
            raise yaml.YAMLError(f"it is nested deeper than {MOST_DEPTH} levels")
        self.depth += 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        return node


def load_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError: it is not YAML, has a key twice, an alias or a value that cannot be (2001-02-30),
            or is too long or too deep.
    """
    if len(text) > MOST_BYTES:
        raise yaml.YAMLError(f"it is larger than {MOST_BYTES:,} bytes")
    try:
        return yaml.load(text, StrictLoader)  # noqa: S506  a safe loader
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
