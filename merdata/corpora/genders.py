"""What tables call the two genders that a store knows; another word is not stored, and named."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from merdata.corpora.account import some

GENDERS = {
    **dict.fromkeys(("male", "m", "man", "boy", "männlich", "homme", "hombre", "男", "мужской"), "male"),
    **dict.fromkeys(
        ("female", "f", "w", "woman", "girl", "weiblich", "femme", "mujer", "女", "женский"), "female"
    ),
}


def gender_of(word: str | None) -> str | None:
    """The gender that a word means, whatever its case; None for another word."""
    return GENDERS.get((word or "").strip().casefold())


def strange_genders(words: Counter[str]) -> Iterator[str]:
    """A remark on the words of some rows that mean neither gender, if there are any."""
    strange = {word: rows for word, rows in words.items() if word.strip() and gender_of(word) is None}
    if strange:
        rows = sum(strange.values())
        yield f"genders that are not male or female, so not stored: {rows:,} rows, {some(list(strange))}"
