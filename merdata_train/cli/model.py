"""`merdata_train predict`, `card` and `push`: a trained model in use, and in other hands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from merdata.plugin import place, print_json
from merdata_train.cli.options import AsJson, RunFolder


def predict(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Folder of a run or of its model, or OWNER/NAME on the Hub."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="FILE", help="Recordings, in any audio or video format.", parser=place),
    ] = None,
    text: Annotated[
        list[str] | None,
        typer.Option("--text", help="What is said: one for each file, in their order.", metavar="TEXT"),
    ] = None,
    history: Annotated[
        list[str] | None,
        typer.Option("--history", help="What was said before; repeat it, oldest first.", metavar="TEXT"),
    ] = None,
    transcribe: Annotated[
        str | None,
        typer.Option(
            help="Hear the texts of the files with a Whisper model: its folder, or its name on the Hub.",
            metavar="NAME|DIR",
        ),
    ] = None,
    language: Annotated[
        str | None,
        typer.Option(
            help="Language of the recordings, for --transcribe (default: what is heard).", metavar="CODE"
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the emotion of your own recordings, texts or both.

    A recording that cannot be read is named on stderr; the others are predicted, and the exit code is 2.
    """
    from merdata_train.cli import screen
    from merdata_train.errors import InputError
    from merdata_train.serving.predict import Predictor, predict_all
    from merdata_train.serving.recordings import Ears

    if language and not transcribe:
        raise InputError("--language is for --transcribe: give both, or leave --language out")
    predictor = Predictor.open(model)
    ears = Ears(transcribe, language) if transcribe else None
    items = predict_all(predictor, files or [], text or [], history or [], ears)
    for item in items:
        for sentence in item.complaints:
            typer.echo(f"merdata_train: {sentence}", err=True)
    if as_json:
        print_json([item.facts() for item in items])
    else:
        screen.predictions(items, predictor.classes)
    if any(item.prediction is None for item in items):
        raise typer.Exit(2)


def card(folder: RunFolder, as_json: AsJson = False) -> None:
    """Write a run's model card again, from what its folder holds.

    The card is model/README.md in the folder of the run.
    """
    from merdata_train.runs.card import write_card

    file = str(write_card(folder))
    print_json({"file": file}) if as_json else typer.echo(file)


def push(
    folder: RunFolder,
    repo: Annotated[
        str, typer.Argument(metavar="REPO", help="OWNER/NAME of a model on the Hugging Face Hub.")
    ],
    public: Annotated[bool, typer.Option("--public", help="Let everyone see it (default: private).")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be uploaded, and send nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a run's model and its card to the Hub.

    Nothing else of the run is uploaded.
    """
    from merdata_train.cli import screen
    from merdata_train.serving.push import push as upload

    outcome = upload(folder, repo, public=public, dry_run=dry_run)
    print_json(outcome) if as_json else screen.pushed(outcome)
