"""`merdata split`: make a protocol, or exchange one with others."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from merdata.cli.command import print_json, takes_store, with_default
from merdata.cli.options import AsJson, Corpora, OutFolder, corpus_name
from merdata.io.places import place

if TYPE_CHECKING:
    from merdata.store.protocol import Protocol
    from merdata.store.store import Store

ListFile = Annotated[
    Path | None,
    typer.Option(
        help="A list of the files of this split, if there is no FILE.", parser=place, metavar="LIST"
    ),
]
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
        typer.Option(
            help="Name of the protocol (default: the kind, after the corpus if one is chosen).",
            metavar="NAME",
        ),
    ] = None,
    corpora: Corpora = None,
    seed: Annotated[int, typer.Option(help="Seed of the assignment.", metavar="N")] = 0,
    ratios: Annotated[
        str | None,
        typer.Option(help="Percentages of train, validation and test, as in 80/10/10.", metavar="N/N/N"),
    ] = None,
    folds: Annotated[
        int | None, typer.Option(help="Number of folds (kfold, one-speaker+text).", metavar="N")
    ] = None,
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


IMPORT_HELP = """Import somebody else's split of a corpus, row by row.

`merdata split import SOURCE [STORE]` takes over a published one: emobox, emobox-track2, emosuperb, s3prl,
nkululeko or tfds (`merdata split import published --help` lists the options).
`merdata split import table FILE` takes over any list of files.
"""

imports = typer.Typer(cls=with_default("published"), help=IMPORT_HELP)
splits.add_typer(imports, name="import")
Corpus = Annotated[str, typer.Option(help="Name of the corpus.", parser=corpus_name, metavar="NAME")]


@imports.command("published")
@takes_store
def import_split(
    source: Annotated[
        str,
        typer.Argument(
            help="Whose split: emobox, emobox-track2, emosuperb, s3prl, nkululeko or tfds.", metavar="SOURCE"
        ),
    ],
    store: Path,
    corpus: Corpus,
    root: Annotated[
        Path | None,
        typer.Option(
            help="Folder of their files: a checkout of EmoBox, EMO-SUPERB's tables, or s3prl's meta_data.",
            parser=place,
            metavar="FOLDER",
        ),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the protocol (default: CORPUS_SOURCE).", metavar="NAME")
    ] = None,
    soft_labels: Annotated[
        Path | None,
        typer.Option(
            help="Also write EMO-SUPERB's distribution over the classes of each row: a csv by id.",
            parser=place,
            metavar="FILE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a published split of a corpus.

    --json also lists their keys that fit no row, and the rows that are in no split.
    """
    from merdata.errors import OptionError
    from merdata.splits.exchange.exchange import export_soft_labels
    from merdata.splits.exchange.exchange import import_split as take_over
    from merdata.store.store import open_store

    if soft_labels and (source != "emosuperb" or root is None):
        raise OptionError("--soft-labels is for emosuperb, with --root: other splits have none")
    opened = open_store(store)
    _show_import(opened, *take_over(opened, source, corpus, root, name=name), as_json=as_json)
    if soft_labels and root:
        rows = export_soft_labels(opened, corpus, root, soft_labels)
        typer.echo(f"soft labels of {rows:,} rows are in {soft_labels}", err=as_json)


@imports.command("table")
@takes_store
def import_table(
    *,
    file: Annotated[
        Path | None,
        typer.Argument(
            help="csv, tsv, jsonl, json or Parquet: a row for each file, with its id, path or name, its "
            "split and, if there, its fold.",
            parser=place,
            metavar="FILE",
        ),
    ] = None,
    store: Path,
    corpus: Corpus,
    train: ListFile = None,
    validation: ListFile = None,
    test: ListFile = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the protocol (default: CORPUS_FILE).", metavar="NAME")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Import a split from a table, or from one list for each split.

    Rows are found by id, file name or the end of a path. Nothing is filled in: a row that is in no list is in
    no split. What fits on neither side is counted; --json lists all of it.
    """
    from merdata.errors import OptionError
    from merdata.splits.exchange.exchange import import_table as take_over
    from merdata.store.store import open_store

    given = {"train": train, "validation": validation, "test": test}
    lists = {split: path for split, path in given.items() if path}
    if bool(file) == bool(lists):
        raise OptionError(
            "name one table with a column split, or lists with --train, --validation and --test (then the "
            "store is --store STORE)"
        )
    opened = open_store(store)
    _show_import(opened, *take_over(opened, corpus, file or lists, name=name), as_json=as_json)


def _show_import(store: Store, made: Protocol, unmatched: list[str], *, as_json: bool) -> None:
    from merdata.cli.screen import splits as screen

    account: screen.ImportAccount = {
        **screen.account_of_split(store, made),
        "unmatched": unmatched,
        "unlisted": screen.unlisted(store, made),
    }
    print_json(account) if as_json else screen.split(account, store.path)


@splits.command("export")
@takes_store
def export_split(
    target: Annotated[str, typer.Argument(help="Whose layout: emobox.", metavar="LAYOUT")],
    store: Path,
    out: OutFolder,
    protocol: Annotated[str, typer.Option(help="Protocol to write.", metavar="NAME")] = "mer",
    as_json: AsJson = False,
) -> None:
    """Write a split in somebody else's layout, for their tools."""
    from merdata.splits.exchange.exchange import export_split as write
    from merdata.store.store import open_store

    files = [str(path) for path in write(open_store(store), target, protocol, out)]
    print_json({"files": files}) if as_json else typer.echo("\n".join(files))
