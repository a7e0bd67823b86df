"""The command line of the trainer: parse, call, print. Heavy imports are inside the commands."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from merdata import __version__
from merdata.plugin import place, run_app

if TYPE_CHECKING:
    from merdata_train.scoring.results import Metrics

app = typer.Typer(
    name="merdata_train",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
recipes = typer.Typer(no_args_is_help=True, help="The recipes that ship.")
app.add_typer(recipes, name="recipes")

RecipeName = Annotated[str, typer.Argument(help="A recipe's file, or its name as in `recipes list`.")]
Overrides = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="[KEY=VALUE]...", help="Changes, as in seed=1 stages.0.epochs=3 'data.corpora=[meld]'."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON document on stdout.")]
Jobs = Annotated[
    int | None, typer.Option("--jobs", "-j", min=1, help="Processes for features (default: one a core).")
]
Workers = Annotated[
    int, typer.Option(min=0, help="Processes that read recordings while an end-to-end model works.")
]
NoTest = Annotated[
    bool,
    typer.Option("--no-test", help="Do not read the test rows: train and select only."),
]
Cache = Annotated[
    str | None,
    typer.Option(
        envvar="MERDATA_CACHE",
        help="Folder for features (default: in the store, or in the user's cache if that cannot be written).",
    ),
]


def main() -> None:
    """Run the command line."""
    run_app(app, "merdata_train", "train")


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"merdata_train {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Train and compare emotion models on a merdata store, from YAML recipes.

    A command that fails on its input says why in a sentence and exits with 2; --debug shows the traceback.
    """


@app.command("run")
def run_(
    recipe: RecipeName,
    overrides: Overrides = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Folder or URL of the store (default: the recipe's).", parser=place, metavar="STORE"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    jobs: Jobs = None,
    workers: Workers = 2,
    cache: Cache = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="Train again even if the run is there.")] = False,
    no_test: NoTest = False,
    track: Annotated[
        str | None, typer.Option(help="Also report to tensorboard, wandb or trackio (must be installed).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Train a recipe, then score the saved model on the test rows: TestA (acted), TestB (conversational)."""
    from merdata_train.recipe.recipe import load_recipe

    _keep_features_in(cache)
    where = [f"store={json.dumps(str(store))}"] if store else []
    resolved = load_recipe(recipe, [*where, *(overrides or [])])

    from merdata_train.runs.evaluate import evaluate
    from merdata_train.runs.folder import read_metrics
    from merdata_train.runs.run import run
    from merdata_train.training.devices import disconnect, is_main_process

    folder = run(resolved, out, jobs=jobs, fresh=fresh, track=track, workers=workers)
    main_process = is_main_process()
    disconnect()
    if not main_process:
        return
    if no_test:
        _print_trained(folder, as_json)
        return
    _print(read_metrics(folder) or evaluate(folder, jobs=jobs, workers=workers), folder, as_json)


@app.command("evaluate")
def evaluate_(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")],
    jobs: Jobs = None,
    workers: Workers = 2,
    cache: Cache = None,
    as_json: AsJson = False,
) -> None:
    """Score a run's saved model on the test rows; each look at them is logged in the run's folder."""
    _keep_features_in(cache)
    from merdata_train.runs.evaluate import evaluate

    _print(evaluate(folder, jobs=jobs, workers=workers), folder, as_json)


@app.command("card")
def card_(folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of an evaluated run.")]) -> None:
    """Write a run's model card anew: model/README.md, from what the run's folder holds."""
    from merdata_train.runs.card import write_card

    typer.echo(write_card(folder))


@app.command("push")
def push_(
    folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of an evaluated run.")],
    repo: Annotated[str, typer.Argument(metavar="REPO", help="OWNER/NAME on the Hugging Face Hub.")],
    public: Annotated[bool, typer.Option("--public", help="Let everyone see it (default: private).")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would go up; send nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Upload a run's model and its card to the Hugging Face Hub; nothing else of the run leaves."""
    from merdata_train.cli import show
    from merdata_train.serving.push import push

    found = push(folder, repo, public=public, dry_run=dry_run)
    typer.echo(json.dumps(found, indent=1)) if as_json else show.pushed(found)


@app.command("predict")
def predict_(
    model: Annotated[
        str,
        typer.Argument(metavar="MODEL", help="Folder of a run or of its model, or OWNER/NAME on the Hub."),
    ],
    files: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[FILE]...", help="Recordings, in any audio or video format."),
    ] = None,
    text: Annotated[
        list[str] | None, typer.Option("--text", help="What is said: one for each file, in their order.")
    ] = None,
    history: Annotated[
        list[str] | None, typer.Option("--history", help="What was said before, oldest first; repeat it.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Predict the emotion of your own recordings, of their transcripts, or of both.

    A recording that cannot be read is named on stderr; the others are predicted, and the exit code is 2.
    """
    from merdata_train.cli import show
    from merdata_train.serving.predict import Predictor, predict_all

    predictor = Predictor.open(model)
    found = predict_all(predictor, files or [], text or [], history or [])
    for one in found:
        for sentence in one.complaints:
            typer.echo(f"merdata_train: {sentence}", err=True)
    if as_json:
        typer.echo(json.dumps([one.facts() for one in found], indent=1, ensure_ascii=False))
    else:
        show.predictions(found, predictor.classes)
    if any(one.prediction is None for one in found):
        raise typer.Exit(2)


@app.command("suite")
def suite_(
    suite: Annotated[str, typer.Argument(help="A suite's file, or the name of one that ships.")],
    overrides: Overrides = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="Folder or URL of the store (default: the recipes').", parser=place, metavar="STORE"
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the runs.")] = Path("runs"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show the matrix, and train nothing.")] = False,
    no_test: NoTest = False,
    jobs: Annotated[int, typer.Option("--jobs", "-j", min=1, help="Runs at once, each in a process.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Train and score a matrix of recipes x seeds x folds; what is there already is not done again.

    A run that fails does not stop the others; the exit code is then 1.
    """
    from merdata_train.cli import show
    from merdata_train.runs import conduct
    from merdata_train.runs.suite import load_suite, plan

    found = load_suite(suite)
    planned = plan(found, out, store, overrides or [])
    failed = {} if dry_run else conduct.conduct(found, planned, out, jobs, test=not no_test)
    report = conduct.summary(found, planned, out, jobs, failed)
    typer.echo(json.dumps(report, indent=1)) if as_json else show.suite(report)
    if failed:
        raise typer.Exit(1)


@app.command("report")
def report_(
    what: Annotated[
        str, typer.Argument(metavar="[RUNS|SUITE]", help="Folder of runs, or a suite's name.")
    ] = "runs",
    runs: Annotated[Path, typer.Option(help="Folder of the runs, if a suite is named.")] = Path("runs"),
    out: Annotated[Path | None, typer.Option(help="Folder of the report (default: RUNS/report).")] = None,
    store: Annotated[
        Path | None,
        typer.Option(
            help="A store: the page then shows its transcripts and plays clips.",
            parser=place,
            metavar="STORE",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tables (Markdown, CSV, LaTeX), figures and a page, from the predictions that runs saved."""
    from merdata_train.cli import show
    from merdata_train.report.write import write_report

    folder = Path(what) if Path(what).is_dir() else runs
    only = None if Path(what).is_dir() else Path(what).name.removesuffix(".yaml")
    out = out or folder / "report"
    written = write_report(folder, out, only=only, store=store)
    typer.echo(json.dumps({"folder": str(out), "suites": written}, indent=1)) if as_json else show.report(
        written, out
    )


@app.command("compare")
def compare_(
    folders: Annotated[list[Path], typer.Argument(metavar="RUN RUN...", help="Folders of scored runs.")],
    as_json: AsJson = False,
) -> None:
    """Compare runs on the same test rows: paired cluster bootstrap, Holm's correction over all pairs."""
    from merdata_train.cli import show
    from merdata_train.runs.compare import compare

    found = compare(folders)
    typer.echo(json.dumps(found, indent=1)) if as_json else show.comparison(found)


@recipes.command("list")
def list_(as_json: AsJson = False) -> None:
    """List the recipes that ship."""
    from merdata_train.cli import show
    from merdata_train.recipe.recipe import about, load_recipe, recipe_files

    found = []
    for name, path in recipe_files().items():
        one = load_recipe(path)
        parts = {"model": one.model.kind, "modalities": "+".join(one.modalities)}
        found.append({"name": name, **parts, "about": about(path)})
    typer.echo(json.dumps(found, indent=1)) if as_json else show.recipes(found)


@recipes.command("show")
def show_(recipe: RecipeName, overrides: Overrides = None) -> None:
    """Print a recipe resolved: its base, its overrides and every default."""
    import yaml

    from merdata_train.recipe.recipe import load_recipe

    resolved = load_recipe(recipe, overrides or [])
    typer.echo(yaml.safe_dump(resolved.model_dump(mode="json"), sort_keys=False), nl=False)


def _keep_features_in(folder: str | None) -> None:
    if folder:
        os.environ["MERDATA_CACHE"] = folder


@recipes.command("check")
def check(
    files: Annotated[list[str], typer.Argument(metavar="RECIPE...", help="Files or names of recipes.")],
) -> None:
    """Check recipes: every fault of each, with its key; exit code 2 if there is one."""
    from merdata_train.errors import RecipeError
    from merdata_train.recipe.recipe import load_recipe

    faults = []
    for name in files:
        try:
            load_recipe(name)
        except RecipeError as error:
            faults.append(str(error))
        else:
            typer.echo(f"{name}: good")
    if faults:
        raise RecipeError("\n".join(faults))


@recipes.command("schema")
def schema() -> None:
    """Print the JSON schema of recipes, as recipes/recipe.schema.json has it, for editors and tools."""
    from merdata_train.recipe.recipe import Recipe

    typer.echo(json.dumps(Recipe.model_json_schema(), indent=1))


def _print_trained(folder: Path, as_json: bool) -> None:
    from merdata_train.runs.folder import read_history
    from merdata_train.scoring.checks import best_epoch

    best = best_epoch(read_history(folder))
    if as_json:
        typer.echo(json.dumps({"folder": str(folder), "best_epoch": best}, indent=1))
        return
    scores = ", ".join(f"{name} {value:.4f}" for name, value in best["validation"].items())
    typer.echo(f"validation at epoch {best['epoch']} of stage {best['stage']}: {scores}")
    typer.echo(f"the test rows were not read: `merdata_train evaluate {folder}` scores them")


def _print(found: Metrics, folder: Path, as_json: bool) -> None:
    from merdata_train.cli import show

    if as_json:
        typer.echo(json.dumps({**found, "folder": str(folder)}, indent=1, ensure_ascii=False))
    else:
        show.metrics(found, folder)
