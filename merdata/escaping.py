"""Text from outside (names, labels, transcripts, notes), made safe for what it is written into.

A corpus, a store or a run may come from a stranger, so its text may be made to break out of a table, to run
as a script, or to repaint a terminal. One function for each target:

    terminal, YAML, HTML   printable   (rich, PyYAML and Jinja's autoescape do the rest)
    a message of a fault   message
    Markdown               markdown, code, block, link
    LaTeX                  latex
"""

from __future__ import annotations

import re
from urllib.parse import quote

# Control characters (ANSI escapes begin with one), separators of lines and paragraphs, overrides of the
# direction, half surrogate pairs, and the byte-order mark. Marks that scripts need are not among them.
HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
ENDLESS = re.compile(r"(\S{100})\S{900,}")  # a value without a blank that no message needs whole
SPACE = re.compile(r"\s+")
# What begins or ends something within a line of Markdown; `_` between letters and a lone `&` do not.
INLINE = re.compile(r"([\\`*\[\]<>|~$]|&(?=#?\w+;)|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")
BLOCK = re.compile(r"^( ?\d*)(#|[-+=]|(?<=\d)[.)])(?=[-+=#]*(?: |$))")  # a heading, a list, an underline
WEB = re.compile(r"https?://\S+")
LATEX = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "&": r"\&",
    "%": r"\%",
    "$": r"\$",
    "#": r"\#",
    "_": r"\_",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "±": r"$\pm$",
    "−": "$-$",
    "≥": r"$\geq$",
}


class Markdown(str):
    """Text that is Markdown already, so that `markdown` leaves it as it is."""

    __slots__ = ()


def printable(text: object) -> str:
    """The text on one line; characters that act without being seen are written as their code points."""
    return HIDDEN.sub(_named, SPACE.sub(" ", str(text)))


def message(text: str) -> str:
    """A message of some lines: hidden characters as their code points, and values of any length cut."""
    lines = (HIDDEN.sub(_named, line.expandtabs()) for line in text.split("\n"))
    return "\n".join(ENDLESS.sub(r"\1...", line) for line in lines)


def _named(match: re.Match[str]) -> str:
    return match[0].encode("unicode_escape").decode("ascii")


def markdown(text: object) -> Markdown:
    """Text that Markdown shows as it is, in a paragraph, a list or the cell of a table."""
    if isinstance(text, Markdown):
        return text
    return Markdown(BLOCK.sub(r"\1\\\2", INLINE.sub(r"\\\1", printable(text))))


def code(text: object) -> Markdown:
    """Text as code, outside of tables (where `|` ends a cell even in code)."""
    return Markdown("`" + printable(text).replace("`", "'") + "`")


def block(text: object, language: str = "") -> Markdown:
    """Lines as a block of code, behind a fence that is longer than any in the text."""
    lines = "\n".join(HIDDEN.sub(_named, line) for line in str(text).split("\n"))
    fence = "`" * max(3, 1 + max(map(len, re.findall("`+", lines)), default=0))
    return Markdown(f"{fence}{language}\n{lines}\n{fence}")


def link(text: object, url: str) -> Markdown:
    """Text with a link where the address is one of the web, else the text alone."""
    address = printable(url)
    if not WEB.fullmatch(address):
        return markdown(text)
    target = quote(address, safe=":/?#@!$&*+,;=%~-._").replace("&", "&amp;")
    return Markdown(f"[{markdown(text)}]({target})")


def latex(text: object) -> str:
    """Text that LaTeX sets as it is."""
    return "".join(LATEX.get(letter, letter) for letter in printable(text))
