"""`merdata export`: a store in formats of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.io.places import on_this_machine, place

exports = typer.Typer(help="Write a store as WAV files, CSV or Croissant, for other tools.")

StoreOption = Annotated[Path, typer.Option(help="Folder or URL of the store.", parser=place, metavar="STORE")]
Protocol = Annotated[str | None, typer.Option(help="A protocol whose splits to give (default: none).")]
Fold = Annotated[str, typer.Option(help="Fold of the protocol, by number or name.")]
Corpora = Annotated[list[str] | None, typer.Option(help="Only this corpus; may repeat.")]


@exports.command("wav")
def wav(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder to write; empty or not there.", parser=on_this_machine),
    ],
    store: StoreOption = Path("store"),
    protocol: Protocol = None,
    fold: Fold = "0",
    corpora: Corpora = None,
) -> None:
    """Write WAV files with metadata.csv: load_dataset("audiofolder", data_dir=DIR) reads them.

    With a protocol each split has its folder. The bytes are those of the store. metadata.csv has what most
    tools need; `merdata export csv` has every column, to be joined by id.
    """
    from merdata.export.wav import export_wav

    rows = export_wav(store, folder, protocol=protocol, fold=fold, corpora=corpora)
    for split, number in rows.items():
        typer.echo(f"{folder / split}: {number:,} WAV files")


@exports.command("csv")
def csv(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="File to write.", parser=place)],
    store: StoreOption = Path("store"),
    protocol: Protocol = None,
    fold: Fold = "0",
    corpora: Corpora = None,
) -> None:
    """Write every column but the audio as CSV.

    A cell that a spreadsheet would run (it begins with = + - @, a tab or a line's end) gets an apostrophe.
    """
    from merdata.export.spreadsheet import export_csv

    rows = export_csv(store, path, protocol=protocol, fold=fold, corpora=corpora)
    typer.echo(f"{path}: {rows:,} rows")


@exports.command("croissant")
def croissant(
    store: StoreOption = Path("store"),
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write (default: croissant.json in the store).", parser=place, metavar="FILE"
        ),
    ] = None,
) -> None:
    """Describe the store for machines: croissant.json, with checksums and responsible-AI fields."""
    from merdata.export.croissant import export_croissant

    typer.echo(export_croissant(store, out))
