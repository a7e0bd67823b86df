"""Arguments and options that several commands share: one spelling, one help text."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.io.places import on_this_machine, place


def corpus_name(given: str) -> str:
    """The name of a corpus in a store, from any spelling."""
    from merdata.own.own import stored_name  # imported when it is needed, as all that commands do

    return stored_name(given)


StoreArgument = Annotated[
    Path | None, typer.Argument(help="The store, as --store names it.", parser=place, metavar="STORE")
]
StoreOption = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Folder of the store, or a URL such as s3://bucket/store (default: store).",
        parser=place,
        metavar="STORE",
    ),
]
Corpora = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus", help="Only this corpus; repeat it for more.", parser=corpus_name, metavar="NAME"
    ),
]
Protocol = Annotated[
    str | None,
    typer.Option(
        "--protocol", help="Protocol whose splits to show (default: mer, if there is one).", metavar="NAME"
    ),
]
Fold = Annotated[str, typer.Option("--fold", help="Fold of the protocol, by number or name.", metavar="FOLD")]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs", "-j", min=0, help="Processes (default: one a core; 0: no other process).", metavar="N"
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
OutFile = Annotated[Path, typer.Option("--out", help="File to write.", parser=place, metavar="FILE")]
OutFolder = Annotated[
    Path,
    typer.Option("--out", help="Folder to write: empty, or new.", parser=on_this_machine, metavar="DIR"),
]
