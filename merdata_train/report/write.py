"""Writing a report: tables/, figures/ and index.html."""

from __future__ import annotations

from pathlib import Path

import merdata
from merdata import plugin
from merdata_train.errors import RunError
from merdata_train.report.classes import classes_grid
from merdata_train.report.documents import document_grids
from merdata_train.report.effects import effects_grid, effects_of
from merdata_train.report.errors import answers_csv, answers_of, errors_grid, flips_grid
from merdata_train.report.family import Tested, by_test, grid_csv, side_by_side
from merdata_train.report.lines import lines_of
from merdata_train.report.read import read_matrices
from merdata_train.report.section import Section
from merdata_train.report.tables import Grid, as_csv, grid_of, latex, markdown


def write_report(
    runs: Path, out: Path, *, only: str | None = None, store: Path | None = None
) -> dict[str, list[str]]:
    """Tables, figures and the page of the suites in a folder of runs.

    Args:
        runs: folder of the runs.
        out: where the report goes.
        only: the name of one suite; all by default.
        store: for transcripts, notes and clips on the page (default: the runs' own, if it is unchanged).

    Returns:
        suite -> files that were written, besides index.html.

    Raises:
        RunError: there is nothing to report, or matplotlib is missing.
        ProtocolError: a run fails a check.
    """
    try:
        from merdata_train.report import page
    except ImportError as error:
        raise RunError("the report draws with matplotlib: pip install 'merdata[report]'") from error
    matrices = read_matrices(runs, only)
    opened = page.own_store(matrices) if store is None else merdata.open_store(store)
    written: dict[str, list[str]] = {}
    sections, grids = [], []
    for matrix in matrices:
        tested = [Tested(part, lines_of(part)) for part in by_test(matrix)]
        contents: dict[str, bytes] = {}
        if matrix.suite.beside:
            grids.append(side_by_side(matrix.suite, tested))
            contents |= _tables(grids[-1], grid_csv(grids[-1]))
        for part in tested:
            contents |= _tables(grid_of(part.matrix, part.lines), as_csv(part.matrix, part.lines))
            section, further = look_into(part, opened)
            sections.append(section)
            contents |= further
        for file, content in contents.items():
            _write(out / file, content)
        written[matrix.suite.name] = list(contents)
    _write(out / "index.html", page.page(sections, opened, grids).encode())
    return written


def look_into(part: Tested, store: merdata.Store | None) -> tuple[Section, dict[str, bytes]]:
    """What is shown of a suite beside its table: figures, classes, embeddings, errors, published tables.

    Returns:
        The section of the page, and the content of each file.
    """
    from merdata_train.report import coverage, figures, maps, robustness

    matrix = part.matrix
    drawn = list(figures.figures(matrix, part.lines))
    grids, contents = [classes_grid(matrix)], {}
    shown = maps.maps_of(matrix)
    if shown:
        grids.append(maps.maps_grid(matrix, shown))
        drawn.append(maps.maps_figure(matrix, shown))
    answers = answers_of(matrix)
    if answers is not None:
        texts = _texts(store)
        grids += [flips_grid(matrix, answers), errors_grid(matrix, answers, texts)]
        contents[f"tables/{matrix.suite.name}-answers.csv"] = answers_csv(answers, texts).encode()
    main_effects = effects_of(matrix)
    if main_effects:
        grids.append(effects_grid(matrix, main_effects))
    sure = coverage.surest(matrix)
    grids.append(coverage.coverage_grid(matrix, sure))
    drawn.append(coverage.coverage_figure(matrix, sure))
    curves = robustness.curves_of(matrix)
    if curves:
        grids.append(robustness.robustness_grid(matrix, curves))
        drawn.append(robustness.robustness_figure(matrix, curves))
    grids += document_grids(matrix.suite)
    for grid in grids:
        contents |= _tables(grid, grid_csv(grid))
    pictures = []
    for name, about, draw in drawn:
        light = plugin.render_figures(draw, plugin.LIGHT, ("png", "pdf", "svg"))
        for kind in ("png", "pdf"):
            contents[f"figures/{matrix.suite.name}-{name}.{kind}"] = light[kind]
        if name != "confusion":  # the page has it as a table with links
            pictures.append(plugin.as_picture(draw, light["svg"]) | {"about": about})
    return Section(matrix, part.lines, pictures, grids, answers), contents


def _texts(store: merdata.Store | None) -> dict[str, str | None]:
    """id -> transcript, as far as there is a store."""
    rows = store.rows(["id", "text"]) if store else None
    return dict(zip(rows["id"].to_pylist(), rows["text"].to_pylist(), strict=True)) if rows else {}


def _tables(grid: Grid, as_text: str) -> dict[str, bytes]:
    """File -> content of a table in all its forms."""
    forms = {"md": markdown(grid), "csv": as_text, "tex": latex(grid)}
    return {f"tables/{grid.name}.{kind}": text.encode() for kind, text in forms.items()}


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with plugin.write_atomically(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error
