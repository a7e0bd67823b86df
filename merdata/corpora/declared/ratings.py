"""A table of what listeners said of the recordings: the votes of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import get_args

from merdata.corpora.declared.schema import FieldName, Votes
from merdata.corpora.declared.tables import Cells, read_rows, stem_of
from merdata.corpora.declared.template import Template, Values
from merdata.corpora.tree import Tree
from merdata.errors import LayoutError
from merdata.utterance import Vote

COST = "no row has votes"


class Ratings:
    """The ratings of a corpus by the recordings that they are of."""

    def __init__(self, tree: Tree, votes: Votes) -> None:
        self._audio = Template(votes.audio)
        self._rater, self._label = Template(votes.rater), Template(votes.label)
        self._level = Template(votes.level) if votes.level else None
        self._by_stem: dict[str, list[Cells]] = {}
        try:
            for cells in self._read(tree, votes.file):
                audio = stem_of(self._audio.fill(cells) or "")
                self._by_stem.setdefault(audio.rpartition("/")[2], []).append(cells)
        except LayoutError as error:  # they add to rows that are whole without them
            tree.remarks.append(f"{COST}: {error}")

    def _read(self, tree: Tree, name: str) -> Iterator[Cells]:
        path = tree.metadata(name, COST)
        templates = [self._audio, self._rater, self._label, *([self._level] if self._level else ())]
        names = {name: None for template in templates for name in template.names}
        columns = [name for name in names if name not in get_args(FieldName)]
        yield from read_rows(tree, path, columns, quotes=True) if path else ()

    def of(self, stem: str, values: Values) -> Iterator[Vote]:
        """The votes on a recording; a rating without one of its cells, or a number as its level, is none.

        Args:
            stem: name of its file without ending.
            values: of its row; the columns of the ratings come before them.
        """
        for cells in self._by_stem.get(stem, ()):
            own = {**values, **cells}
            rater, label, level = self._rater.fill(own), self._label.fill(own), self._level_of(own)
            if rater and label and (level is not None or self._level is None):
                yield Vote(rater, label, level)

    def _level_of(self, values: Values) -> float | None:
        text = self._level.fill(values) if self._level else None
        try:
            return float(text.replace(",", ".")) if text else None
        except ValueError:
            return None
