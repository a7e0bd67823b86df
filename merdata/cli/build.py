"""`merdata build`: corpora into a store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from merdata.cli.command import print_json, takes_store
from merdata.cli.options import AsJson, Jobs
from merdata.io.places import place

INCOMPLETE = 3


@takes_store
def build(
    store: Path,
    corpus: Annotated[
        list[str],
        typer.Option(
            help="Name of a corpus; repeat it for more. all: every corpus that has a folder in --source.",
            metavar="NAME",
        ),
    ],
    source: Annotated[
        Path | None,
        typer.Option(
            help="Folder of the corpus (default: corpora/NAME). With several corpora, or all: the folder "
            "that holds theirs (default: corpora). Or a URL such as s3://bucket/corpora.",
            parser=place,
            metavar="FOLDER",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help="Change the target of a label: RAW=CLASS, RAW=drop or RAW=keep (the row stays, without a "
            "label), as in contempt=disgust or meld.fear=drop; repeat it for more.",
            metavar="RAW=TARGET",
        ),
    ] = None,
    policy_file: Annotated[
        Path | None,
        typer.Option(
            help="YAML with such changes, as in `contempt: disgust` or `mead: {contempt: disgust}`.",
            parser=place,
            metavar="FILE",
        ),
    ] = None,
    option: Annotated[
        list[str] | None,
        typer.Option(
            help="Set an option of a corpus, as in meld.cut=plain; repeat it for more "
            "(`merdata corpora show NAME` lists the options of a corpus).",
            metavar="CORPUS.OPTION=VALUE",
        ),
    ] = None,
    on_bad_audio: Annotated[
        str,
        typer.Option(
            help="What becomes of rows whose audio is missing or unusable: drop, or silence (keep them with "
            "half a second of silence).",
            metavar="drop|silence",
        ),
    ] = "drop",
    strict: Annotated[
        bool,
        typer.Option("--strict", help="Exit with 3 if a corpus has more or fewer rows than a complete copy."),
    ] = False,
    jobs: Jobs = None,
    engine: Annotated[
        str,
        typer.Option(
            help="Where shards are built: in processes of this machine, or by Dask.", metavar="processes|dask"
        ),
    ] = "processes",
    scheduler: Annotated[
        str | None,
        typer.Option(
            help="Address or file of a Dask scheduler (without it, --engine dask starts workers here).",
            metavar="ADDRESS|FILE",
        ),
    ] = None,
    rehash: Annotated[
        bool,
        typer.Option(
            "--rehash",
            help="Read every source file again: a file whose bytes changed while its size and time did not "
            "is missed otherwise.",
        ),
    ] = False,
    wait: Annotated[
        bool,
        typer.Option(
            "--wait", help="If another merdata writes to the store, wait for it instead of exiting."
        ),
    ] = False,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Read names and metadata only, and say what would be built."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Build corpora into a store: audio, texts, labels and a ledger.

    The store holds 16 kHz mono WAV, text and label of each utterance in Parquet, and a ledger of every
    row. A second build makes only what changed, and one that was killed goes on where it stopped.
    """
    from merdata.engine.without_pandas import spare_pandas

    spare_pandas()
    from merdata.builder.build import build as make
    from merdata.builder.build import cluster_of
    from merdata.builder.plan import choose, foresee, make_plan
    from merdata.cli.screen import build as screen
    from merdata.io.names import pattern_fault
    from merdata.labels import read_policy

    choices: dict[str, Any] = {
        "policy": [*(read_policy(policy_file) if policy_file else []), *(policy or [])],
        "options": option or [],
        "on_bad_audio": on_bad_audio,
    }
    if dry_run:
        cluster_of(engine, scheduler, jobs)
        foreseen = foresee(make_plan(choose(corpus, source, **choices), store))
        print_json(foreseen) if as_json else screen.foreseen(foreseen)
        counts = [(facts["discovered"], facts["expected"]) for facts in foreseen["corpora"]]
    else:
        where: dict[str, Any] = {"engine": engine, "scheduler": scheduler}
        report = make(
            corpus, source, store, **choices, jobs=jobs, **where, wait=wait, rehash=rehash, progress=True
        )
        print_json(report.as_json()) if as_json else screen.built(report, store)
        if fault := pattern_fault(store):
            typer.echo(f"merdata: {fault}", err=True)
        counts = [(account.discovered, account.expected) for account in report.counts]
    if strict and any(discovered != expected for discovered, expected in counts):
        raise typer.Exit(INCOMPLETE)
