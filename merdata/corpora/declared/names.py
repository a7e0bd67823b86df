"""The grammar of file names: patterns with parts, and the values that each part may have."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from merdata.corpora.declared.schema import Declaration, Stray
from merdata.corpora.tree import Tree, fits
from merdata.corpora.walk import audio_stem, sounds, stems

PART = re.compile(r"\{([a-z_]\w*)\}")
GROUP = re.compile(r"\(\?P<\w+>")
ABOVE = "(?:.*/)?"  # begins a pattern that is held against the folders above, too
Listed = Mapping[str, "list[str] | str"]  # part -> its values, or a regular expression


@dataclass(frozen=True)
class Named:
    """An audio file whose name fits.

    Attributes:
        stem: its name without ending, as it was meant.
        groups: what the parts of the pattern stand for.
    """

    path: PurePosixPath
    stem: str
    groups: dict[str, str | None]


class Grammar:
    """The names of a corpus's files.

    Attributes:
        listed: part -> its values, or the regular expression of one that has no list.
        patterns: of the names, in the order of the declaration.
        file_name: fits where one of them does; without groups.
    """

    def __init__(self, declared: Declaration, maps: Mapping[str, list[str]]) -> None:
        """Put the grammar together.

        Args:
            declared: the corpus.
            maps: part -> the values that a map of it, or `labels`, lists.

        Raises:
            ValueError: nothing says what a part may be, or a name with its parts is no regular expression.
        """
        self._fixes = declared.fixes
        self._any_case = declared.any_case
        self.listed: dict[str, list[str] | str] = {**maps, **declared.parts}
        flags = re.IGNORECASE if self._any_case else 0
        names = declared.names or ["(?P<stem>.+)"]
        texts = [expand(name, self.listed, f"names.{place}") for place, name in enumerate(names)]
        self.patterns = [re.compile(_anywhere(text), flags) for text in texts]
        bare = "|".join(
            [GROUP.sub("(?:", expand(name, self.listed, "", group=False)) for name in names]
            + [re.escape(name) for name in self._fixes]
        )
        self.file_name = re.compile(_anywhere(f"(?:{bare})"), flags)
        self._strays = [
            (re.compile(_anywhere(expand(stray.name, self.listed, f"stray.{place}"))), stray)
            for place, stray in enumerate(declared.stray)
        ]
        self._spelled = {
            name: {value.lower(): value for value in values}
            for name, values in {**maps, **declared.parts}.items()
            if isinstance(values, list)
        }

    def named(self, tree: Tree) -> Iterator[Named | tuple[PurePosixPath, Stray]]:
        """The audio files of a folder whose names fit, and its strays, in its order."""
        for path in tree.paths:
            for stem in stems(path.name):
                fitting = self.stray(path, stem) or self.match(path, stem)
                if fitting and (audio_stem(path.name) is not None or sounds(tree.root / path)):
                    yield (path, fitting) if isinstance(fitting, Stray) else fitting
                    break

    def match(self, path: PurePosixPath, stem: str) -> Named | None:
        """A file by the first pattern that its name fits."""
        meant = self._fixes.get(stem, stem)
        match = self.found(path, meant)
        if match is None:
            return None
        groups = {name: self._as_listed(name, value) for name, value in match.groupdict().items()}
        return Named(path, meant, groups)

    def found(self, path: PurePosixPath, stem: str) -> re.Match[str] | None:
        """The match of the first pattern that a name fits."""
        matches = (fits(pattern, path.parent, stem) for pattern in self.patterns)
        return next(filter(None, matches), None)

    def stray(self, path: PurePosixPath, stem: str) -> Stray | None:
        """What the declaration says of a file that is no row; None for one that may be a row."""
        return next((stray for form, stray in self._strays if fits(form, path.parent, stem)), None)

    def _as_listed(self, name: str, value: str | None) -> str | None:
        if value is None or not self._any_case:
            return value
        return self._spelled.get(name, {}).get(value.lower(), value.lower())


def expand(pattern: str, listed: Listed, where: str, *, group: bool = True) -> str:
    """A pattern whose parts are groups of their values; a part that comes again must be the same.

    Raises:
        ValueError: nothing says what a part may be.
    """
    known: set[str] = set()

    def of_part(match: re.Match[str]) -> str:
        name = match[1]
        if name not in listed:
            raise ValueError(f"{where}: nothing says what {{{name}}} may be: list its values in parts.{name}")
        if name in known:
            return f"(?P={name})" if group else f"(?:{one_of(listed[name])})"
        known.add(name)
        return f"(?P<{name}>{one_of(listed[name])})" if group else f"(?:{one_of(listed[name])})"

    return PART.sub(of_part, pattern)


def one_of(values: list[str] | str) -> str:
    """A regular expression of the values of a part; the longer first, `sa` before `s`."""
    if isinstance(values, str):
        return values
    return "|".join(re.escape(value) for value in sorted(values, key=len, reverse=True))


def _anywhere(pattern: str) -> str:
    return f"{ABOVE}{pattern}" if "/" in pattern else pattern
