"""The same tasks on a Dask cluster: a scheduler and two workers, each a process of its own."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import merdata
from merdata.errors import EngineError

Process = subprocess.Popen[bytes]


@pytest.fixture
def cluster(tmp_path: Path) -> Iterator[tuple[Path, list[Process]]]:
    """The scheduler's file, and the processes of two workers that nobody starts again."""
    file = tmp_path / "scheduler.json"
    quiet = ["--scheduler-file", str(file), "--no-dashboard"]
    scheduler = _start("scheduler", *quiet, "--port", "0", "--host", "127.0.0.1", folder=tmp_path)
    workers = [
        _start("worker", *quiet, "--nthreads", "1", "--no-nanny", "--local-directory", name, folder=tmp_path)
        for name in ("one", "two")
    ]
    yield file, workers
    for process in (*workers, scheduler):
        process.kill()
        process.wait()


def _start(kind: str, *words: str, folder: Path) -> Process:
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *words]
    return subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_a_killed_worker_loses_nothing(
    cluster: tuple[Path, list[Process]], corpora: Path, store: merdata.Store, tmp_path: Path
) -> None:
    """Relative names of folders, for the workers work elsewhere; a terminal, for the bar."""
    file, workers = cluster
    ours, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("4H", 25, 100, 0, 0))
    words = ["build", "--corpus", "cremad", "--source", os.path.relpath(corpora / "cremad", tmp_path)]
    build = subprocess.Popen(
        [sys.executable, "-m", "merdata", *words, "--store", "there", "--scheduler", file],
        cwd=tmp_path,
        stdout=subprocess.DEVNULL,
        stderr=terminal,
    )
    os.close(terminal)
    journals = tmp_path / "there" / ".build" / "journal"
    while not any(journals.rglob("*.parquet")):
        assert build.poll() is None
        time.sleep(0.01)
    workers[0].kill()
    shown = _all_of(ours)
    assert build.wait() == 0, shown
    assert "building: 100%" in shown
    made = merdata.open_store(tmp_path / "there").manifest["shards"]
    assert made == {"cremad": store.manifest["shards"]["cremad"]}  # of eight speakers, each a shard


def _all_of(terminal: int) -> str:
    text = b""
    try:
        while piece := os.read(terminal, 1 << 16):
            text += piece
    except OSError:  # how Linux says that nobody writes to a terminal any more
        pass
    return text.decode()


def test_a_cluster_of_this_machine(corpora: Path, store: merdata.Store, tmp_path: Path) -> None:
    merdata.build(["tess"], corpora / "tess", tmp_path, engine="dask", jobs=1)
    made = merdata.open_store(tmp_path).manifest["shards"]
    assert made == {"tess": store.manifest["shards"]["tess"]}


def test_a_cluster_without_workers_and_then_without_its_scheduler(corpora: Path, tmp_path: Path) -> None:
    quiet = ["--scheduler-file", "scheduler.json", "--no-dashboard", "--port", "0", "--host", "127.0.0.1"]
    scheduler = _start("scheduler", *quiet, folder=tmp_path)
    words = ["build", "--corpus", "tess", "--source", corpora / "tess", "--scheduler", "scheduler.json"]
    build = subprocess.Popen(
        [sys.executable, "-m", "merdata", *map(str, words)], cwd=tmp_path, stderr=subprocess.PIPE, text=True
    )
    assert build.stderr is not None
    waiting = build.stderr.readline()
    assert waiting.startswith(
        "waiting for workers of the Dask cluster: start one with `dask worker tcp://127"
    )
    scheduler.kill()
    scheduler.wait()
    lost = build.stderr.read()
    assert build.wait() == 2
    assert lost.startswith("merdata: the connection to the cluster's scheduler was lost")
    assert lost.count("\n") == 1
    assert not (tmp_path / "store" / "merdata.json").exists()


def test_no_scheduler(corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(EngineError, match="no Dask scheduler answers at nowhere: missing port"):
        merdata.build(["tess"], corpora / "tess", tmp_path / "store", scheduler="nowhere")
    with pytest.raises(EngineError, match="without Dask workers"):
        merdata.build(["tess"], corpora / "tess", tmp_path / "store", engine="dask", jobs=0)
    monkeypatch.setattr("merdata.engine.cluster.PATIENCE", 0)
    for text in ("", "{}", "[]"):
        (tmp_path / "scheduler.json").write_text(text)
        with pytest.raises(EngineError, match="was not written by a Dask scheduler"):
            merdata.build(
                ["tess"], corpora / "tess", tmp_path / "store", scheduler=str(tmp_path / "scheduler.json")
            )
    with pytest.raises(EngineError, match="engine must be processes or dask, not 'slurm'"):
        merdata.build(["tess"], corpora / "tess", tmp_path / "store", engine="slurm")
