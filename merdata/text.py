"""Transcripts as keys: two utterances say the same when their words are the same."""

from __future__ import annotations

import re
import unicodedata

HAN = "\u3400-\u9fff"
# A Chinese character counts as a word. A typographic apostrophe parts a word, as in the known overlap of
# MELD (15.2 % of its test rows occur in train); read as a straight one it would be 15.4 %.
WORD = re.compile(rf"[{HAN}]|[^\W{HAN}]+(?:'[^\W{HAN}]+)*")


def words(text: str) -> list[str]:
    """Lower-case words without punctuation."""
    return WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def normalised(text: str) -> str:
    """The words with single blanks between them."""
    return " ".join(words(text))
