"""EIO and ENOSPC at every write, fsync and rename of build and split: `python -m tests.crash.faults`."""

from __future__ import annotations

import errno
import os
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

import merdata
from merdata.corpora.miniature import write_corpus
from tests.crash.disturb import disturbed
from tests.crash.scene import Change, make_changes

ERRORS = (errno.EIO, errno.ENOSPC)


def raising(number: int) -> Callable[[], None]:
    def act() -> None:
        raise OSError(number, os.strerror(number))

    return act


def steps_of(change: Change, store: Path) -> int:
    """How many writes, fsyncs and renames a change makes."""
    change.begin(store)
    with disturbed((), raising(errno.EIO)) as counter:
        change.apply(change.corpus, store)
    return counter.steps


def after_fault(change: Change, store: Path, step: int, number: int) -> list[str]:
    """What is wrong after an error at one step, and after the change was made again."""
    change.begin(store)
    where = f"{change.name}, {errno.errorcode[number]} at step {step}"
    try:
        with disturbed({step}, raising(number)):
            change.apply(change.corpus, store)
        wrong = ["no error was told"]
    except merdata.StoreError as error:
        wrong = [] if os.strerror(number) in str(error) else [f"the message is {error}"]
    return [f"{where}: {one}" for one in [*wrong, *change.check(store), *change.resume(store)]]


def main(errors: Sequence[int] = ERRORS) -> int:
    failures = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus("tess", folder / "corpora" / "tess")
        for change in make_changes(folder / "corpora", folder).values():
            steps = steps_of(change, folder / "store")
            wrong = [
                fault
                for step in range(1, steps + 1)
                for number in errors
                for fault in after_fault(change, folder / "store", step, number)
            ]
            print(
                f"| faults in {change.name} | {len(wrong)} failures of {steps * len(errors)} |",
                *wrong,
                sep="\n",
            )
            failures += wrong
    return len(failures)


if __name__ == "__main__":
    sys.exit(min(1, main()))
