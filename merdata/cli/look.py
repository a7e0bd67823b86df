"""`merdata audit`, `stats`, `report` and `card`: what is in a store, and what its splits are worth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.cli.command import print_json, takes_store
from merdata.cli.options import AsJson, Fold, Jobs, Protocol
from merdata.engine.without_pandas import without_pandas
from merdata.errors import OptionError
from merdata.io.places import place

TOP = 20  # rows that `audit --layer` lists
Layer = Annotated[
    str | None,
    typer.Option(
        help="Transcripts to hold the texts against, as asr/NAME: error rates, and the rows whose clip may "
        "not say their text.",
        metavar="asr/NAME",
    ),
]


@takes_store
@without_pandas()
def audit(
    store: Path,
    protocol: Annotated[
        list[str] | None,
        typer.Option(help="Protocol to check (default: mer); repeat it for more.", metavar="NAME"),
    ] = None,
    every: Annotated[bool, typer.Option("--all", help="Check every protocol of the store.")] = False,
    near_audio: Annotated[
        bool,
        typer.Option(help="Also look for copies at another level, cut or recoded: decodes all audio once."),
    ] = True,
    layer: Layer = None,
    top: Annotated[
        int | None,
        typer.Option(
            min=0,
            help=f"With --layer: rows to list, whose clips may not say their text (default: {TOP}).",
            metavar="N",
        ),
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Check what a split promises, and what else its sides share.

    Speakers, sessions, dialogues, texts, audio; also what text alone tells, and how balanced the sides are.
    Exits with 1 if a promise is broken. With --layer, texts are held against what a recogniser heard instead.
    """
    if layer and (protocol or every):
        raise OptionError(
            "--layer holds texts against audio, whatever the split: leave --protocol and --all out"
        )
    if top is not None and not layer:
        raise OptionError(
            "--top lists rows of an audit with --layer NAME: name the layer, or leave --top out"
        )
    if layer:
        _audit_texts(store, layer, TOP if top is None else top, as_json=as_json)
        return
    from merdata.leakage.audit import audits
    from merdata.tables.audit import audited

    names = None if every else protocol or ["mer"]
    results = audits(store, names, near_audio=near_audio, jobs=jobs, progress=True)
    if as_json:
        documents = [result.as_json() for result in results]
        print_json(documents if names is None or len(names) > 1 else documents[0])
    else:
        audited(results)
    if any(result.broken for result in results):
        raise typer.Exit(1)


def _audit_texts(store: Path, layer: str, top: int, *, as_json: bool) -> None:
    from merdata.asr.against import text_against_audio
    from merdata.tables.against import against

    result = text_against_audio(store, layer, progress=True)
    print_json(result.as_json()) if as_json else against(result, top)


@takes_store
@without_pandas()
def stats(store: Path, protocol: Protocol = None, fold: Fold = "0", as_json: AsJson = False) -> None:
    """Count a store by corpus, class, split, speaker and duration.

    Also by gender, by language, and by state in the ledger.
    """
    from merdata.stats import statistics
    from merdata.tables import statistics as screen

    figures = statistics(store, protocol, fold)
    print_json(figures) if as_json else screen.statistics(figures)


@takes_store
@without_pandas()
def report(
    store: Path,
    protocol: Protocol = None,
    fold: Fold = "0",
    out: Annotated[Path, typer.Option(help="File of the page.", parser=place, metavar="FILE")] = Path(
        "report.html"
    ),
    audio: Annotated[
        str,
        typer.Option(
            metavar="MB|all",
            help="Megabytes of clips to put into the page (a sample; 0: none), or all: every clip as WAV, "
            "in a folder beside it.",
        ),
    ] = "8",
    seed: Annotated[int, typer.Option(help="Seed of the sample.", metavar="N")] = 0,
    layer: Layer = None,
    as_json: AsJson = False,
) -> None:
    """Write one offline HTML page: figures, audit, clips to hear.

    It has the ledger too, and every utterance to filter and search.
    """
    from merdata.page.report import write_report

    made = write_report(store, out, protocol=protocol, fold=fold, audio=audio, seed=seed, layer=layer)
    summary = f"{made['bytes'] / 1e6:.1f} MB, {made['rows']:,} utterances, {made['clips']:,} to listen to"
    print_json(made) if as_json else typer.echo(f"{out}: {summary}")


@takes_store
@without_pandas()
def card(
    store: Path,
    rights: Annotated[
        str | None,
        typer.Option(
            "--i-have-rights",
            help="By what right you share the store, in your words; it goes into the card.",
            metavar="WHY",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Write the full card of a store, for the Hub.

    README.md, with figures, audit, licences and citations. Run it last: build and split write a short
    README.md whenever they change the store.
    """
    from merdata.card.full import write_card

    file = str(write_card(store, rights))
    print_json({"file": file}) if as_json else typer.echo(file)
