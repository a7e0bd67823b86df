"""`merdata export` and `merdata push`: a store in the formats of other tools, and on the Hub."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.cli.command import print_json, takes_store
from merdata.cli.options import AsJson, Corpora, Fold, OutFile, OutFolder
from merdata.engine.without_pandas import without_pandas
from merdata.errors import OptionError
from merdata.io.places import place

exports = typer.Typer(help="Write a store as WAV, CSV or Croissant, for other tools.")

SplitsOf = Annotated[
    str | None,
    typer.Option("--protocol", help="Protocol whose splits to write (default: none).", metavar="NAME"),
]


@exports.command("wav")
@takes_store
def wav(
    store: Path,
    out: OutFolder,
    protocol: SplitsOf = None,
    fold: Fold = "0",
    corpora: Corpora = None,
    as_json: AsJson = False,
) -> None:
    """Write WAV files with metadata.parquet.

    load_dataset("audiofolder", data_dir=DIR) reads them. With a protocol, each split has its folder. The
    bytes are those of the store. metadata.parquet has what most tools need; `merdata export csv` writes every
    column, to be joined by id.
    """
    _refuse_fold_alone(protocol, fold)
    from merdata.export.wav import export_wav
    from merdata.io.names import pattern_fault

    files = export_wav(store, out, protocol=protocol, fold=fold, corpora=corpora)
    if fault := pattern_fault(out):
        typer.echo(f"merdata: {fault}", err=True)
    if as_json:
        print_json({"folder": str(out), "files": files})
        return
    for split, number in files.items():
        typer.echo(f"{out / split}: {number:,} WAV files")


@exports.command("csv")
@takes_store
@without_pandas()
def csv(
    store: Path,
    out: OutFile,
    protocol: SplitsOf = None,
    fold: Fold = "0",
    corpora: Corpora = None,
    as_json: AsJson = False,
) -> None:
    """Write every column but the audio as CSV.

    A cell that a spreadsheet would run as a formula (it begins with = + - @, a tab or a line break) gets an
    apostrophe before it.
    """
    _refuse_fold_alone(protocol, fold)
    from merdata.export.spreadsheet import export_csv

    rows = export_csv(store, out, protocol=protocol, fold=fold, corpora=corpora)
    print_json({"file": str(out), "rows": rows}) if as_json else typer.echo(f"{out}: {rows:,} rows")


def _refuse_fold_alone(protocol: str | None, fold: str) -> None:
    if protocol is None and fold != "0":
        raise OptionError(f"--fold {fold} is of a protocol: add --protocol NAME")


@exports.command("croissant")
@takes_store
@without_pandas()
def croissant(
    store: Path,
    out: Annotated[
        Path | None,
        typer.Option(
            help="File to write (default: croissant.json in the store).", parser=place, metavar="FILE"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Describe the store for machines, in croissant.json.

    With checksums and responsible-AI fields.
    """
    from merdata.export.croissant import export_croissant

    file = str(export_croissant(store, out))
    print_json({"file": file}) if as_json else typer.echo(file)


@takes_store
def push(
    repo: Annotated[
        str, typer.Argument(metavar="REPO", help="OWNER/NAME of a dataset on the Hugging Face Hub.")
    ],
    store: Path,
    protocol: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this protocol; repeat it for more (default: all that fit the corpora).", metavar="NAME"
        ),
    ] = None,
    corpora: Corpora = None,
    labels_only: Annotated[
        bool,
        typer.Option("--labels-only", help="No audio, and no transcripts whose licence forbids it."),
    ] = False,
    public: Annotated[
        bool,
        typer.Option("--public", help="Let everyone see it, if the licences allow that (default: private)."),
    ] = False,
    rights: Annotated[
        str | None,
        typer.Option(
            "--i-have-rights",
            metavar="WHY",
            help="By what right you publish what a licence limits; it goes into the card.",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="List the files, their sizes, who would see them and what the licences allow."
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a store to the Hub, as far as the licences allow.

    Private unless --public; no option uploads publicly what a licence forbids. A dry run exits with 2 if
    the upload would be refused. This is not legal advice.
    """
    from merdata.cli.screen import share as screen
    from merdata.hub.upload import push as upload

    outcome = upload(
        store,
        repo,
        corpora=corpora,
        protocols=protocol,
        labels_only=labels_only,
        public=public,
        rights=rights,
        dry_run=dry_run,
    )
    print_json(outcome) if as_json else screen.pushed(outcome)
    if outcome["refusal"]:
        raise typer.Exit(2)
