"""Languages by their codes: `en` of EN, en-GB and English."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files

import yaml

CODE = re.compile(r"([a-z]{2,3})(?:[-_].*)?")  # perhaps with a country or script


@cache
def language_code(word: str) -> str | None:
    """The code of ISO 639 of a language; None where nothing tells it.

    Args:
        word: a code, with or without a country, or the language's English name.
    """
    match = CODE.fullmatch(word.casefold())
    return match[1] if match else _names().get(word.casefold())


@cache
def _names() -> dict[str, str]:
    """English name, in lower case -> code (`languages.yaml`)."""
    names: dict[str, str] = yaml.safe_load((files(__package__) / "languages.yaml").read_text("utf-8"))
    return {name.casefold(): code for code, name in names.items()}
