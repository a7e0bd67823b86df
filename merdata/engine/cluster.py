"""Tasks on a Dask cluster, through its concurrent.futures executor."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from merdata.errors import EngineError

PATIENCE = 10  # seconds to reach a scheduler


@contextmanager
def dask_pool(scheduler: str | None = None, jobs: int | None = None) -> Iterator[Executor]:
    """An executor on a cluster that is there, or on one of this machine for as long as the block runs.

    A task whose worker dies goes to another worker; after a few deaths Dask gives it up.

    Args:
        scheduler: address (`tcp://node1:8786`) or file of the cluster's scheduler; None for a cluster of
            this machine.
        jobs: workers of a cluster of this machine; None takes one a core.

    Raises:
        EngineError: Dask is missing, its scheduler is not there or was lost, or a task killed its workers.
    """
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ModuleNotFoundError as error:
        raise EngineError("the engine dask needs a package more: pip install 'merdata[cluster]'") from error
    for name in ("distributed", "distributed.client"):  # a lost worker is no news: its task goes elsewhere
        logging.getLogger(name).setLevel(logging.ERROR)
    try:
        client = Client(**_cluster(scheduler, jobs), timeout=PATIENCE)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise EngineError(f"no Dask scheduler answers at {scheduler}: {error}") from error
    with client:
        try:
            yield client.get_executor(pure=False)  # type: ignore[no-untyped-call]
        except KilledWorker as error:
            raise EngineError(f"a task killed one worker of the cluster after the other: {error}") from error
        except CancelledError as error:
            raise EngineError("the cluster's scheduler was lost: build again, it goes on there") from error


def _cluster(scheduler: str | None, jobs: int | None) -> dict[str, Any]:
    if scheduler is None:
        return {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    if scheduler.endswith(".json") or Path(scheduler).is_file():
        return {"address": _address(Path(scheduler))}
    return {"address": scheduler}


def _address(file: Path) -> str:
    """What a scheduler's file says; one that was just started has not written it yet."""
    last = time.monotonic() + PATIENCE
    while True:
        try:
            return str(json.loads(file.read_text("utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if time.monotonic() > last:
                raise EngineError(
                    f"{file} is not there, or is no file that a Dask scheduler wrote"
                ) from error
        time.sleep(0.1)
