"""`merdata transcribe`: what a recogniser hears, as a layer beside the rows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.cli.command import print_json, takes_store
from merdata.cli.options import AsJson, Corpora, Jobs


@takes_store
def transcribe(
    store: Path,
    model: Annotated[
        str,
        typer.Option(
            help="Folder of a Whisper model, in the form of transformers or of CTranslate2, or a name on the "
            "Hub, as base or OWNER/NAME.",
            metavar="NAME|DIR",
        ),
    ],
    engine: Annotated[
        str | None,
        typer.Option(
            help="What runs the model (default: the one whose form its folder has).",
            metavar="faster-whisper|transformers",
        ),
    ] = None,
    corpora: Corpora = None,
    layer: Annotated[
        str | None, typer.Option(help="Name of the layer (default: that of the model).", metavar="NAME")
    ] = None,
    language: Annotated[
        str,
        typer.Option(
            help="corpus: what the rows state; auto: what the recogniser hears; or a code, as de, for all.",
            metavar="corpus|auto|CODE",
        ),
    ] = "corpus",
    revision: Annotated[
        str | None, typer.Option(help="Commit of a model of the Hub.", metavar="COMMIT")
    ] = None,
    score_texts: Annotated[
        int,
        typer.Option(
            min=0,
            max=1000,
            metavar="N",
            help="Also take the likelihood of each row's own text and of the N texts of its corpus that are "
            "nearest to what was heard; the audit then tells swapped texts apart that sound alike.",
        ),
    ] = 0,
    device: Annotated[
        str | None, typer.Option(help="Where it runs (default: cuda where there is one).", metavar="cpu|cuda")
    ] = None,
    jobs: Jobs = None,
    as_json: AsJson = False,
) -> None:
    """Write down what a recogniser hears in each clip.

    The transcripts lie beside the rows, in layers/asr/NAME: no row changes. Recipes read them with
    `data.text: asr/NAME`, and `merdata audit --layer asr/NAME` holds them against the texts. What is there
    already is kept, and a run that was killed goes on.
    """
    from merdata.asr.transcribe import transcribe as fill

    made = fill(
        store,
        model,
        engine=engine,
        layer=layer,
        corpora=corpora,
        language=language,
        revision=revision,
        score_texts=score_texts,
        device=device,
        jobs=jobs,
        progress=True,
    )
    if as_json:
        print_json(made)
        return
    typer.echo(
        f"{made['layer']}: {made['rows']:,} clips heard, {made['silent']:,} without words; "
        f"{made['shards'] - made['kept']:,} shards written, {made['kept']:,} kept, in {made['folder']}"
    )
