"""Every kind of a part: the schemas that the files of a folder define, found without a list."""

from __future__ import annotations

import pkgutil
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any, TypeVar, Union

from pydantic import Tag

from merdata_train.parts.part import Part, by_kind

Kind = TypeVar("Kind", bound=Part)


def kinds(package: ModuleType, base: type[Kind]) -> dict[str, type[Kind]]:
    """kind -> schema, of the subclasses of `base` that the package's modules define; in order of kind.

    Raises:
        TypeError: two schemas have one kind.
    """
    made: dict[str, type[Kind]] = {}
    for file in pkgutil.iter_modules(package.__path__):
        module = import_module(f"{package.__name__}.{file.name}")
        for schema in vars(module).values():
            if isinstance(schema, type) and issubclass(schema, base) and schema.__module__ == module.__name__:
                for kind in _names(schema):
                    if made.setdefault(kind, schema) is not schema:
                        raise TypeError(f"{schema} and {made[kind]} are both called {kind!r}")
    return dict(sorted(made.items()))


def union(parts: dict[str, type[Kind]]) -> Any:
    """The annotation of a field that holds one of these kinds."""
    if len(parts) == 1:
        return next(iter(parts.values()))
    members = tuple(Annotated[schema, Tag(kind)] for kind, schema in parts.items())
    return Annotated[Union[members], by_kind("")]  # noqa: UP007  of a tuple


def _names(schema: type[Part]) -> tuple[str, ...]:
    """The names of a kind; none for a base that has no `kind` of its own."""
    field = schema.model_fields.get("kind")
    return () if field is None else getattr(field.annotation, "__args__", ())
