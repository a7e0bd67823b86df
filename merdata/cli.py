"""The command line: parse, call, print. Whatever takes time to import is imported inside its command."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from merdata import __version__
from merdata.command import run_app

app = typer.Typer(
    name="merdata",
    help="Speech-emotion corpora, as they lie on disk, to one labelled, leak-free dataset.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)

StoreArgument = Annotated[Path, typer.Argument(help="Folder of the store.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Jobs = Annotated[int | None, typer.Option("--jobs", "-j", min=1, help="Processes (default: one a core).")]


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
    """Speech-emotion corpora, as they lie on disk, to one labelled, leak-free dataset.

    A command that fails on its input says why in a sentence and exits with 2; --debug shows the traceback.
    """


@app.command()
def corpora(as_json: AsJson = False) -> None:
    """List the corpora that merdata can read."""
    from merdata import show
    from merdata.corpora import registry

    facts = [
        {
            "name": corpus.name,
            "title": corpus.title,
            "languages": list(corpus.languages),
            "rows": corpus.expected_rows,
            "licence": corpus.licence,
            "homepage": corpus.homepage,
            "here": (Path("corpora") / corpus.name).is_dir(),
        }
        for corpus in registry().values()
    ]
    _print_json(facts) if as_json else show.corpora(facts)


@app.command()
def build(
    corpus: Annotated[
        list[str], typer.Option(help="Name of a corpus; repeat it, or say all for every folder there is.")
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            help="The corpus's folder (default corpora/NAME). With several corpora or all: "
            "the folder that holds one folder a corpus (default corpora)."
        ),
    ] = None,
    store: Annotated[Path, typer.Option(help="Folder of the store.")] = Path("store"),
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="Change a label's target: RAW=CLASS, RAW=drop or RAW=keep (unlabelled), as in "
            "contempt=disgust or meld.fear=drop; repeat it for more."
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="An option of a corpus's reader, as in meld.cut=plain (`merdata corpora NAME` names them)."
        ),
    ] = None,
    on_bad_audio: Annotated[
        str,
        typer.Option(
            help="drop rows whose audio is missing or unusable, or keep them with half a second of silence."
        ),
    ] = "drop",
    jobs: Jobs = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Read names and metadata only, say what would be built.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build corpora into a store: 16 kHz WAV, text and label in Parquet, and a ledger of every row."""
    from merdata import show
    from merdata.builder import build as make
    from merdata.plan import foresee, make_plan

    choices: dict[str, Any] = {"policy": policy or (), "options": option or (), "on_bad_audio": on_bad_audio}
    if dry_run:
        foreseen = foresee(make_plan(corpus, source, store, **choices))
        _print_json(foreseen) if as_json else show.foreseen(foreseen)
        return
    report = make(corpus, source, store, **choices, jobs=jobs, progress=True)
    _print_json(report.as_json()) if as_json else show.built(report, store)


@app.command()
def split(
    store: StoreArgument = Path("store"),
    protocol: Annotated[str, typer.Option(help="Which protocol to make.")] = "mer",
    seed: Annotated[int, typer.Option(help="Seed of the assignment of speakers.")] = 0,
    as_json: AsJson = False,
) -> None:
    """Split a store: acted corpora by speaker, MELD as published. load_dataset then follows it."""
    from merdata import show
    from merdata.splits.make import split as make
    from merdata.store import open_store

    opened = open_store(store)
    made = make(opened, protocol, seed)
    account = show.account_of_split(opened, made)
    _print_json(account) if as_json else show.split(account, store)


@app.command()
def audit(
    store: StoreArgument = Path("store"),
    protocol: Annotated[str, typer.Option(help="Which protocol to check.")] = "mer",
    as_json: AsJson = False,
) -> None:
    """Check a split for shared speakers, dialogues, audio. Exits with 1 if a promise breaks."""
    from merdata import show
    from merdata.leakage import audit as find

    findings = find(store, protocol)
    _print_json([finding.as_json() for finding in findings]) if as_json else show.audited(findings, protocol)
    if any(finding.broken for finding in findings):
        raise typer.Exit(1)


@app.command()
def sample(
    folder: Annotated[Path, typer.Argument(help="Where to write: one folder a corpus.")] = Path("corpora"),
    corpus: Annotated[list[str] | None, typer.Option(help="Only this corpus; may repeat.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the voices.")] = 0,
) -> None:
    """Write miniature corpora of synthetic speech in the real layouts, to try merdata on."""
    from merdata.sample import CORPORA, write_corpus

    for name in corpus or CORPORA:
        written = write_corpus(name, folder / name, seed)
        typer.echo(f"{folder / name}: {written} files")


def _print_json(value: Any) -> None:
    typer.echo(json.dumps(value, indent=1, ensure_ascii=False))
