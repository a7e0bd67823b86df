"""Text of unknown encoding, told by byte-order marks, strict UTF-8 and then by evidence, never silently.

Other encodings are tried in turn. Each decoding is judged by its characters outside ASCII: letters of the
corpus's languages within words, and the quotes and dashes of print, are what a text has; `¡¯`, or a Chinese
character inside an English word, is not. If two readings fit about as well and differ, neither is taken.
"""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import suppress
from functools import cache
from importlib.resources import files
from itertools import islice, product
from typing import NamedTuple

import yaml

BOMS = {  # the longer first: UTF-32's begins like UTF-16's
    codecs.BOM_UTF8: "utf-8-sig",
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
COMMON = ("cp1252", "gb18030", "big5", "cp932", "cp1251", "mac_roman")
FEWEST_NULS = 0.02  # of the bytes of a text in UTF-16, whose digits, blanks and line ends have one each
UTF8 = ("utf-8", "utf-8-sig")
SEVEN_BIT = b"\x1b$"  # begins Japanese in ISO-2022-JP, which is ASCII to those who do not know it
APOSTROPHES, QUOTES, DASHES = frozenset("‘’´"), frozenset("“”„«»‚•″′♪"), frozenset("–—―…·\xa0")
LEVELS = {  # encoding -> language, table, first bytes of its more common characters
    "gb18030": ("zh", "gb2312", 0xB0, 0xD7),
    "big5": ("zh", "big5", 0xA4, 0xC6),
    "cp932": ("ja", "cp932", 0x88, 0x97),
    "euc_jp": ("ja", "euc_jp", 0xB0, 0xCF),
    "cp949": ("ko", "euc_kr", 0xB0, 0xC8),
}
FAR_EAST = ("zh", "ja", "ko")
# An accented letter counts a little less than an apostrophe: cp1252's apostrophe is an i with an accent in
# Mac OS Roman, which a word may have too, but less often. In English all of them are rare.
LETTER, OWN_LETTER = 0.8, 0.95
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
MOST_JUDGED = 100_000  # characters outside ASCII by which a long text is judged
FEWEST = 0.6  # what the best reading must reach
SURELY = 1 - LETTER + 0.01  # as many faults as letters of English loan words have
LEAD = 0.15  # how much worse than twice as bad the next one must be
LOST_INSIDE = re.compile(r"(?<=[^\W\d_])\?(?=[a-zß-ÿα-ωа-яё])")  # not `please?Honey`
LOST = re.compile(r"(?:^|(?<=[\s\"(]))\?(?=\w)|\A\W*(?:\?\W*){3,}\Z")  # `?Hola`, `???? ??`
MARKS, MARK_IN_WORD = re.compile("[\u200e\u200f]"), re.compile(r"(?<=\w)[\u200e\u200f]+(?=\w)")
PRINTED = re.compile(r"\w[‘’]\w|“[^”]+”")  # what print has; a single letter could be made of another
MEANT = ("UTF-8", "cp1252", "GB18030")  # the encoding of a text, and in which others it was read
READ_AS = ("cp1252", "mac_roman", "gb18030", "cp1251", "cp437", "cp850")


class Alphabet(NamedTuple):
    """What a language writes beyond a to z (`alphabets.yaml`), and how sure a sign of it each letter is."""

    letters: frozenset[str]
    encodings: tuple[str, ...]
    weight: float


@cache
def _alphabets() -> dict[str, Alphabet]:
    text = (files(__package__) / "alphabets.yaml").read_text("utf-8")
    return {
        language: Alphabet(
            frozenset(entry["letters"]), tuple(entry["encodings"]), LETTER if language == "en" else OWN_LETTER
        )
        for language, entry in yaml.safe_load(text).items()
    }


def _alphabet(language: str) -> Alphabet:
    return _alphabets().get(language) or _alphabets()["en"]


def languages_with_an_alphabet() -> tuple[str, ...]:
    """What a text may be in that states no language."""
    return tuple(_alphabets())


class Text(NamedTuple):
    """A decoded text and its encoding."""

    content: str
    encoding: str


def decode(data: bytes, languages: Collection[str] = ("en",), encoding: str | None = None) -> Text:
    """Text from bytes.

    Args:
        data: the whole file.
        languages: ISO 639 codes of those it may be in.
        encoding: of a text that is not UTF-8 and has no byte-order mark, where the user knows it.

    Raises:
        UnicodeError: it is in none of the encodings, or which of them cannot be told; the message says so.
        LookupError: there is no such encoding.
    """
    for mark, name in BOMS.items():
        if data.startswith(mark):
            return Text(data.decode(name), name)
    for name in wide(data):
        return Text(data.decode(name), name)
    try:
        if SEVEN_BIT in data:
            return Text(data.decode("iso2022_jp"), "iso2022_jp")
        return Text(data.decode("utf-8"), "utf-8")
    except UnicodeDecodeError:
        if encoding:
            return Text(data.decode(encoding), encoding)
        return _by_evidence(data, languages)


def wide(data: bytes) -> Iterator[str]:
    """UTF-16 or UTF-32 without a mark, by where the NULs are: line ends and digits of a table have them.

    Raises:
        UnicodeError: there are NULs, but not as in UTF-16 or UTF-32.
    """
    if 0 not in data:
        return
    for name in ("utf-32-le", "utf-32-be"):  # its numbers are so large that nothing else is one of them
        with suppress(UnicodeDecodeError):
            data.decode(name)
            yield name
            return
    if (even := data[::2].count(0)) == (odd := data[1::2].count(0)) or even + odd < FEWEST_NULS * len(data):
        raise UnicodeError("it holds NUL characters: it is not a text file")
    else:
        yield "utf-16-le" if odd > even else "utf-16-be"


def _by_evidence(data: bytes, languages: Collection[str]) -> Text:
    readings: list[tuple[float, Text]] = []
    for name in _candidates(languages):
        try:
            text = Text(data.decode(name), name)
        except UnicodeDecodeError:
            continue
        readings.append((faults(text, languages), text))
    readings.sort(key=lambda reading: reading[0])
    if not readings or readings[0][0] > (1 - FEWEST) * _beyond_ascii(readings[0][1].content).total():
        raise UnicodeError("it is not UTF-8, and no other encoding gives a text in the corpus's language")
    least, chosen = readings[0]
    for worse, text in readings[1:]:
        if worse < 2 * least + LEAD and text.content != chosen.content:
            raise UnicodeError(f"it is not UTF-8; it may be {chosen.encoding} or {text.encoding}")
    return chosen


def _candidates(languages: Collection[str]) -> list[str]:
    """The encodings of the languages, and those in which texts of any language are saved again."""
    own = [name for language in languages for name in _alphabet(language).encodings]
    return list(dict.fromkeys([*COMMON, *own]))


def _beyond_ascii(content: str) -> Counter[str]:
    """The characters outside ASCII between their neighbours, and how often; the first of a long text."""
    padded = f" {content} "
    places = (match.start() for match in islice(BEYOND_ASCII.finditer(padded), MOST_JUDGED))
    return Counter(padded[place - 1 : place + 2] for place in places)


def faults(text: Text, languages: Collection[str]) -> float:
    """How many of a reading's characters outside ASCII a text in one of these languages would not have."""
    seen = _beyond_ascii(text.content)
    return min(
        sum(
            times * (1 - _fit(near[0], near[1], near[2], text.encoding, language))
            for near, times in seen.items()
        )
        for language in languages
    )


def _fit(before: str, char: str, after: str, encoding: str, language: str) -> float:
    if char in APOSTROPHES:
        return 1.0
    if char in QUOTES:
        return 0.0 if before.isalpha() and after.isalpha() else 1.0
    if char.lower() in _alphabet(language).letters:
        return _alphabet(language).weight if _in_word(before, char, after) else 0.0
    if char in DASHES:
        return LETTER if not before.isalnum() and after.isalpha() else 1.0  # `,…mile`: or Émile?
    if "\u3000" <= char <= "\u303f" or "\uff00" <= char <= "\uff60":
        return 1.0 if language in FAR_EAST else 0.0
    if not char.isalpha():
        return 1.0 if char in "£€½¼¾°×" and (before + after).strip(" ").isdigit() else 0.0
    if any(letter.isalpha() and _is_latin(letter) for letter in (before, after)):
        return 0.0
    script = unicodedata.name(char, "?").partition(" ")[0]
    if script in ("CJK", "HANGUL"):
        return 1.0 if _is_common(char, encoding, language) else 0.0
    return 1.0 if script in ("HIRAGANA", "KATAKANA") and language == "ja" else 0.0


def _in_word(before: str, char: str, after: str) -> bool:
    """Whether a letter stands as in a word: beside others of its script, no capital after small ones."""
    beside = f"{before}{after}"
    if not char.isalpha():
        return True
    if (char.isupper() and before.islower()) or (char.islower() and after.isupper()):
        return False
    if char.isupper() and before.isalpha() and after.islower():
        return False
    if not _is_latin(char):
        return not any(letter.isalpha() and _is_latin(letter) for letter in beside)
    return before.isalpha() or after.isalpha() or beside.isspace()


def _is_latin(letter: str) -> bool:
    return letter.isascii() or unicodedata.name(letter, "").startswith("LATIN")


def _is_common(char: str, encoding: str, language: str) -> bool:
    """Whether a Chinese character or a Hangul syllable is of the common level of its encoding's table."""
    own, table, first, last = LEVELS.get(encoding, ("", "ascii", 0, 0))
    try:
        return language == own and first <= char.encode(table)[0] <= last
    except UnicodeEncodeError:
        return False


def damage(text: str) -> str | None:
    """What shows that characters of a text were lost before it came here, or None."""
    if "\ufffd" in text:
        return "replacement characters (U+FFFD)"
    if LOST_INSIDE.search(text):
        return "question marks inside words"
    if LOST.search(text):
        return "question marks in the place of letters"
    return None


def without_direction_marks(text: str) -> str:
    """A text without direction marks, which some editions of Persian texts have for the half space."""
    return MARKS.sub("", MARK_IN_WORD.sub("\u200c", text))


def undoubled(text: str, languages: Collection[str]) -> tuple[str, str]:
    """A text that had been read in a wrong encoding and was saved so (`donâ€™t`, `you¡¯re`), as it was.

    Args:
        text: of a row.
        languages: those that it may be in; if the alphabet of none is known, the text stays unchanged.

    Returns:
        The text, and what had happened to it: empty if it fits its language, or nothing makes it fit.
    """
    known = [language for language in languages if language in _alphabets()]
    if text.isascii() or not known or _fits(text, [*known, "en"], SURELY):  # foreign names are no fault
        return text, ""
    made: dict[str, str] = {}
    for wrong, right in product(READ_AS, MEANT):
        with suppress(UnicodeError):
            made.setdefault(_as_bytes(text, wrong).decode(right), f"its {right} had been read as {wrong}")
    fitting = [
        plain
        for plain, how in made.items()
        if plain != text and _fits(plain, known) and ("UTF-8" in how or PRINTED.search(plain))
    ]
    return (fitting[0], made[fitting[0]]) if len(fitting) == 1 else (text, "")


def _fits(text: str, languages: Collection[str], most: float = 1 - FEWEST) -> bool:
    """Whether a text is one of these languages, as far as its characters beyond ASCII tell."""
    readings = (Text(text, encoding) for language in languages for encoding in _alphabet(language).encodings)
    beyond = _beyond_ascii(text).total()
    return any(faults(reading, languages) <= most * beyond for reading in readings)


def _as_bytes(text: str, encoding: str) -> bytes:
    """Bytes in an encoding; in cp1252, bytes that it lacks are those of Latin-1, as programs leave them."""
    if encoding != "cp1252":
        return text.encode(encoding)
    return b"".join(char.encode("latin-1" if "\x80" <= char <= "\x9f" else "cp1252") for char in text)
