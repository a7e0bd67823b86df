"""`merdata_train features`: features that another program made, beside the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.plugin import place
from merdata_train.cli.options import AsJson, print_json


def features(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the layer, as in features.audio.name.")],
    arrays: Annotated[
        Path,
        typer.Option("--arrays", help="Folder of <id>.npy: [width] or [frames, width].", parser=place),
    ],
    store: Annotated[Path, typer.Option(help="The store.", parser=place)] = Path("store"),
    as_json: AsJson = False,
) -> None:
    """Fill a layer of the store with features made elsewhere.

    A recipe then reads them with `kind: stored`.
    """
    import merdata
    from merdata_train.features.layers import fill

    filled = fill(merdata.open_store(store), name, arrays)
    if as_json:
        print_json({corpus: {"rows": rows, "filled": have} for corpus, (have, rows) in filled.items()})
        return
    for corpus, (have, rows) in filled.items():
        typer.echo(f"{corpus}: {have:,} of {rows:,} rows have features")
