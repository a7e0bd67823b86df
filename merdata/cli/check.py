"""`merdata verify` and `merdata diff`: whether a store is intact, and how two of them differ."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from merdata.cli.command import print_json, takes_store
from merdata.cli.options import AsJson, Jobs
from merdata.engine.without_pandas import without_pandas
from merdata.io.places import place

INCOMPLETE = 3


@takes_store
@without_pandas()
def verify(
    store: Path,
    deep: Annotated[
        bool,
        typer.Option(
            "--deep",
            help="Also check the header and the samples of every clip, and print the logical digest.",
        ),
    ] = False,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Check that every file of a store is as it was written.

    Also that the files agree with each other. Exits with 3 if there is a fault.
    """
    from merdata.cli.screen import check as screen
    from merdata.integrity.verify import verify as check

    verdict = check(store, deep=deep, jobs=jobs, progress=True)
    print_json(asdict(verdict)) if as_json else screen.verified(verdict, store)
    if verdict.faults:
        raise typer.Exit(INCOMPLETE)


@without_pandas()
def diff(
    a: Annotated[Path, typer.Argument(help="The store before.", parser=place, metavar="A")],
    b: Annotated[Path, typer.Argument(help="The store after.", parser=place, metavar="B")],
    as_json: AsJson = False,
) -> None:
    """Compare the rows of two stores.

    Rows added, removed and changed, by column, and why. Exits with 1 if they differ.
    """
    from merdata.cli.screen import check as screen
    from merdata.integrity.diff import diff as compare

    difference = compare(a, b)
    print_json(asdict(difference)) if as_json else screen.compared(difference)
    if difference.any:
        raise typer.Exit(1)
