"""Tables of JSON: an object for each row."""

from __future__ import annotations

from typing import Any

from merdata.io.outside import parse_json

Objects = list[dict[str, Any]]


def parse_objects(text: str, *, lines: bool) -> Objects:
    """The rows of a JSON text; numbers may be NaN, which data frames write.

    Args:
        text: a list of objects, an object of objects (whose keys are the column `key`), or an object a line.
        lines: it is an object a line by its name. Others are too if their first line is an object of its own.

    Raises:
        ValueError: it is not JSON, or not objects; the message names the line.
    """
    numbered = [(number, line) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if lines or _is_first_of_many(numbered):  # not `splitlines`: U+2028 may be in a text
        return as_objects([_parsed(line, f"line {number}: ") for number, line in numbered])
    return as_objects(_parsed(text, ""))


def as_objects(value: object) -> Objects:
    """The rows of a list of objects, or of an object of objects.

    Raises:
        ValueError: it is neither.
    """
    if isinstance(value, dict):
        value = [{"key": key, **row} if isinstance(row, dict) else row for key, row in value.items()]
    if not isinstance(value, list) or not all(isinstance(row, dict) for row in value):
        raise ValueError("it must have an object for each row")
    return value


def _is_first_of_many(numbered: list[tuple[int, str]]) -> bool:
    if len(numbered) < 2:
        return False
    try:
        return isinstance(parse_json(numbered[0][1], finite=False), dict)
    except ValueError:
        return False


def _parsed(text: str, where: str) -> object:
    try:
        return parse_json(text, finite=False)
    except ValueError as error:
        raise ValueError(f"{where}it is not JSON: {error}") from error
