"""File names as slots: each path is cut into tokens, and paths that are cut alike are read side by side.

`female/F01A07.wav` gives the folder `female` and the tokens F, 01, A, 07. A slot is what stands at one place
of all paths; which slot is the label or the speaker is told from its values in `guess`.
"""

from __future__ import annotations

import re
from pathlib import PurePosixPath

from merdata.corpora.walk import audio_stem

TOKEN = re.compile(r"\d+|[A-Z]+(?![a-zà-ÿ])|[A-Z]?[^\W\d_A-Z]+|[A-Z]")
PAIR = re.compile(r"[A-Z][a-z]")  # `Wa` of 03a01Wa: two letters, not a word
Place = tuple[int, int]  # depth (0 the name, 1 its folder, 2 the folder above), number of the token there
Tokens = dict[Place, str]


def cut(path: str) -> Tokens:
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
