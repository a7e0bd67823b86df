"""Transcripts as keys: two utterances say the same when their words are the same, however they are spelt.

This is the one definition of "the same text", and the one look-up of it, for splits, the audit, the text
baseline and the lint. What is folded for comparison:

- case, widths, ligatures and presentation forms (Unicode's NFKC and case folding), digits;
- apostrophes; quotes, dashes and all other punctuation;
- invisible characters, such as the joiners and direction marks inside Persian words, and the tatweel;
- marks that most texts leave out: vowel points of Arabic and Hebrew, stress marks of Russian;
- letters that keyboards and habits exchange: Arabic for Persian yeh and kaf, Russian yo, Turkish dotless i.
"""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

APOSTROPHES = dict.fromkeys(map(ord, "’‘‛ʼʻʽʹ′＇`´՚׳ꞌ"), "'")
EXCHANGED = dict(zip("يىكہёı", "ییکهеi", strict=True))
TATWEEL = "\u0640"
STRESS = re.compile("(?<=[\u0400-\u04ff])[\u0300\u0301]|(?<=i)\u0307")  # the latter: casefold makes it of İ
HAN = re.compile("[\u3005\u3007\u3400-\u9fff\U00020000-\U0003ffff]")
# Python sorts the marks on a letter in quadratic time: a word of a million marks is folded piece by piece.
PIECE = re.compile(r"\S{1,250}")


def words(text: str) -> list[str]:
    """The words of a text, folded; a Chinese character is a word."""
    straight = text.translate(APOSTROPHES)
    plain = straight.lower() if straight.isascii() else PIECE.sub(_folded, straight)
    # Two single quotes are a double one, and those at the ends of a word are quotes, too.
    parts = (part.strip("'") for part in plain.translate(_TABLE).replace("''", " ").split())
    return [part for part in parts if any(map(str.isalnum, part))]


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

    Attributes:
        label_of: the answer to each text; of two labels alike in number the first by name.
    """

    def __init__(self, keys: pd.Series[str], labels: pd.Series[str]) -> None:
        self._known = frozenset(keys.dropna())
        counts = labels.groupby([keys.rename("key"), labels.rename("label")], observed=True).size()
        best: dict[str, tuple[int, str]] = {}
        for key, label, rows in counts.reset_index(name="rows").itertuples(index=False):
            best[key] = min(best.get(key, (0, "")), (-rows, label))
        self.label_of = {key: label for key, (_, label) in best.items()}

    def knows(self, keys: pd.Series[str]) -> pd.Series[bool]:
        """Whether the rows have each text; not, where it is missing."""
        return keys.isin(self._known)

    def answers(self, keys: pd.Series[str]) -> pd.Series[str]:
        """The label of each text, None where the rows do not have it."""
        return keys.map(self.label_of).astype(object)


def majority_label(labels: pd.Series[str]) -> str:
    """The most frequent label; of two alike the first by name."""
    counts = labels.value_counts()
    return str(min(counts[counts == counts.max()].index))


class _Table(dict[int, str]):
    """For `str.translate`: what each folded character stands for, found when it is first met."""

    def __missing__(self, code: int) -> str:
        self[code] = plain = _plain(chr(code))
        return plain


_TABLE = _Table({ord("'"): "'"} | {ord(char): plain for char, plain in EXCHANGED.items()})


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
