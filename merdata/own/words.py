"""Words for emotions, in many languages: what names of files and labels of tables probably mean."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from importlib.resources import files

import yaml


def plain(text: str) -> str:
    """A word in lower case, without accents and signs."""
    bare = unicodedata.normalize("NFKD", text.casefold())
    return re.sub(r"[\W_]+", "", "".join(char for char in bare if not unicodedata.combining(char)))


@cache
def words() -> dict[str, dict[str, str]]:
    """Language -> word for an emotion -> its class, or `other` (`words.yaml`)."""
    table = yaml.safe_load((files(__package__) / "words.yaml").read_text("utf-8"))
    return {
        language: {plain(word): name for name, own in classes.items() for word in own}
        for language, classes in table.items()
    }


@cache
def meaning(raw: str) -> str | None:
    """The class that a word names in some language; None where it names none, or two."""
    classes = {known[plain(raw)] for known in words().values() if plain(raw) in known}
    return classes.pop() if len(classes) == 1 and "other" not in classes else None


def is_word(raw: str) -> bool:
    """Whether a text is a word for an emotion in some language."""
    return any(plain(raw) in known for known in words().values())
