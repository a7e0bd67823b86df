"""Text files whose encoding nobody states: UTF-16, UTF-8 or GB18030, told apart by their bytes."""

from __future__ import annotations

import codecs
from pathlib import Path

from merdata.errors import LayoutError

BOMS = {codecs.BOM_UTF8: "utf-8-sig", codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}


def read_mixed(path: Path) -> str:
    """A text file in whichever of the encodings fits.

    Raises:
        LayoutError: it cannot be read, or is in none of them.
    """
    try:
        return decode(path.read_bytes())
    except OSError as error:
        raise LayoutError(f"cannot read {path}: {error.strerror}") from error
    except UnicodeError as error:
        raise LayoutError(f"cannot read {path}: it is no text in UTF-16, UTF-8 or GB18030") from error


def decode(data: bytes) -> str:
    """Text from bytes; GB18030, which takes most bytes for text, is tried last.

    Raises:
        UnicodeError: they are in none of the encodings.
    """
    for encoding in candidates(data):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnicodeError("neither UTF-16, UTF-8 nor GB18030")


def candidates(data: bytes) -> tuple[str, ...]:
    """Encodings to try: by byte order mark, by where the NULs of UTF-16 lie, or UTF-8 before GB18030."""
    for mark, encoding in BOMS.items():
        if data.startswith(mark):
            return (encoding,)
    even, odd = data[::2].count(0), data[1::2].count(0)
    if even == odd:
        return () if even else ("utf-8", "gb18030")
    # The digits and tabs of a table are ASCII, whose NUL is the second byte in little endian.
    return ("utf-16-le",) if odd > even else ("utf-16-be",)
