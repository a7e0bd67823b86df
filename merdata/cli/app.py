"""The command line: every command by its name. What takes time to import is imported inside the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from merdata.cli import build, check, corpora, look, share, splits, transcribe
from merdata.cli.command import run_app
from merdata.version import __version__

app = typer.Typer(
    name="merdata",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain text: half the time of a help page, and right on every terminal
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(corpora.corpora, name="corpora")
app.command()(corpora.sample)
app.command()(build.build)
app.add_typer(splits.splits, name="split")
app.command()(transcribe.transcribe)
app.command()(look.audit)
app.command()(look.stats)
app.command()(look.report)
app.command()(look.card)
app.command()(check.verify)
app.command()(check.diff)
app.add_typer(share.exports, name="export")
app.command()(share.push)


def main() -> None:
    """Run the command line."""
    run_app(app, "merdata")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"merdata {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Turn speech-emotion corpora, as they lie on disk, into one labelled, leak-free dataset.

    Exit codes: 0 done, 1 a promise is broken or a difference was found, 2 the input is at fault (the message
    says what to do), 3 incomplete. --debug shows the traceback of an error.
    """
