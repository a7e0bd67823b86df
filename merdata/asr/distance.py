"""How far texts are from each other, letter by letter (Levenshtein), after folding what is spelt alike."""

from __future__ import annotations

from collections.abc import Sequence

from merdata.errors import MerdataError
from merdata.text import normalised


def nearest(heard: str, texts: Sequence[str], most: int) -> list[str]:
    """The texts that are nearest to what was heard, by edits for each letter of the longer one.

    Raises:
        MerdataError: jiwer, which brings the distance, is not installed.
    """
    import_jiwer()
    from rapidfuzz.distance import Levenshtein

    key = normalised(heard)
    far = {text: Levenshtein.normalized_distance(key, normalised(text)) for text in texts}
    return sorted(texts, key=lambda text: (far[text], text))[:most]


def import_jiwer() -> None:
    """Fail in one sentence where the package of error rates is missing.

    Raises:
        MerdataError: it is.
    """
    try:
        import jiwer  # noqa: F401
    except ImportError as error:
        raise MerdataError("jiwer is not installed: pip install 'merdata[asr]'") from error
