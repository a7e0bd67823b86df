"""Tasks on a Dask cluster, through its concurrent.futures executor."""

from __future__ import annotations

import json
import logging
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError, Executor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from merdata.errors import EngineError

LOG = logging.getLogger(__name__)  # on stderr, unless a program says otherwise
PATIENCE = 10  # seconds to reach a scheduler
UNTIL_SAID = 5.0  # seconds between looks whether there are workers


@contextmanager
def dask_pool(scheduler: str | None = None, jobs: int | None = None) -> Iterator[Executor]:
    """An executor on a running cluster, or on one of this machine that runs as long as the block.

    A task whose worker dies is given to another worker; after a few deaths Dask gives up.

    Args:
        scheduler: address (`tcp://node1:8786`) or file of the cluster's scheduler; None starts a cluster on
            this machine.
        jobs: number of workers on this machine; None for one per core.

    Raises:
        EngineError: Dask is not installed, its scheduler does not answer or was lost, or a task killed
            several workers.
    """
    try:
        from distributed import Client
        from distributed.scheduler import KilledWorker
    except ModuleNotFoundError as error:
        raise EngineError("Dask is not installed: pip install 'merdata[cluster]'") from error
    for name in ("distributed", "distributed.client"):  # a lost worker's task goes to another, silently
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        client = Client(**_cluster(scheduler, jobs), timeout=PATIENCE)
    except (OSError, ValueError) as error:
        raise EngineError(f"no Dask scheduler answers at {scheduler}: {error}") from error
    with client, _watched(client):
        try:
            yield client.get_executor(pure=False)
        except KilledWorker as error:
            raise EngineError(f"a task killed several workers of the cluster: {error}") from error
        except CancelledError as error:
            raise EngineError(
                "the connection to the cluster's scheduler was lost: build again, and it continues from here"
            ) from error


@contextmanager
def _watched(client: Any) -> Iterator[None]:
    """Say what is waited for while the cluster has no workers: its tasks would wait without a word."""
    done = threading.Event()

    def watch() -> None:
        said = False
        while not done.wait(UNTIL_SAID):
            with suppress(Exception):  # a scheduler that is lost is told by the tasks
                waiting = not client.scheduler_info()["workers"]
                if waiting and not said:
                    address = client.scheduler.address
                    LOG.warning(
                        "waiting for workers of the Dask cluster: start one with `dask worker %s`", address
                    )
                said = waiting

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()


def _cluster(scheduler: str | None, jobs: int | None) -> dict[str, Any]:
    if scheduler is None:
        return {"n_workers": jobs, "threads_per_worker": 1, "dashboard_address": None}
    if scheduler.endswith(".json") or Path(scheduler).is_file():
        return {"address": _address(Path(scheduler))}
    return {"address": scheduler}


def _address(file: Path) -> str:
    """The address in a scheduler's file; a scheduler that has just started writes it a little later."""
    last = time.monotonic() + PATIENCE
    while True:
        try:
            return str(json.loads(file.read_text("utf-8"))["address"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            if time.monotonic() > last:
                raise EngineError(f"{file} does not exist, or was not written by a Dask scheduler") from error
        time.sleep(0.1)
