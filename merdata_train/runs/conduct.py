"""Conducting a suite: what is left is done, one run after another or several at once; faults are told."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from merdata import MerdataError
from merdata_train.runs.cost import OPERATIONS_A_SECOND, gpu_hours
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.folder import read_history, write_json
from merdata_train.runs.run import run
from merdata_train.runs.suite import Planned, Suite

RUN = "from merdata_train.cli.app import main; main()"


@dataclass(frozen=True)
class Pace:
    """How fast finished runs were: medians over `runs` of them."""

    runs: int
    seconds_per_epoch: float
    epochs: float


def conduct(suite: Suite, planned: Sequence[Planned], out: Path, jobs: int = 1) -> dict[str, str]:
    """Train and score every run that is not scored; one that fails does not stop the others.

    Writes `out`/suites/<name>.json, from which tables are made, before the first run and after each.

    Returns:
        folder -> what went wrong, of the runs that failed.
    """
    todo = list({one.folder: one for one in planned if one.state != "scored"}.values())
    failed: dict[str, str] = {}
    write_manifest(suite, planned, out, failed)
    for one, fault in _each(todo, out, jobs):
        if fault is not None:
            failed[one.folder.name] = fault
        state = "failed: " + fault if fault is not None else "scored"
        print(f"{one.cell}, fold {one.fold}, seed {one.seed}: {state}", file=sys.stderr)
        write_manifest(suite, planned, out, failed)
    return failed


def write_manifest(suite: Suite, planned: Sequence[Planned], out: Path, failed: dict[str, str]) -> None:
    """What the suite is and where its runs lie."""
    runs = [
        {
            "cell": one.cell,
            "seed": one.seed,
            "fold": one.fold,
            "fold_name": one.fold_name,
            "folder": one.folder.name,
            "state": "failed" if one.folder.name in failed else one.state,
            "fault": failed.get(one.folder.name),
        }
        for one in planned
    ]
    path = out / "suites" / f"{suite.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_json(path, {"suite": suite.model_dump(mode="json"), "runs": runs})


def _each(todo: Sequence[Planned], out: Path, jobs: int) -> Iterator[tuple[Planned, str | None]]:
    if jobs == 1:
        for one in todo:
            yield one, _here(one, out)
        return
    threads = max(1, (os.cpu_count() or 1) // jobs)
    with ThreadPoolExecutor(jobs) as pool:
        begun = {pool.submit(_apart, one, out, threads): one for one in todo}
        for future in as_completed(begun):
            yield begun[future], future.result()


def _here(one: Planned, out: Path) -> str | None:
    try:
        evaluate(run(one.recipe, out))
    except MerdataError as error:
        return str(error)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


def _apart(one: Planned, out: Path, threads: int) -> str | None:
    """The run in a process of its own, so that nothing it does can end the others."""
    words = [
        sys.executable,
        "-c",
        RUN,
        "run",
        *one.words,
        "--out",
        str(out),
        "--jobs",
        str(threads),
        "--json",
    ]
    done = subprocess.run(  # noqa: S603  our own interpreter and words
        words, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": str(threads)}
    )
    if done.returncode == 0:
        return None
    return (done.stderr.strip().splitlines() or [f"ended by {done.returncode}"])[-1].removeprefix(
        "merdata_train: "
    )


def pace(planned: Sequence[Planned], out: Path) -> Pace | None:
    """How fast the finished runs of the same recipes were, or else all in the folder; None without any."""
    names = {one.recipe.name.replace("/", "-") for one in planned}
    finished = sorted(path.parent for path in out.glob("*/history.json") if (path.parent / "model").is_dir())
    alike = [folder for folder in finished if folder.name.rpartition("-")[0] in names]
    timed = [found for folder in alike or finished if (found := _timed(folder))]
    if not timed:
        return None
    return Pace(len(timed), median(one[0] for one in timed), median(one[1] for one in timed))


def _timed(folder: Path) -> tuple[float, int] | None:
    """Seconds an epoch, and epochs: split.json is written before the first, history.json after the last."""
    try:
        epochs = len(read_history(folder))
        seconds = (folder / "history.json").stat().st_mtime - (folder / "split.json").stat().st_mtime
    except (OSError, MerdataError):
        return None
    return (seconds / epochs, epochs) if seconds > 0 else None


def summary(suite: Suite, planned: Sequence[Planned], out: Path, jobs: int) -> dict[str, Any]:
    """The matrix with the state of each run, how many are left, and about how long they will take."""
    left = {one.folder for one in planned if one.state in ("begun", "to do")}
    found = pace(planned, out)
    seconds = len(left) * found.seconds_per_epoch * found.epochs / jobs if found else None
    return {
        "suite": suite.name,
        "title": suite.title,
        "runs": [
            {
                "cell": one.cell,
                "seed": one.seed,
                "fold_name": one.fold_name,
                "folder": str(one.folder),
                "state": one.state,
            }
            for one in planned
        ],
        "distinct": len({one.folder for one in planned}),
        "to_train": len(left),
        "seconds": seconds,
        "pace": vars(found) if found else None,
        "gpu_hours": gpu_hours(planned),
        "gpu_tflops": OPERATIONS_A_SECOND / 1e12,
    }
