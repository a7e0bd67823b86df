"""`merdata_train features`: features that another program made, beside the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.plugin import place, print_json
from merdata_train.cli.options import AsJson


def features(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Name of the layer, as in features.audio.name.")
    ],
    arrays: Annotated[
        Path | None,
        typer.Option(
            "--arrays", help="Folder of <id>.npy: [width] or [frames, width].", parser=place, metavar="DIR"
        ),
    ] = None,
    emotion2vec: Annotated[
        str | None,
        typer.Option(metavar="MODEL", help="Extract them with emotion2vec, of ModelScope or a folder."),
    ] = None,
    frames: Annotated[bool, typer.Option("--frames", help="With --emotion2vec: 50 frames a second.")] = False,
    corpus: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="With --emotion2vec: only this corpus; repeat it for more."),
    ] = None,
    store: Annotated[
        Path,
        typer.Option(help="Folder of the store, on this machine.", parser=place, metavar="STORE"),
    ] = Path("store"),
    as_json: AsJson = False,
) -> None:
    """Fill a layer with features made elsewhere, or by emotion2vec.

    It lies beside the rows of the store. A recipe then reads them with `kind: stored`.
    """
    import merdata
    from merdata.plugin import stored_name
    from merdata_train.errors import RecipeError
    from merdata_train.features import emotion2vec as extractor
    from merdata_train.features.layers import fill

    if (arrays is None) == (emotion2vec is None):
        raise RecipeError("say where the features come from: --arrays DIR, or --emotion2vec MODEL")
    if arrays is not None and (frames or corpus):
        raise RecipeError("--frames and --corpus are for --emotion2vec: leave them out")
    opened = merdata.open_store(store)
    if arrays is not None:
        filled = fill(opened, name, arrays)
    else:
        chosen = [stored_name(each) for each in corpus] if corpus else None
        filled = extractor.extract(opened, name, str(emotion2vec), frames=frames, corpora=chosen)
    if as_json:
        print_json({corpus: {"rows": rows, "filled": have} for corpus, (have, rows) in filled.items()})
        return
    for own, (have, rows) in filled.items():
        typer.echo(f"{own}: {have:,} of {rows:,} rows have features")
