"""`merdata_train features`: features that another program made, beside the store."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.plugin import place


def features(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of the layer, as in features.audio.name.")],
    arrays: Annotated[
        Path,
        typer.Option("--arrays", help="Folder of <id>.npy: [width] or [frames, width].", parser=place),
    ],
    store: Annotated[Path, typer.Option(help="The store.", parser=place)] = Path("store"),
) -> None:
    """Fill a layer of the store with features that an extractor made, for `kind: stored` in a recipe."""
    import merdata
    from merdata_train.features.layers import fill

    for corpus, (have, rows) in fill(merdata.open_store(store), name, arrays).items():
        typer.echo(f"{corpus}: {have:,} of {rows:,} rows have features")
