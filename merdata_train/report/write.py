"""Writing a report: tables/, figures/ and index.html."""

from __future__ import annotations

from pathlib import Path

from merdata import plugin
from merdata_train.errors import RunError
from merdata_train.report.family import Tested, by_test, grid_csv, side_by_side
from merdata_train.report.lines import lines_of
from merdata_train.report.read import read_matrices
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
        from merdata_train.report import figures, page
    except ImportError as error:
        raise RunError("the report draws with matplotlib: pip install 'merdata[report]'") from error
    written: dict[str, list[str]] = {}
    sections, grids = [], []
    for matrix in read_matrices(runs, only):
        tested = [Tested(part, lines_of(part)) for part in by_test(matrix)]
        contents: dict[str, bytes] = {}
        if matrix.suite.beside:
            grids.append(side_by_side(matrix.suite, tested))
            contents |= _tables(grids[-1], grid_csv(grids[-1]))
        for part in tested:
            contents |= _tables(grid_of(part.matrix, part.lines), as_csv(part.matrix, part.lines))
            drawn = list(figures.figures(part.matrix, part.lines))
            for kind in ("png", "pdf"):
                for figure, _, draw in drawn:
                    file = f"figures/{part.matrix.suite.name}-{figure}.{kind}"
                    contents[file] = plugin.render_figure(draw, plugin.LIGHT, kind)
            sections.append((part.matrix, part.lines, drawn))
        for file, content in contents.items():
            _write(out / file, content)
        written[matrix.suite.name] = list(contents)
    _write(out / "index.html", page.page(sections, store, grids).encode())
    return written


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
