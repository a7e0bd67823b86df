"""Two processes on CPU (gloo) train on the same rows as one; the main one alone writes and scores."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import merdata

from .conftest import SMALL


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def both(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two processes."""
    out = tmp_path_factory.mktemp("distributed")
    # What `accelerate launch` starts for several devices; its own front asks for MPI where they are CPUs.
    launch = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "--master_port", str(free_port())]
    words = ["run", "source0/A6", *SMALL, "--store", str(store.path), "--out", str(out / "runs"), "--json"]
    threads = {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    environment = os.environ | threads | {"PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, *launch, "-m", "merdata_train", *words],
        capture_output=True,
        text=True,
        env=environment,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    (out / "metrics.json").write_text(done.stdout[done.stdout.index("{") :])
    return out


def test_one_run_is_written_and_scored_once(both: Path, store: merdata.Store) -> None:
    (folder,) = (both / "runs").iterdir()
    assert len((folder / "test_log.jsonl").read_text().splitlines()) == 1
    split_of = merdata.load_protocol(store, "mer").splits()
    predictions = pd.read_parquet(folder / "predictions.parquet")
    rows = store.rows(["id", "label"]).to_pandas().dropna()
    assert sorted(predictions["id"]) == sorted(id for id in rows["id"] if split_of[id] == "test")
    metrics = json.loads((both / "metrics.json").read_text())
    assert metrics["sets"]["overall"]["n"] == len(predictions)


def test_two_processes_move_the_weights_alike(both: Path) -> None:
    (folder,) = (both / "runs").iterdir()
    history = json.loads((folder / "history.json").read_text())
    assert [epoch["epoch"] for epoch in history] == [0, 1, 2, 3]
    assert history[-1]["loss"] < history[0]["loss"]
    assert not (folder / "checkpoint.safetensors").exists()
