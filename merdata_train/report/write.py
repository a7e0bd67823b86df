"""Writing a report: tables/, figures/ and index.html."""

from __future__ import annotations

from pathlib import Path

from merdata import plugin
from merdata_train.errors import RunError
from merdata_train.report.lines import lines_of
from merdata_train.report.read import read_matrices
from merdata_train.report.tables import as_csv, latex, markdown


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
    sections = []
    matrices = read_matrices(runs, only)
    for matrix in matrices:
        lines = lines_of(matrix)
        drawn = list(figures.figures(matrix, lines))
        name = matrix.suite.name
        tables = {"md": markdown, "csv": as_csv, "tex": latex}
        contents = {f"tables/{name}.{kind}": make(matrix, lines).encode() for kind, make in tables.items()}
        for kind in ("png", "pdf"):
            for figure, _, draw in drawn:
                contents[f"figures/{name}-{figure}.{kind}"] = plugin.render_figure(draw, plugin.LIGHT, kind)
        for file, content in contents.items():
            _write(out / file, content)
        written[name] = list(contents)
        sections.append((matrix, lines, drawn))
    _write(out / "index.html", page.page(sections, store).encode())
    return written


def _write(path: Path, content: bytes) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with plugin.write_atomically(path) as temporary:
            temporary.write_bytes(content)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror}") from error
