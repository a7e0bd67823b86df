"""File names as slots: each path is cut into tokens, and paths that are cut alike are read side by side.

`female/F01A07.wav` gives the folder `female` and the tokens F, 01, A, 07. A slot is what stands at one place of all
paths of a form; which slot is the label or the speaker is told from its values in `guess`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import PurePosixPath

from merdata.corpora.walk import audio_stem

TOKEN = re.compile(r"\d+|[A-Z]+(?![a-zà-ÿ])|[A-Z]?[^\W\d_A-Z]+|[A-Z]")
PAIR = re.compile(r"[A-Z][a-z]")  # `Wa` of 03a01Wa: two letters, not a word
FEWEST = 0.02  # of all files, for a form to be looked at by itself


@dataclass(frozen=True)
class Token:
    """A piece of a path.

    Attributes:
        text: of it.
        depth: 0 in the name, 1 in its folder, 2 in the folder above, ...
        place: its number among the tokens of the name or folder.
    """

    text: str
    depth: int
    place: int


Place = tuple[int, int]  # depth and place of a token
Parts = dict[Place, str]


def cut(path: str) -> Parts:
    """The tokens of a path by their places; those of the name from the left."""
    pure = PurePosixPath(path)
    names = [audio_stem(pure.name) or pure.stem, *reversed(pure.parts[:-1])]
    return {
        (depth, place): text for depth, name in enumerate(names) for place, text in enumerate(tokens(name))
    }


def tokens(name: str) -> list[str]:
    """`03a01Wa` as 03, a, 01, W, a; `Actor_01` as Actor, 01; a name in another script is whole words."""
    found: list[str] = []
    for text in TOKEN.findall(name):
        found += list(text) if PAIR.fullmatch(text) else [text]
    return found or [name]


@dataclass(frozen=True)
class Form:
    """The paths that are cut alike.

    Attributes:
        shape: depth -> kinds of the tokens (`9` digits, `a` letters).
        rows: path -> its tokens.
    """

    shape: tuple[tuple[int, str], ...]
    rows: dict[str, Parts]

    @cached_property
    def places(self) -> list[Place]:
        return sorted(next(iter(self.rows.values())))

    def values(self, place: Place) -> Counter[str]:
        return Counter(parts[place] for parts in self.rows.values())


def forms_of(paths: Iterable[str]) -> list[Form]:
    """The forms of some paths, the most common first."""
    forms: dict[tuple[tuple[int, str], ...], dict[str, Parts]] = {}
    for path in paths:
        parts = cut(path)
        forms.setdefault(_shape(parts), {})[path] = parts
    made = [Form(shape, rows) for shape, rows in forms.items()]
    return sorted(made, key=lambda form: -len(form.rows))


def _shape(parts: Parts) -> tuple[tuple[int, str], ...]:
    """Of folders only how many there are, for their names may be cut in any way; of the name every token."""
    depths: dict[int, str] = {}
    for (depth, _), text in sorted(parts.items()):
        if depth == 0:
            depths[0] = depths.get(0, "") + ("9" if text.isdigit() else "a")
        else:
            depths[depth] = ""
    return tuple(depths.items())
