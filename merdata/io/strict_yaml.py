"""YAML that people write, read strictly: a key given twice, an alias or an endless nest is a fault."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

import yaml

MOST_LETTERS = 1_000_000


class StrictLoader(yaml.SafeLoader):
    """A safe loader that refuses a key given twice, and aliases, which can make a short text endless."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        seen: set[Hashable] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, Hashable) and key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen |= {key} if isinstance(key, Hashable) else set()
        return super().construct_mapping(node, deep)

    def compose_node(self, parent: Any, index: Any) -> Any:
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.composer.ComposerError(None, None, "aliases (`*name`) are not read", mark)
        return super().compose_node(parent, index)


def load_yaml(text: str) -> Any:
    """The value of a YAML text.

    Raises:
        yaml.YAMLError: it is not YAML, has a key twice or an alias, or is too long or too deep.
    """
    if len(text) > MOST_LETTERS:
        raise yaml.YAMLError(f"more than {MOST_LETTERS:,} characters")
    try:
        return yaml.load(text, StrictLoader)  # noqa: S506  a safe loader
    except RecursionError as error:
        raise yaml.YAMLError("nested too deeply") from error
