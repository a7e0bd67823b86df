"""Arguments and options that several commands share, and how they become overrides."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Annotated

import typer

from merdata.plugin import place

RecipeName = Annotated[
    str, typer.Argument(help="File of a recipe, or its name as in `recipes list`.", metavar="RECIPE")
]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(metavar="KEY=VALUE", help="Changes of the recipe, as in seed=1 stages.0.epochs=3."),
]
Store = Annotated[
    Path | None,
    typer.Option(
        "--store",
        help="Folder of the store, or a URL such as s3://bucket/store (default: the recipe's).",
        parser=place,
        metavar="STORE",
    ),
]
Corpora = Annotated[
    list[str] | None,
    typer.Option(
        "--corpus",
        help="Only this corpus; repeat it for more (default: the recipe's).",
        metavar="NAME",
    ),
]
Runs = Annotated[Path, typer.Option("--out", help="Folder of the runs.", parser=place, metavar="DIR")]
RunFolder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of an evaluated run.", parser=place)]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Jobs = Annotated[
    int | None,
    typer.Option("--jobs", "-j", min=1, help="Processes for features (default: one a core).", metavar="N"),
]
Workers = Annotated[
    int,
    typer.Option(
        "--workers",
        min=0,
        help="Processes that read recordings while an end-to-end model works.",
        metavar="N",
    ),
]
NoTest = Annotated[bool, typer.Option("--no-test", help="Do not read the test rows: train and select only.")]
Cache = Annotated[
    str | None,
    typer.Option(
        "--cache",
        envvar="MERDATA_CACHE",
        help="Folder for features (default: in the store, or in the user's cache if the store is read-only).",
        metavar="DIR",
    ),
]


def keep_features_in(folder: str | None) -> None:
    """Let this process and those that it starts keep features there."""
    if folder:
        os.environ["MERDATA_CACHE"] = str(place(folder))


def all_overrides(store: Path | None, corpora: list[str] | None, overrides: list[str] | None) -> list[str]:
    """Options as overrides of the recipe, before those that are given as such."""
    words = [f"store={json.dumps(str(store))}"] if store else []
    if corpora:
        from merdata.plugin import stored_name

        words.append(f"data.corpora={json.dumps([*map(stored_name, corpora)])}")
    return [*words, *(overrides or [])]
