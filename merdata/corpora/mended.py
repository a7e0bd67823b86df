"""What is done to the text of every row, whichever reader it comes from, and noted on it."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from merdata.corpora.encodings import damage, undoubled, without_direction_marks
from merdata.text import has_ink
from merdata.utterance import Utterance


def without_blanks(row: Utterance) -> Utterance:
    """A row whose text, speaker and label are missing where nothing of them can be seen."""
    values = row.text, row.speaker, row.raw_label
    if row.excluded or all(value is None or has_ink(value) for value in values):
        return row
    names = zip(("text", "speaker", "raw_label"), values, strict=True)
    empty = [name for name, value in names if value is not None and not has_ink(value)]
    notes = (f"{name.removeprefix('raw_')}: nothing but blanks or invisible characters" for name in empty)
    nothing: Any = dict.fromkeys(empty)
    return row._replace(**nothing, notes=(*row.notes, *notes))


def mended(
    text: str | None, raw_text: str | None, languages: Collection[str]
) -> tuple[str | None, str | None, list[str]]:
    """A row's text and raw text, and notes on what happened to it before it came here."""
    if text is None or (text.isascii() and "?" not in text):  # of ASCII only "?" can stand for what was lost
        return text, raw_text, []
    (plain, how), notes = undoubled(text, languages), []
    if how:
        raw_text = raw_text or text
        notes.append(f"repaired: {how}")
    if (without := without_direction_marks(plain)) != plain:
        raw_text, plain = raw_text or text, without
        notes.append("repaired: direction marks in its words")
    if lost := damage(plain):
        notes.append(f"damaged: {lost} show that characters of the text were lost in this copy")
    return plain, raw_text, notes
