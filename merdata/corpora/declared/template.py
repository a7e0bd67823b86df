"""Templates: text with names in braces, filled from the values of a row."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

Values = Mapping[str, str | None]

PLACE = re.compile(r"\{([^{}]+)\}")


@dataclass(frozen=True)
class Template:
    """A text such as `{speaker}_{label}{n}`."""

    text: str

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names in braces, in their order."""
        return tuple(PLACE.findall(self.text))

    @cached_property
    def _pieces(self) -> tuple[str, ...]:
        """Literal text and names in turn."""
        return tuple(PLACE.split(self.text))

    def fill(self, values: Values) -> str | None:
        """The text, or None where one of its values is missing."""
        filled = list(self._pieces)
        for place in range(1, len(filled), 2):
            value = values.get(filled[place])
            if not value:
                return None
            filled[place] = value
        return "".join(filled)

    def pattern(self, values: Mapping[str, str]) -> re.Pattern[str]:
        """What texts made from it look like, each name a group.

        Args:
            values: name -> a regular expression of its values; one that is not listed may be anything.
        """
        made, known = "", set[str]()
        for place, piece in enumerate(self._pieces):
            if place % 2 == 0:
                made += re.escape(piece)
            elif piece in known:
                made += f"(?P={piece})"
            else:
                made += f"(?P<{piece}>{values.get(piece, '.+')})"
                known.add(piece)
        return re.compile(made)
