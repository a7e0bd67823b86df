"""Letters by which texts differ (Levenshtein), and the nearest of many texts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any

from merdata.errors import MerdataError


def distance(one: str, other: str) -> int:
    """Letters to insert, remove or replace.

    Raises:
        MerdataError: rapidfuzz is not installed.
    """
    return int(_levenshtein().distance(one, other))


def nearest_below(text: str, others: Sequence[str], below: int) -> tuple[str | None, int]:
    """The other text that is nearest, the first of several, and its distance; None if none is below."""
    if below < 1:
        return None, below
    process = import_module("rapidfuzz.process")
    near = process.extractOne(
        text, others, scorer=_levenshtein().distance, score_cutoff=below - 1, processor=None
    )
    return (near[0], int(near[1])) if near else (None, below)


def nearest(heard: str, texts: Sequence[str], most: int, normalise: Callable[[str], str]) -> list[str]:
    """The texts nearest to what was heard, by edits for each letter of the longer one, both normalised.

    Raises:
        MerdataError: rapidfuzz is not installed.
    """
    key, levenshtein = normalise(heard), _levenshtein()
    far = {text: levenshtein.normalized_distance(key, normalise(text)) for text in texts}
    return sorted(texts, key=lambda text: (far[text], text))[:most]


def _levenshtein() -> Any:
    try:
        return import_module("rapidfuzz.distance").Levenshtein
    except ImportError as error:
        raise MerdataError("rapidfuzz is not installed: pip install 'merdata[asr]'") from error
