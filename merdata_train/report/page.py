"""The page: one offline HTML file; each cell of a confusion matrix links to its utterances."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources import files

import pandas as pd
import pyarrow as pa

import merdata
from merdata import plugin
from merdata_train.data.source import Source
from merdata_train.report.errors import spoken
from merdata_train.report.figures import counts_of
from merdata_train.report.read import Matrix
from merdata_train.report.section import Section
from merdata_train.report.tables import NAMES, Grid, caption, cells, header
from merdata_train.runs.folder import open_run
from merdata_train.scoring.groups import FEWEST_ROWS, bounded
from merdata_train.scoring.metrics import TITLES

FROM_STORE = ("id", "text", "raw_label", "notes")  # what a store adds to each row


def page(sections: Sequence[Section], store: merdata.Store | None, grids: Sequence[Grid] = ()) -> str:
    """The HTML of all suites.

    Args:
        sections: each suite with its lines and figures.
        store: for transcripts, notes and clips to listen to.
        grids: further tables, which come first.

    Raises:
        StoreError: the store cannot be read.
    """
    rows = pd.concat([_utterances(section) for section in sections], ignore_index=True)
    columns, clips = list(_columns(rows)), {}
    if store is not None:
        stored = store.rows(FROM_STORE)
        kinds = zip(rows["suite"], rows["label"], rows["predicted"], rows["right"], strict=True)
        clips = plugin.sample_clips(store, dict(zip(rows["id"], kinds, strict=True)))
        columns = [*_stored(rows, stored), *columns]
    clip = plugin.PageColumn("clip", "clip", "hidden", [id if id in clips else None for id in rows["id"]])
    return plugin.html_page(
        files("merdata_train.report").joinpath("page.html.j2").read_text("utf-8"),
        [*columns, clip],
        clips,
        title="Report of runs",
        grids=[_grid(grid) for grid in grids],
        suites=[_section(section) for section in sections],
    )


def _grid(grid: Grid) -> dict[str, object]:
    return {
        "title": grid.title,
        "head": grid.head,
        "rows": grid.rows,
        "numeric": [number >= grid.names for number in range(len(grid.head))],
        "caption": grid.caption,
    }


def own_store(matrices: Sequence[Matrix]) -> merdata.Store | None:
    """The store that all shown runs were trained on; None if it is gone, another, or changed since."""
    shown = [entry.run for matrix in matrices for entry in matrix.of(matrix.reference)]
    try:
        recipes = {run.folder: open_run(run.folder)[0] for run in shown}
        if len({recipe.store for recipe in recipes.values()}) != 1:
            return None
        for run in shown:
            source = Source(recipes[run.folder])
            if source.data_hash != run.metrics["data_hash"]:
                return None
        return source.store
    except merdata.MerdataError:
        return None


def _section(section: Section) -> dict[str, object]:
    matrix, lines = section.matrix, section.lines
    entries = matrix.of(matrix.reference)
    return {
        "name": matrix.suite.name,
        "title": matrix.suite.title,
        "header": header(matrix),
        "numeric": [number >= NAMES for number in range(len(header(matrix)))],
        "rows": list(cells(matrix, lines)),
        "caption": caption(matrix, lines),
        "figures": section.pictures,
        "test": matrix.suite.test,
        "reference": matrix.reference,
        "seed": entries[0].seed,
        "runs": [entry.run.name for entry in entries if entry.seed == entries[0].seed],
        "confusion": _confusion(matrix),
        "grids": [_grid(grid) for grid in section.grids],
        **_groups(matrix),
    }


def _groups(matrix: Matrix) -> dict[str, object]:
    """Scores of the reference cell's first seed by gender, language and speaker; empty over folds."""
    entries = matrix.of(matrix.reference)
    kinds = (
        entries[0].run.metrics["groups"].get(matrix.suite.test, {})
        if len(matrix.folds_of(matrix.reference)) == 1
        else {}
    )
    rows = [
        [kind, value, f"{scores['n']:,}", *bounded(scores)]
        for kind, groups in kinds.items()
        for value, scores in groups.items()
    ]
    titles = ["", "", "n", *TITLES.values()]
    return {
        "groups": rows,
        "group_header": titles,
        "group_numeric": [number > 1 for number in range(len(titles))],
        "fewest": FEWEST_ROWS,
    }


def _confusion(matrix: Matrix) -> Mapping[str, object]:
    names, counts = counts_of(matrix)
    rows = {
        gold: {predicted: int(counts[row, column]) for column, predicted in enumerate(names)}
        for row, gold in enumerate(names)
    }
    return plugin.linked_matrix(rows, names, "gold", "predicted", suite=matrix.suite.name)


def _utterances(section: Section) -> pd.DataFrame:
    """The rows that the confusion matrix counts, the most confident predictions first."""
    matrix = section.matrix
    entries = matrix.of(matrix.reference)
    first = [entry.run for entry in entries if entry.seed == entries[0].seed]
    rows = pd.concat([run.on(matrix.suite.test) for run in first], ignore_index=True)
    rows["p"] = rows[[f"p_{name}" for name in first[0].classes]].max(axis=1)
    rows = rows.sort_values(["p", "id"], ascending=[False, True])
    rows = rows[["id", "corpus", "speaker", "label", "predicted", "p"]].assign(suite=matrix.suite.name)
    if section.answers is None:
        return rows.assign(answers=None, right=None)
    return rows.merge(spoken(section.answers), on="id", how="left")


def _columns(rows: pd.DataFrame) -> Iterator[plugin.PageColumn]:
    """The columns that come from the predictions."""
    yield plugin.PageColumn("gold", "gold", "category", rows["label"].tolist())
    yield plugin.PageColumn("predicted", "predicted", "category", rows["predicted"].tolist())
    yield plugin.PageColumn("p", "p", "number", rows["p"].round(3).tolist())
    for name in ("suite", "corpus", "speaker"):
        yield plugin.PageColumn(name, name, "category", rows[name].tolist())
    yield plugin.PageColumn("id", "id", "text", rows["id"].tolist())
    if rows["answers"].notna().any():
        yield plugin.PageColumn("right", "models that are right", "category", _known(rows["right"]))
        yield plugin.PageColumn("answers", "answers", "text", _known(rows["answers"]))


def _known(values: pd.Series[str]) -> list[str | None]:
    return [value if isinstance(value, str) else None for value in values]


def _stored(rows: pd.DataFrame, stored: pa.Table) -> Iterator[plugin.PageColumn]:
    """The columns that come from the store; empty for rows that it does not have."""
    by_id = {row["id"]: row for row in stored.to_pylist()}
    known = [by_id.get(id, {"text": None, "raw_label": None, "notes": []}) for id in rows["id"]]
    yield plugin.PageColumn("text", "text", "text", [row["text"] for row in known])
    yield plugin.PageColumn("raw_label", "raw label", "category", [row["raw_label"] for row in known])
    yield plugin.PageColumn("notes", "notes", "notes", [row["notes"] for row in known])
