"""Running a suite: whatever is left, one run after another or several at once; faults are reported."""

from __future__ import annotations

import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from graphlib import TopologicalSorter
from multiprocessing.connection import wait
from pathlib import Path
from statistics import median
from typing import TypedDict

import torch

from merdata import MerdataError
from merdata.plugin import Apart, ending
from merdata_train.features.perturbations import ladder
from merdata_train.runs.cost import OPERATIONS_A_SECOND, gpu_hours
from merdata_train.runs.embeddings import keep_embeddings
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.folder import open_run, read_history, write_json
from merdata_train.runs.robustness import climb, usable
from merdata_train.runs.run import run
from merdata_train.runs.suite import Planned, Suite
from merdata_train.scoring.results import fold_title

PRELOADED = [__name__, "torch._dynamo"]  # which the first optimiser imports
THREADS = 1  # of torch, in each run: another number of them gives other last digits


class Pace(TypedDict):
    """How fast finished runs were: medians over `runs` of them."""

    runs: int
    seconds_per_epoch: float
    epochs: float


class RunState(TypedDict):
    """One run of a summary: `scored`, `trained`, `begun` or `to do`."""

    cell: str
    seed: int
    fold_name: str
    folder: str
    state: str


class Summary(TypedDict):
    """The matrix of a suite: `distinct` and `to_train` count folders, `failed` says why by folder."""

    suite: str
    title: str
    runs: list[RunState]
    distinct: int
    to_train: int
    seconds: float | None
    pace: Pace | None
    gpu_hours: float | None
    gpu_tflops: float
    failed: dict[str, str]


@dataclass(frozen=True)
class ManifestRun:
    """One run in suites/<name>.json, from which tables are made."""

    cell: str
    seed: int
    fold: int
    fold_name: str
    folder: str
    state: str
    fault: str | None


def conduct(
    suite: Suite, planned: Sequence[Planned], out: Path, jobs: int = 1, *, test: bool = True
) -> dict[str, str]:
    """Train and score every run that is not scored yet; one that fails does not stop the others.

    Each run computes on one thread, so that `jobs` changes no result.

    Writes `out`/suites/<name>.json, from which tables are made, before the first run and after each.

    Returns:
        folder -> what went wrong, for the runs that failed.
    """
    over = ("scored",) if test else ("scored", "trained")
    todo = {run.folder: run for run in planned if run.state not in over}
    failed: dict[str, str] = {}
    write_manifest(suite, planned, out, failed)
    with closing(_each(todo, out, jobs, test)) as runs:
        for done, fault in runs:
            if fault is not None:
                failed[done.folder.name] = fault
            state = "failed: " + fault if fault is not None else done.state
            fold = fold_title(done.fold, done.fold_name)
            print(f"{done.cell}, {fold}, seed {done.seed}: {state}", file=sys.stderr)
            write_manifest(suite, planned, out, failed)
    if test:
        failed |= _embed(suite, planned)
        failed |= _perturb(suite, planned, jobs)
    return failed


def _perturb(suite: Suite, planned: Sequence[Planned], jobs: int) -> dict[str, str]:
    """Score each scored run at the steps of the suite's ladder that change what it uses."""
    failed, steps = {}, ladder(suite.perturb)
    for folder in {run_of_suite.folder: None for run_of_suite in planned if run_of_suite.state == "scored"}:
        try:
            own = usable(open_run(folder)[0], steps)[0] if steps else []
            if own:
                climb(folder, own, jobs=jobs)
        except MerdataError as error:
            failed[folder.name] = str(error)
    return failed


def _embed(suite: Suite, planned: Sequence[Planned]) -> dict[str, str]:
    """Keep the embeddings that the suite draws: those of the first run of each cell that it names."""
    failed = {}
    for cell in suite.embeddings:
        for run_of_cell in [one for one in planned if one.cell == cell and one.state == "scored"][:1]:
            try:
                keep_embeddings(run_of_cell.folder)
            except MerdataError as error:
                failed[run_of_cell.folder.name] = str(error)
    return failed


def write_manifest(suite: Suite, planned: Sequence[Planned], out: Path, failed: dict[str, str]) -> None:
    """Write what the suite is and where its runs are."""
    runs = [_manifest_run(run, failed.get(run.folder.name)) for run in planned]
    path = out / "suites" / f"{suite.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"suite": suite.model_dump(mode="json"), "runs": [vars(run) for run in runs]})


def _manifest_run(run: Planned, fault: str | None) -> ManifestRun:
    state = run.state if fault is None else "failed"
    return ManifestRun(run.cell, run.seed, run.fold, run.fold_name, run.folder.name, state, fault)


def _each(
    todo: Mapping[Path, Planned], out: Path, jobs: int, test: bool
) -> Generator[tuple[Planned, str | None]]:
    """Every run after those that it starts from, with what went wrong."""
    order = TopologicalSorter(
        {folder: [need for need in run.needs if need in todo] for folder, run in todo.items()}
    )
    if jobs == 1:
        for folder in order.static_order():
            yield todo[folder], _here(todo[folder], out, test)
        return
    order.prepare()
    ready: list[Path] = []
    running: dict[Path, Apart[str | None]] = {}
    try:
        while order.is_active():
            ready += order.get_ready()
            for folder in ready[: jobs - len(running)]:
                ready.remove(folder)
                running[folder] = Apart(_apart, todo[folder], out, test, preload=PRELOADED)
            ended = wait([begun.told for begun in running.values()])
            for folder in [folder for folder, begun in running.items() if begun.told in ended]:
                order.done(folder)
                yield todo[folder], _fault_of(running.pop(folder))
    except BaseException:  # a signal, here or where the results go: the runs end too
        for begun in running.values():
            begun.end()
        raise


def _here(planned: Planned, out: Path, test: bool, jobs: int | None = None) -> str | None:
    threads = torch.get_num_threads()
    torch.set_num_threads(THREADS)
    try:
        folder = run(planned.recipe, out, jobs=jobs, scored_next=test)
        if test:
            evaluate(folder, jobs=jobs)
    except MerdataError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    finally:
        torch.set_num_threads(threads)
    return None


def _apart(planned: Planned, out: Path, test: bool) -> str | None:
    """The run in a process of its own, so that a crash cannot end the others."""
    with ending("merdata_train"):
        return _here(planned, out, test, jobs=1)


def _fault_of(ended: Apart[str | None]) -> str | None:
    try:
        return ended.result()
    except MerdataError as error:
        return str(error).removeprefix("merdata_train: ")


def pace(planned: Sequence[Planned], out: Path) -> Pace | None:
    """How fast the finished runs of the same recipes were, or else all in the folder; None without any."""
    names = {run.recipe.name.replace("/", "-") for run in planned}
    finished = sorted(path.parent for path in out.glob("*/history.json") if (path.parent / "model").is_dir())
    alike = [folder for folder in finished if folder.name.rpartition("-")[0] in names]
    timed = [times for folder in alike or finished if (times := _timed(folder))]
    if not timed:
        return None
    seconds, epochs = zip(*timed, strict=True)
    return {"runs": len(timed), "seconds_per_epoch": median(seconds), "epochs": median(epochs)}


def _timed(folder: Path) -> tuple[float, int] | None:
    """Seconds per epoch, and epochs: split.json is written before the first, history.json after the last."""
    try:
        epochs = len(read_history(folder))
        seconds = (folder / "history.json").stat().st_mtime - (folder / "split.json").stat().st_mtime
    except (OSError, MerdataError):
        return None
    return (seconds / epochs, epochs) if seconds > 0 else None


def summary(
    suite: Suite, planned: Sequence[Planned], out: Path, jobs: int, failed: dict[str, str]
) -> Summary:
    """The matrix with the state of each run, how many are left, and about how long they will take."""
    left = {run.folder for run in planned if run.state in ("begun", "to do")}
    known = pace(planned, out)
    return {
        "suite": suite.name,
        "title": suite.title,
        "runs": [_run_state(run) for run in planned],
        "distinct": len({run.folder for run in planned}),
        "to_train": len(left),
        "seconds": len(left) * known["seconds_per_epoch"] * known["epochs"] / jobs if known else None,
        "pace": known,
        "gpu_hours": gpu_hours(planned),
        "gpu_tflops": OPERATIONS_A_SECOND / 1e12,
        "failed": failed,
    }


def _run_state(run: Planned) -> RunState:
    return {
        "cell": run.cell,
        "seed": run.seed,
        "fold_name": run.fold_name,
        "folder": str(run.folder),
        "state": run.state,
    }
