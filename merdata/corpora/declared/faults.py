"""The faults of a `corpus.yaml` in words: the key, what is wrong with it, and what may have been meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from merdata.errors import did_you_mean

# What pydantic adds to the place of a fault, which no file has as a key.
KINDS = ("[key]", "str", "bool", "Rule")
BEGIN_KINDS = ("list[", "dict[", "function-", "literal[", "nullable[")
QUOTE = "put it in quotes"


def faults(error: ValidationError, model: type[BaseModel]) -> Iterator[str]:
    """A sentence on each fault, one for each key."""
    said: dict[tuple[int | str, ...], str] = {}
    for fault in error.errors(include_url=False):
        steps = list(_steps(fault["loc"]))
        said.setdefault(tuple(steps), _said(fault, steps, model))
    for place, sentence in said.items():
        if not any(other[: len(place)] == place for other in said.keys() - {place} if place):
            yield f"{'.'.join(map(str, place))}: {sentence}" if place else sentence


def _steps(location: tuple[int | str, ...]) -> Iterator[int | str]:
    """The keys on the way to a fault; a key that is wrong itself is not one of them."""
    for step, following in zip(location, (*location[1:], ""), strict=False):
        if following != "[key]" and not _is_added(step):
            yield step


def _is_added(step: int | str) -> bool:
    return isinstance(step, str) and (step in KINDS or step.startswith(BEGIN_KINDS))


def _said(fault: ErrorDetails, steps: list[int | str], model: type[BaseModel]) -> str:
    if fault["type"] == "extra_forbidden":
        return f"unknown key{did_you_mean(str(steps[-1]), _keys_beside(steps, model))}"
    given = fault["input"]
    message = fault["msg"].removeprefix("Value error, ")
    if fault["type"] in ("string_type", "invalid_key") and isinstance(given, (bool, int, float)):
        return f"YAML reads {_as_yaml(given)} as {_kind(given)}, and this must be text: {QUOTE}"
    if fault["type"] in ("missing", "value_error") or isinstance(given, (Mapping, list)):
        return f"{message[0].lower()}{message[1:]}"
    return f"{message[0].lower()}{message[1:]}, not {given!r}"


def _as_yaml(value: object) -> str:
    return "yes, no, on, off, true or false" if isinstance(value, bool) else str(value)


def _kind(value: object) -> str:
    return "true or false" if isinstance(value, bool) else "a number"


def _keys_beside(steps: list[int | str], model: type[BaseModel]) -> list[str]:
    """The keys that the part around the last step knows."""
    part = model
    for step in steps[:-1]:
        if isinstance(step, str) and step in part.model_fields:
            part = _part_in(part.model_fields[step].annotation) or part
    return list(part.model_fields)


def _part_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((part for inner in get_args(annotation) if (part := _part_in(inner))), None)
