"""Maps of what models learned: t-SNE of the embeddings of test rows, by emotion and by speaker."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from merdata.plugin import COLOURS, Draw
from merdata_train.report.read import Matrix
from merdata_train.report.tables import Grid
from merdata_train.runs.embeddings import read_embeddings
from merdata_train.scoring.embeddings import NEIGHBOURS, Separability, mapped, reduced, separability

MOST_ROWS = 2_000  # of a map: drawn by chance from more
MARKERS = "o^s"  # for more names than colours
MOST_NAMES = len(COLOURS) * len(MARKERS)  # of a legend
BY = {"emotion": "label", "speaker": "speaker"}


@dataclass(frozen=True)
class Map:
    """The embeddings of one cell under one name.

    Attributes:
        cell, name: whose, and of what: a modality before the interaction, or the fusion.
        rows: `label` and `speaker` of each point.
        points: `[n, 2]`.
        told: emotion and speaker -> how well the vectors tell them apart.
    """

    cell: str
    name: str
    rows: pd.DataFrame
    points: npt.NDArray[np.float64]
    told: dict[str, Separability | None]


def maps_of(matrix: Matrix) -> list[Map]:
    """The maps that a suite asks for, of the first seed and fold of each cell that kept its embeddings."""
    return [one for cell in matrix.suite.embeddings if cell in matrix.cells for one in _of_cell(matrix, cell)]


def _of_cell(matrix: Matrix, cell: str) -> Iterator[Map]:
    run = matrix.of(cell)[0].run
    ids, embeddings = read_embeddings(run.folder)
    rows = run.on(matrix.suite.test).set_index("id")
    place = [number for number, id in enumerate(ids) if id in rows.index]
    if len(place) > MOST_ROWS:
        place = sorted(np.random.default_rng(0).choice(place, MOST_ROWS, replace=False).tolist())
    shown = rows.loc[[ids[number] for number in place]].reset_index()
    for name, vectors in embeddings.items():
        own = np.asarray(vectors[place], np.float64)
        parts = reduced(own)
        told = {by: separability(parts, shown[column].astype(str).tolist()) for by, column in BY.items()}
        yield Map(cell, name, shown, mapped(own), told)


def maps_grid(matrix: Matrix, maps: Sequence[Map]) -> Grid:
    """How well each embedding tells emotions and speakers apart."""
    head = ["cell", "embedding", "n"]
    for by in BY:
        head += [f"silhouette, {by}", f"neighbours, {by}", f"largest {by}"]
    rows = [
        [one.cell, one.name, f"{len(one.rows):,}", *(text for by in BY for text in _shown(one.told[by]))]
        for one in maps
    ]
    caption = (
        f"Test set {matrix.suite.test}, first seed and fold. Of the first 50 principal components: mean "
        f"silhouette (-1 to 1), and the share of rows of which the {NEIGHBOURS} nearest other rows mostly "
        "have the same value, beside the share of the most frequent value, which it has to beat. A t-SNE map "
        "shows which points are near each other; its distances and sizes of clusters mean nothing."
    )
    title = f"{matrix.suite.title}: what the embeddings tell"
    return Grid(f"{matrix.suite.name}-embeddings", title, head, rows, caption, names=2)


def _shown(told: Separability | None) -> list[str]:
    if told is None:
        return ["", "", ""]
    return [f"{told.silhouette:.3f}", f"{told.neighbours:.3f}", f"{told.majority:.3f}"]


def maps_figure(matrix: Matrix, maps: Sequence[Map]) -> tuple[str, str, Draw]:
    """A row for each embedding, coloured by emotion and by speaker."""
    about = f"Embeddings of test rows on {matrix.suite.test} (PCA, then t-SNE): by emotion and by speaker"
    return "embeddings", about, lambda figure, _: draw(figure, maps)


def draw(figure: Figure, maps: Sequence[Map]) -> None:
    """Draw the maps."""
    figure.set_size_inches(7.4, 2.9 * len(maps))
    panels = figure.subplots(len(maps), len(BY), squeeze=False)
    for axes_of_map, one in zip(panels, maps, strict=True):
        for axes, (by, column) in zip(axes_of_map, BY.items(), strict=True):
            _panel(axes, one, one.rows[column].astype(str), f"{one.cell}, {one.name}: {by}")


def _panel(axes: Axes, one: Map, values: pd.Series[str], title: str) -> None:
    names = sorted(set(values))
    for number, name in enumerate(names):
        points = one.points[(values == name).to_numpy()]
        colour, marker = COLOURS[number % len(COLOURS)], MARKERS[number // len(COLOURS) % len(MARKERS)]
        axes.scatter(points[:, 0], points[:, 1], s=6, color=colour, marker=marker, label=name, lw=0)
    axes.set_title(title, fontsize=8)
    axes.set_xticks([])
    axes.set_yticks([])
    if len(names) <= MOST_NAMES:
        axes.legend(loc="upper left", bbox_to_anchor=(1, 1), fontsize=6, markerscale=2, borderaxespad=0.2)
