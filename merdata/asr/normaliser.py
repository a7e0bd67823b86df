"""Whisper's own normalisers of texts, before words are counted as right or wrong (arXiv:2212.04356, C)."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module

from merdata.errors import MerdataError

WITHOUT_BLANKS = {"zh", "yue", "ja", "th", "lo", "my"}  # written without blanks: letters stand for words
ANY = "?"  # language of a row that states none
Normaliser = Callable[[str], str]


@cache
def normaliser(language: str | None) -> Normaliser:
    """The normaliser of a language: English has one of its own, which also spells out what is contracted.

    That of transformers is without the table of British and American spellings.

    Raises:
        MerdataError: transformers is not installed.
    """
    try:
        module = import_module("transformers.models.whisper.english_normalizer")
    except ImportError as error:
        raise MerdataError(
            "transformers, which has Whisper's normaliser of texts, is not installed: "
            "pip install 'merdata[train]'"
        ) from error
    own = (
        module.EnglishTextNormalizer({})
        if language == "en"
        else module.BasicTextNormalizer(split_letters=language in WITHOUT_BLANKS)
    )
    return lambda text: re.sub(r"\s+", " ", own(text)).strip()


@cache
def normalised_in(language: str | None, text: str) -> str:
    """A text as the normaliser of its language has it; texts repeat, so each is kept."""
    return normaliser(language)(text)


def language_of(stated: str | None, languages: Sequence[str]) -> str:
    """The language that a row states, else that of its corpus, where it has one; ANY for none."""
    return stated or (languages[0] if len(languages) == 1 else ANY)
