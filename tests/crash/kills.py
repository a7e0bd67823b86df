"""kill -9 at seeded moments of build and split: `python -m tests.crash.kills [TIMES]`.

Half the kills come just before a write, fsync or rename, drawn by chance, half after a time drawn by chance.
"""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from merdata.corpora.miniature import write_corpus
from tests.crash.faults import steps_of
from tests.crash.scene import Change, make_changes

NEVER = 10**9
ROOT = Path(__file__).parents[2]


def _victim(change: Change, store: Path, step: int) -> subprocess.Popen[bytes]:
    corpus = "" if change.name == "split" else str(change.corpus)
    command = [sys.executable, "-m", "tests.crash.disturb", corpus, str(store), str(step)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def after_kill(change: Change, store: Path, chance: random.Random, by_time: bool) -> list[str]:
    """What is wrong after a kill, and after the change was made again."""
    steps = steps_of(change, store)
    change.begin(store)
    step = NEVER if by_time else chance.randint(1, steps)
    victim = _victim(change, store, step)
    if by_time:
        begun = chance.uniform(0, 0.3)
        while victim.poll() is None and not (store / ".build" / "lock").exists():
            time.sleep(0.001)  # until it has imported what it needs
        time.sleep(begun)
        victim.kill()
    code = victim.wait()
    wrong = [] if code == -9 or by_time else [f"exit code {code} instead of a kill"]
    where = f"{change.name}, killed {'by time' if by_time else f'at step {step} of {steps}'}"
    return [f"{where}: {one}" for one in [*wrong, *change.check(store), *change.resume(store)]]


def failures_of(changes: dict[str, Change], store: Path, times: int, seed: int) -> list[str]:
    """What was wrong after so many kills, of each change in turn."""
    chance, names = random.Random(seed), list(changes)
    return [
        fault
        for at in range(times)
        for fault in after_kill(changes[names[at % len(names)]], store, chance, by_time=at % 2 == 1)
    ]


def main(times: int) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus("tess", folder / "corpora" / "tess")
        failures = failures_of(make_changes(folder / "corpora", folder), folder / "store", times, seed=1)
    print(f"| kill -9 | {len(failures)} failures after {times} kills |", *failures, sep="\n")
    return len(failures)


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)))
