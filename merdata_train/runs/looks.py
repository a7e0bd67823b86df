"""Looks at test rows: each is logged by its run, and in the folder of the runs, where they are counted.

Whoever tries twenty recipes on one test set and reports the best has chosen it on the test rows. So looks are
counted for each test set (split hash and fold) over all runs of a folder.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path

from typing_extensions import TypedDict

from merdata import plugin
from merdata_train.errors import RunError

OF_RUN, OF_RUNS = "test_log.jsonl", "test_looks.jsonl"
SHORT = 12  # characters of a hash


class Look(TypedDict):
    """One look at the test rows of a split and fold."""

    time: str
    run: str
    protocol: str
    split_hash: str
    fold: int
    n: int


def log_look(folder: Path, protocol: str, split_hash: str, fold: int, n: int) -> None:
    """Log a look at test rows before it is taken.

    Raises:
        RunError: the log cannot be written.
    """
    time = datetime.now(timezone.utc).isoformat(timespec="seconds")
    look: Look = {
        "time": time,
        "run": folder.name,
        "protocol": protocol,
        "split_hash": split_hash,
        "fold": fold,
        "n": n,
    }
    for path in (folder / OF_RUN, folder.absolute().parent / OF_RUNS):
        if path.is_symlink():
            raise RunError(f"{path} is a link: put the file itself there")
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(json.dumps(look) + "\n")
        except OSError as error:
            raise RunError(f"cannot log the look at test rows in {path}: {error.strerror}") from error


def looks_at(runs: Path, split_hash: str, fold: int) -> list[Look]:
    """All looks at one test set, by the runs of a folder.

    Raises:
        RunError: the log is damaged.
    """
    path = runs / OF_RUNS
    try:
        lines = path.read_text("utf-8").splitlines() if path.is_file() and not path.is_symlink() else []
        looks = [plugin.check_type(Look, json.loads(line)) for line in lines]
        return [look for look in looks if (look["split_hash"], look["fold"]) == (split_hash, fold)]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path} is damaged: remove the lines that are not JSON") from error


def counted(looks: Sequence[Look]) -> str:
    """How often a test set was looked at, and by how many runs, in a sentence."""
    if not looks:
        return "No look at this test set is logged."
    times, runs = len(looks), len({look["run"] for look in looks})
    split = f"split {looks[0]['split_hash'][:SHORT]}, fold {looks[0]['fold']}"
    return (
        f"This test set ({split}) was evaluated {times} time{'s' * (times > 1)} by {runs} "
        f"run{'s' * (runs > 1)} of this folder."
    )
