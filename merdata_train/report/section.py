"""What the page shows of a suite on one test set."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from merdata_train.report.lines import Line
from merdata_train.report.read import Matrix
from merdata_train.report.tables import Grid


@dataclass(frozen=True)
class Section:
    """A suite with its table, figures and further tables.

    Attributes:
        pictures: `light` and `dark`, the addresses of a figure, and what it is `about`.
        grids: further tables, which come after the figures.
        answers: of several models to the same test rows, where the suite asks for them.
    """

    matrix: Matrix
    lines: list[Line]
    pictures: list[dict[str, str]]
    grids: list[Grid]
    answers: pd.DataFrame | None = None
