"""`merdata_train run`, `evaluate` and `suite`: from a recipe to scores on the test rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from merdata.plugin import print_json
from merdata_train.cli.options import (
    AsJson,
    Cache,
    Corpora,
    Jobs,
    NoTest,
    Overrides,
    RecipeName,
    RunFolder,
    Runs,
    Store,
    Workers,
    all_overrides,
    keep_features_in,
)

if TYPE_CHECKING:
    from merdata_train.features.perturbations import Perturbation
    from merdata_train.scoring.results import Metrics


def run(
    recipe: RecipeName,
    overrides: Overrides = None,
    store: Store = None,
    corpora: Corpora = None,
    out: Runs = Path("runs"),
    jobs: Jobs = None,
    workers: Workers = 2,
    cache: Cache = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again even if the run is there.")] = False,
    no_test: NoTest = False,
    track: Annotated[
        str | None,
        typer.Option(
            help="Also report to this tracker, which must be installed.",
            metavar="tensorboard|wandb|trackio",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe, then score the model on the test rows.

    The test sets are TestA (acted) and TestB (conversational). A run that was killed
    goes on where it stopped.
    """
    from merdata_train.recipe.recipe import load_recipe

    keep_features_in(cache)
    resolved = load_recipe(recipe, all_overrides(store, corpora, overrides))

    from merdata_train.runs.evaluate import evaluate as score
    from merdata_train.runs.folder import read_metrics
    from merdata_train.runs.run import run as train
    from merdata_train.scoring.tracking import track_scores
    from merdata_train.training.devices import disconnect, is_main_process

    folder = train(
        resolved, out, jobs=jobs, fresh=fresh, track=track, workers=workers, scored_next=not no_test
    )
    main_process = is_main_process()
    disconnect()
    if not main_process:
        return
    if no_test:
        _print_trained(folder, as_json)
        return
    metrics = read_metrics(folder) or score(folder, jobs=jobs, workers=workers)
    track_scores(track, resolved, folder, metrics)
    _print(metrics, folder, as_json)


def evaluate(
    folder: RunFolder,
    jobs: Jobs = None,
    workers: Workers = 2,
    cache: Cache = None,
    embeddings: Annotated[
        bool, typer.Option("--embeddings", help="Also keep the embeddings of the test rows.")
    ] = False,
    attention: Annotated[
        bool,
        typer.Option("--attention", help="Also keep the attention between modalities and the gates."),
    ] = False,
    perturb: Annotated[
        list[str] | None,
        typer.Option(
            "--perturb",
            metavar="KIND[:LEVEL]",
            help="Score perturbed test rows, as in noise:10; without LEVEL at each level of the kind's "
            "ladder; repeat it for more.",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a run's saved model on the test rows.

    Each look at the test rows is logged in the folder of the run. With --perturb, a run that is scored is not
    scored again: what is perturbed is compared with its clean score.
    """
    keep_features_in(cache)
    from merdata_train.runs.embeddings import keep_attention, keep_embeddings
    from merdata_train.runs.evaluate import evaluate as score
    from merdata_train.runs.folder import read_metrics

    steps = _ladder(folder, perturb) if perturb else []
    metrics = (read_metrics(folder) if steps else None) or score(folder, jobs=jobs, workers=workers)
    if embeddings:
        keep_embeddings(folder, workers=workers)
    if attention:
        keep_attention(folder, workers=workers)
    if steps:
        _climb(folder, steps, jobs, workers, metrics, as_json)
    else:
        _print(metrics, folder, as_json)


def _ladder(folder: Path, asked: list[str]) -> list[Perturbation]:
    """The steps that change what a run uses; the others are named on stderr."""
    from merdata_train.errors import RecipeError
    from merdata_train.features.perturbations import ladder
    from merdata_train.runs.folder import open_run
    from merdata_train.runs.robustness import usable

    steps, faults = usable(open_run(folder)[0], ladder(asked))
    if faults and not steps:
        raise RecipeError("; ".join(faults))
    for fault in faults:
        typer.echo(f"merdata_train: {fault}", err=True)
    return steps


def _climb(
    folder: Path, steps: list[Perturbation], jobs: int | None, workers: int, metrics: Metrics, as_json: bool
) -> None:
    from merdata_train.cli import screen
    from merdata_train.runs.looks import counted, looks_at
    from merdata_train.runs.robustness import climb

    found = climb(folder, steps, jobs=jobs, workers=workers)
    if as_json:
        print_json({**metrics, "robustness": found, "folder": str(folder)})
    else:
        looks = looks_at(folder.absolute().parent, found["split_hash"], found["fold"])
        screen.robustness(found, counted(looks), folder)


def _print(metrics: Metrics, folder: Path, as_json: bool) -> None:
    from merdata_train.cli import screen

    print_json({**metrics, "folder": str(folder)}) if as_json else screen.metrics(metrics, folder)


def _print_trained(folder: Path, as_json: bool) -> None:
    from merdata_train.cli import screen
    from merdata_train.runs.folder import read_history
    from merdata_train.scoring.checks import best_epoch

    best = best_epoch(read_history(folder))
    print_json({"folder": str(folder), "best_epoch": best}) if as_json else screen.trained(best, folder)


def suite(
    suite: Annotated[
        str,
        typer.Argument(
            help="File of a suite, or the name of one that ships; `list` lists these.", metavar="SUITE"
        ),
    ],
    overrides: Overrides = None,
    store: Store = None,
    corpora: Corpora = None,
    out: Runs = Path("runs"),
    seeds: Annotated[
        list[int] | None,
        typer.Option("--seed", min=0, help="Seed; repeat it for more (default: the suite's).", metavar="N"),
    ] = None,
    folds: Annotated[
        list[str] | None,
        typer.Option(
            "--fold",
            help="Fold, by number or name, or all; repeat it for more (default: the suite's).",
            metavar="FOLD",
        ),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the matrix, and train nothing.")] = False,
    no_test: NoTest = False,
    jobs: Annotated[
        int, typer.Option("--jobs", "-j", min=1, help="Runs at once, each in a process.", metavar="N")
    ] = 1,
    as_json: AsJson = False,
) -> None:
    """Train and score a matrix of recipes, seeds and folds.

    What is there already is not done again. A run that fails does not stop the others; the exit code is then
    1.
    """
    from merdata_train.cli import lists, screen
    from merdata_train.runs import conduct
    from merdata_train.runs.suite import load_suite, plan, suite_files

    if suite == "list":
        shipped = [{"name": name, "title": load_suite(path).title} for name, path in suite_files().items()]
        print_json(shipped) if as_json else lists.suites(shipped)
        return
    matrix = load_suite(suite).narrowed(seeds, folds)
    planned = plan(matrix, out, store, all_overrides(None, corpora, overrides))
    failed = {} if dry_run else conduct.conduct(matrix, planned, out, jobs, test=not no_test)
    report = conduct.summary(matrix, planned, out, jobs, failed)
    print_json(report) if as_json else screen.suite(report)
    if failed:
        raise typer.Exit(1)
