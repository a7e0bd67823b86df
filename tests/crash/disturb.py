"""Disturb this process at its Nth write, fsync or rename: with an error, or with kill -9."""

from __future__ import annotations

import os
import pathlib
import signal
import sys
from collections.abc import Callable, Container, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as pq

import merdata

STEPS: list[tuple[Any, str]] = [
    (os, "fsync"),
    (os, "replace"),
    (pathlib.Path, "write_bytes"),
    (pq.ParquetWriter, "write_batch"),
    (pq.ParquetWriter, "write_table"),
    (pq.ParquetWriter, "close"),
]


@dataclass
class Counter:
    steps: int = 0


@contextmanager
def disturbed(at: Container[int], act: Callable[[], None]) -> Iterator[Counter]:
    """Call `act` just before the steps numbered `at` (from 1); a write of a whole file is half done then."""
    counter = Counter()
    with ExitStack() as stack:
        for owner, name in STEPS:
            stack.enter_context(patch.object(owner, name, _counted(getattr(owner, name), at, act, counter)))
        yield counter


def _counted(
    original: Callable[..., Any], at: Container[int], act: Callable[[], None], counter: Counter
) -> Callable[..., Any]:
    def step(*words: Any, **options: Any) -> Any:
        in_memory = isinstance(words[0], pq.ParquetWriter) and words[0].file_handle is None
        counter.steps += not in_memory
        if counter.steps in at and not in_memory:
            if original.__name__ == "write_bytes":
                original(words[0], words[1][: len(words[1]) // 2])
            act()
        return original(*words, **options)

    return step


def kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":  # CORPUS STORE STEP: build, or split where CORPUS is empty, and die at a step
    corpus, store, step = sys.argv[1:]
    with disturbed({int(step)}, kill):
        merdata.build(["tess"], corpus, store, jobs=0) if corpus else merdata.split(store)
