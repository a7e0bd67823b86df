"""Transcripts as keys: two utterances say the same when their words are the same, however they are spelt.

This is the one definition of "the same text", and the one look-up of it, for splits, the audit, the text
baseline and the lint. What is folded for comparison:

- case, widths, ligatures and presentation forms (Unicode's NFKC and case folding), digits;
- apostrophes; quotes, dashes and all other punctuation;
- invisible characters, such as the joiners and direction marks inside Persian words, and the tatweel;
- marks that most texts leave out: vowel points of Arabic and Hebrew, stress marks of Russian;
- letters that keyboards and habits exchange: Arabic for Persian and Urdu yeh, kaf and heh, teh marbuta for
  heh, alef, waw and yeh with and without hamza, Greek vowels with and without tonos (capitals have none), the
  Amharic letters of one sound (ሀ ሐ ኀ ኸ, ሰ ሠ, አ ዐ, ጸ ፀ), Russian yo, Turkish dotless i.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Codes = npt.NDArray[np.int64]

APOSTROPHES = dict.fromkeys(map(ord, "’‘‛ʼʻʽʹ′＇`´՚׳ꞌ"), "'")
EXCHANGED = dict(zip("يىئكہۂۀةأإٱؤёıάέήίΐόύΰώ", "یییکههههاااوеiαεηιϊουϋω", strict=True))
# First letters of Amharic series, whose seven forms follow each other; each reads as the second one does.
SERIES = {"ሐ": "ሀ", "ኀ": "ሀ", "ኸ": "ሀ", "ሠ": "ሰ", "ዐ": "አ", "ፀ": "ጸ"}
SEVEN = range(7)
AMHARIC = {chr(ord(first) + form): chr(ord(read) + form) for first, read in SERIES.items() for form in SEVEN}
FIRST_FORM = {"ሃ": "ሀ", "ሓ": "ሀ", "ኃ": "ሀ", "ኻ": "ሀ", "ኣ": "አ", "ዓ": "አ"}  # the fourth form sounds the same
TATWEEL = "\u0640"
STRESS = re.compile("(?<=[\u0400-\u04ff])[\u0300\u0301]|(?<=i)\u0307")  # the latter: casefold makes it of İ
HAN = re.compile("[\u3005\u3007\u3400-\u9fff\U00020000-\U0003ffff]")
# Python sorts the marks on a letter in quadratic time: a word of a million marks is folded piece by piece.
PIECE = re.compile(r"\S{1,250}")


def has_ink(text: str) -> bool:
    """Whether anything of a text can be seen: more than blanks, zero-width characters and direction marks."""
    return text[:1].isalnum() or any(unicodedata.category(char)[0] not in "ZC" for char in text)


def words(text: str) -> list[str]:
    """The words of a text, folded; a Chinese character is a word."""
    straight = text.translate(APOSTROPHES)
    plain = straight.lower() if straight.isascii() else PIECE.sub(_folded, straight)
    # Two single quotes are a double one, and those at the ends of a word are quotes, too.
    parts = (part.strip("'") for part in plain.translate(_TABLE).replace("''", " ").split())
    return [part for part in parts if any(map(str.isalnum, part))]


@lru_cache(maxsize=1 << 16)
def normalised(text: str) -> str:
    """The words with single blanks between them; "" where there is no word."""
    return " ".join(words(text))


def text_keys(texts: pd.Series[str]) -> pd.Series[str]:
    """Normalised texts, each distinct one normalised once; missing where a text is, or has no word."""
    keys = {text: normalised(text) or None for text in texts.dropna().unique()}
    return texts.map(keys).astype(object)


class TextLookUp:
    """What looking a text up in some rows answers: the label that most rows of that text have.

    Args:
        keys: of the rows, as `text_keys` gives them.
        labels: of the same rows; a row without one makes its text known, and says nothing of the answer.
    """

    def __init__(self, keys: pd.Series[str], labels: pd.Series[str]) -> None:
        import pandas as pd

        key, texts = pd.factorize(keys)
        label, names = pd.factorize(labels, sort=True)
        answers = majorities(key, label, len(texts), len(names))
        self._known = frozenset(texts)
        self._label_of = {text: names[best] for text, best in zip(texts, answers, strict=True) if best >= 0}

    def knows(self, keys: pd.Series[str]) -> pd.Series[bool]:
        """Whether the rows have each text; not, where it is missing."""
        return keys.isin(self._known)

    def answers(self, keys: pd.Series[str]) -> pd.Series[str]:
        """The label of each text; missing where the rows do not have it."""
        return keys.map(self._label_of).astype(object)


def majorities(keys: Codes, labels: Codes, most_keys: int, most_labels: int) -> Codes:
    """The most frequent label of each key, the first of two alike; -1 for a key without one.

    Args:
        keys: `[rows]`, from 0; negative where a row has none.
        labels: `[rows]`, likewise.
        most_keys: how many keys there are.
        most_labels: how many labels there are.
    """
    if not most_labels:
        return np.full(most_keys, -1)
    known = (keys >= 0) & (labels >= 0)
    cells = np.bincount(keys[known] * most_labels + labels[known], minlength=most_keys * most_labels)
    counts = cells.reshape(most_keys, most_labels)
    return np.where(counts.any(axis=1), counts.argmax(axis=1), -1)


def majority_label(labels: pd.Series[str]) -> str:
    """The most frequent label; of two alike the first by name."""
    counts = labels.value_counts()
    return str(min(counts[counts == counts.max()].index))


class _Table(dict[int, str]):
    """For `str.translate`: what each folded character stands for, found when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain(chr(code))
        return plain


_EXCHANGED = {**EXCHANGED, **AMHARIC, **FIRST_FORM}
_TABLE = _Table({ord("'"): "'"} | {ord(char): plain for char, plain in _EXCHANGED.items()})


def _folded(piece: re.Match[str]) -> str:
    compatible = unicodedata.normalize("NFKC", piece[0]).casefold()
    return STRESS.sub("", unicodedata.normalize("NFKC", compatible))


def _plain(char: str) -> str:
    """A letter or a mark as itself, or "" if it is folded away; a blank for all that is no part of a word."""
    kind = unicodedata.category(char)
    if kind in ("Cf", "Me") or char == TATWEEL or _is_optional(char):
        return ""
    if kind == "Nd":
        return str(unicodedata.decimal(char))
    if HAN.match(char):
        return f" {char} "
    return char if kind[0] in "LMN" else " "


def _is_optional(char: str) -> bool:
    """Whether it is a mark that most texts leave out, or chooses between glyphs."""
    points = ("ARABIC", "HEBREW", "VARIATION SELECTOR")
    return unicodedata.category(char) == "Mn" and unicodedata.name(char, "").startswith(points)
