"""`merdata_train compare` and `report`: what the saved predictions of runs tell."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.plugin import place, print_json
from merdata_train.cli.options import AsJson


def compare(
    folders: Annotated[
        list[Path], typer.Argument(metavar="RUN", help="Folders of evaluated runs.", parser=place)
    ],
    as_json: AsJson = False,
) -> None:
    """Compare runs on the same test rows.

    By a paired cluster bootstrap, with Holm's correction over all pairs.
    """
    from merdata_train.cli import screen
    from merdata_train.runs.compare import compare as in_pairs

    comparison = in_pairs(folders)
    print_json(comparison) if as_json else screen.comparison(comparison)


def report(
    what: Annotated[
        str, typer.Argument(metavar="RUNS|SUITE", help="Folder of runs, or the name of a suite.")
    ] = "runs",
    runs: Annotated[
        Path, typer.Option(help="Folder of the runs, if a suite is named.", parser=place, metavar="DIR")
    ] = Path("runs"),
    out: Annotated[
        Path | None,
        typer.Option(help="Folder of the report (default: RUNS/report).", parser=place, metavar="DIR"),
    ] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Store whose transcripts and clips the page has (default: the runs' own, if unchanged).",
            parser=place,
            metavar="STORE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write tables, figures and a page from what runs predicted.

    The tables are Markdown, CSV and LaTeX.
    """
    from merdata_train.cli import screen
    from merdata_train.report.write import write_report

    named = place(what)
    folder = named if named.is_dir() else runs
    only = None if named.is_dir() else named.name.removesuffix(".yaml")
    out = out or folder / "report"
    written = write_report(folder, out, only=only, store=store)
    print_json({"folder": str(out), "suites": written}) if as_json else screen.report(written, out)
