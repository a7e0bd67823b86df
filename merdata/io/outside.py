"""JSON that somebody else may have written: bounded in size and depth, no key twice, no NaN."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from merdata.escaping import printable
from merdata.io.places import is_remote, read_bytes

MOST_BYTES = 1 << 26
MOST_DEPTH = 32
SHOWN = 100  # letters of a value in a message
Checked = TypeVar("Checked")


def read_some(path: Path, most: int = MOST_BYTES) -> bytes:
    """The bytes of a small file.

    Raises:
        OSError: it cannot be read.
        RemoteError: it is remote and could not be reached.
        ValueError: it is larger than `most` bytes.
    """
    if is_remote(path):
        data = read_bytes(path)
    else:
        with path.open("rb") as file:
            data = file.read(most + 1)
    if len(data) > most:
        raise ValueError(f"it is larger than {most:,} bytes")
    return data


def parse_json(data: bytes | str, *, finite: bool = True) -> Any:
    """The value of a JSON document.

    Raises:
        ValueError: it is not JSON, nested too deep, has a key twice, or a number that is not finite, if all
            are to be.
    """
    constant = _refuse if finite else None
    try:
        value = json.loads(data, object_pairs_hook=_without_repetition, parse_constant=constant)
    except RecursionError as error:
        raise ValueError(f"it is nested deeper than {MOST_DEPTH} levels") from error
    _check_depth(value)
    return value


def read_json(path: Path, kind: Callable[..., Checked], *, finite: bool = True) -> Checked:
    """The value of a JSON file, if it is of a type, as `check_type` says.

    Raises:
        OSError: it cannot be read.
        ValueError: it is too large, is not JSON, or is of another type.
    """
    return check_type(kind, parse_json(read_some(path), finite=finite))


def check_type(kind: Callable[..., Checked], value: Any) -> Checked:
    """The value, if it is of a type such as a TypedDict, with its `Annotated` bounds; nothing is converted.

    Raises:
        ValueError: it is not; says where, and what is expected there.
    """
    from pydantic import ValidationError

    try:
        _adapter(kind).validate_python(value, strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False)[0]
        raise ValueError(f"{_where(first['loc'])}: {_expected(first['type'], first['msg'])}") from error
    checked: Checked = value
    return checked


@cache
def _adapter(kind: Any) -> Any:
    from pydantic import TypeAdapter

    return TypeAdapter(kind)


def _where(place: Sequence[int | str]) -> str:
    return cut(".".join(str(step) for step in place if step != "[key]")) or "the document"


def _expected(fault: str, message: str) -> str:
    """What was expected; a predicate `is_file_name` says that it is not a file name."""
    if fault == "predicate_failed":
        name = message.split("'")[1].removeprefix("is_")
        return f"it is not a valid {name.replace('_', ' ')}"
    return message[:1].lower() + message[1:]


def cut(value: object) -> str:
    """A value from outside as it may stand in a message: one line, not too long, nothing a terminal obeys."""
    text = printable(value).strip()
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."


def _without_repetition(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    keys = dict(pairs)
    if len(keys) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"key {cut(next(name for name in names if names.count(name) > 1))} is listed twice")
    return keys


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")


def _check_depth(value: Any) -> None:
    level, depth = [value], 0
    while level := [
        inner
        for outer in level
        if isinstance(outer, (dict, list))
        for inner in (outer.values() if isinstance(outer, dict) else outer)
    ]:
        depth += 1
        if depth > MOST_DEPTH:
            raise ValueError(f"it is nested deeper than {MOST_DEPTH} levels")
