"""The command line of the trainer: every command by its name. Heavy imports are inside the commands."""

from __future__ import annotations

from typing import Annotated

import typer

from merdata import __version__
from merdata.plugin import run_app
from merdata_train.cli import features, model, recipes, results, train

app = typer.Typer(
    name="merdata_train",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(recipes.recipes, name="recipes")
app.command()(train.run)
app.command()(train.evaluate)
app.command()(train.suite)
app.command()(features.features)
app.command()(results.compare)
app.command()(results.report)
app.command()(model.predict)
app.command()(model.card)
app.command()(model.push)


def main() -> None:
    """Run the command line."""
    run_app(app, "merdata_train", "train")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"merdata_train {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train and compare emotion models on a merdata store, from YAML recipes.

    Exit codes: 0 done, 1 a run of a suite failed, 2 the input is at fault (the message says what to do).
    --debug shows the traceback of an error.
    """
