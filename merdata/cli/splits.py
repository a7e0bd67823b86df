"""`merdata split`: make a protocol, or exchange one with others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.cli.command import print_json, takes_store, with_default
from merdata.cli.options import AsJson, Corpora, OutFolder, corpus_name
from merdata.io.places import place

SPLIT_HELP = """Split a store, or import or export a split.

`merdata split [STORE] [--protocol KIND]` is short for `merdata split make`.

Kinds: mer (the default: acted corpora by speaker, conversational ones as published), official, speaker,
kfold (--by, --folds), loso, loco, text, speaker+text, one-speaker, one-speaker+text (--folds), random,
fewshot. `merdata split make --help` lists every option.
"""

splits = typer.Typer(cls=with_default("make"), help=SPLIT_HELP)


@splits.command("make")
@takes_store
def split(
    store: Path,
    protocol: Annotated[
        str, typer.Option(help="Kind of the protocol: see `merdata split --help`.", metavar="KIND")
    ] = "mer",
    name: Annotated[
        str | None,
        typer.Option(help="Name of the protocol (default: the kind, after the corpus if one is chosen)."),
    ] = None,
    corpora: Corpora = None,
    seed: Annotated[int, typer.Option(help="Seed of the assignment.")] = 0,
    ratios: Annotated[
        str | None,
        typer.Option(help="Percentages of train, validation and test, as in 80/10/10.", metavar="N/N/N"),
    ] = None,
    folds: Annotated[int | None, typer.Option(help="Number of folds (kfold, one-speaker+text).")] = None,
    by: Annotated[
        str | None,
        typer.Option(help="What a fold keeps whole (kfold).", metavar="speaker|session|text"),
    ] = None,
    whole: Annotated[
        list[str] | None,
        typer.Option(
            help="A corpus that keeps all its rows in every fold; repeat it (fewshot).",
            metavar="NAME",
            parser=corpus_name,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Split a store by a protocol.

    load_dataset and merdata.load then follow it.
    """
    from merdata.cli.screen import splits as screen
    from merdata.splits.draft import parse_ratios
    from merdata.splits.make import split as make
    from merdata.store.store import open_store

    opened = open_store(store)
    shares = parse_ratios(ratios) if ratios else None
    made = make(
        opened, protocol, seed, name=name, corpora=corpora, ratios=shares, folds=folds, by=by, whole=whole
    )
    account = screen.account_of_split(opened, made)
    print_json(account) if as_json else screen.split(account, store)


@splits.command("import")
@takes_store
def import_split(
    source: Annotated[
        str,
        typer.Argument(
            help="Whose split: emobox, emobox-track2, s3prl, nkululeko or tfds.", metavar="SOURCE"
        ),
    ],
    store: Path,
    corpus: Annotated[str, typer.Option(help="Name of the corpus.", parser=corpus_name, metavar="NAME")],
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder of their files: a checkout of EmoBox, or s3prl's meta_data.",
            parser=place,
            metavar="FOLDER",
        ),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the protocol (default: CORPUS_SOURCE).")] = None,
    as_json: AsJson = False,
) -> None:
    """Import somebody else's split of a corpus, row by row.

    --json also lists their keys that fit no row.
    """
    from merdata.cli.screen import splits as screen
    from merdata.splits.exchange.exchange import import_split as take_over
    from merdata.store.store import open_store

    opened = open_store(store)
    made, unmatched = take_over(opened, source, corpus, root, name=name)
    account = screen.account_of_split(opened, made) | {"unmatched": unmatched}
    print_json(account) if as_json else screen.split(account, store)


@splits.command("export")
@takes_store
def export_split(
    target: Annotated[str, typer.Argument(help="Whose layout: emobox.", metavar="LAYOUT")],
    store: Path,
    out: OutFolder,
    protocol: Annotated[str, typer.Option(help="Protocol to write.")] = "mer",
    as_json: AsJson = False,
) -> None:
    """Write a split in somebody else's layout, for their tools."""
    from merdata.splits.exchange.exchange import export_split as write
    from merdata.store.store import open_store

    files = [str(path) for path in write(open_store(store), target, protocol, out)]
    print_json({"files": files}) if as_json else typer.echo("\n".join(files))
