"""Ctrl-C and SIGTERM, sent to real processes at several moments: one line, its exit code, nothing left."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

import merdata

PATIENCE = 300  # seconds, on a machine that others use
TEMPORARY = "temporary-" + 12 * "0123456789"  # longer than the name of a socket may be, as on many clusters


@dataclass(frozen=True)
class Ended:
    """A command after a signal: what it said, what it left in temporary folders, processes that go on."""

    returncode: int
    errors: list[str]
    left: list[str]
    processes: list[str]


def stop(module: str, words: Sequence[object], cwd: Path, delay: float, number: signal.Signals) -> Ended:
    """Run a command and send a signal: SIGINT to all its processes, as a terminal does, SIGTERM to itself."""
    temporary = cwd / TEMPORARY
    temporary.mkdir(exist_ok=True)
    process = subprocess.Popen(
        [sys.executable, "-m", module, *map(str, words)],
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={name: value for name, value in os.environ.items() if name != "TORCHINDUCTOR_CACHE_DIR"}
        | {"TMPDIR": str(temporary)},
    )
    while process.poll() is None and not _listens(process.pid):
        time.sleep(0.005)
    time.sleep(delay)
    if process.poll() is None:
        send = os.killpg if number == signal.SIGINT else os.kill
        send(process.pid, number)
    _, errors = process.communicate(timeout=PATIENCE)
    others = Path("/tmp").glob(f"merdata-*-{process.pid}-*")  # noqa: S108
    return Ended(
        process.returncode,
        errors.splitlines(),
        sorted(map(str, (*temporary.iterdir(), *others))),
        _session(process.pid),
    )


def _listens(pid: int) -> bool:
    """Whether a process has a handler of its own for SIGTERM."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def _session(pid: int) -> list[str]:
    """Processes of the session that go on; the multiprocessing module's own take a moment to end."""
    for _ in range(100):
        found = subprocess.run(["ps", "-o", "args=", "-s", str(pid)], capture_output=True, text=True).stdout
        if not found:
            return []
        time.sleep(0.1)
    return found.splitlines()


def hold(ended: Ended, program: str, number: signal.Signals, done: int | None = None) -> None:
    """Hold a command to what every command promises; `done` is its exit code where it may end before."""
    assert (ended.left, ended.processes) == ([], [])
    if done is not None and (ended.returncode, ended.errors) == (done, []):
        return
    assert ended.errors == [f"{program}: stopped by {number.name}"]
    assert ended.returncode == 128 + number


def snapshot(folder: Path) -> dict[str, int]:
    """Files of a store and their sizes, without what merdata keeps for itself."""
    files = (path for path in folder.rglob("*") if path.is_file())
    names = {path.relative_to(folder): path.stat().st_size for path in files}
    return {str(name): size for name, size in names.items() if not name.parts[0].startswith(".")}


COMMANDS = [  # with the delay of the second signal in seconds, and the exit code without a signal
    (["audit", "store"], 0.6, 1),
    (["verify", "store", "--deep", "--jobs", "2"], 1.4, 0),
    (["report", "store", "--out", "page.html"], 2.5, 0),
    (["push", "me/speech", "store", "--corpus", "tess", "--dry-run"], 0.9, 2),  # there is no Hub here
    (["export", "wav", "store", "--out", "wavs"], 1.1, 0),
    (["export", "csv", "store", "--out", "rows.csv"], 0.8, 0),
    (["split", "store", "--protocol", "loco"], 1.2, 0),
    (["stats", "store"], 0.7, 0),
    (["card", "store"], 1.8, 0),
]


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
@pytest.mark.parametrize(("words", "delay", "done"), COMMANDS, ids=str)
def test_a_signal_is_one_line_and_leaves_nothing(
    words: list[str], delay: float, done: int, store: merdata.Store, tmp_path: Path
) -> None:
    copy = shutil.copytree(store.path, tmp_path / "store")
    before = snapshot(copy)
    hold(stop("merdata", words, tmp_path, 0, signal.SIGTERM), "merdata", signal.SIGTERM)
    assert snapshot(copy) == before
    ended = stop("merdata", words, tmp_path, delay, signal.SIGINT)
    hold(ended, "merdata", signal.SIGINT, done)
    if ended.returncode == 128 + signal.SIGINT:
        assert sorted(path.name for path in tmp_path.iterdir()) == ["store", TEMPORARY]
    assert not list(tmp_path.rglob("*.part"))
    assert merdata.verify(copy, jobs=0).faults == []


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="needs /proc")
def test_a_build_that_is_stopped_goes_on(corpora: Path, store: merdata.Store, tmp_path: Path) -> None:
    words = ["build", "--corpus", "all", "--source", corpora, "--jobs", "2"]
    for delay, number in (
        (0.0, signal.SIGINT),
        (1.0, signal.SIGTERM),
        (1.5, signal.SIGINT),
        (2.0, signal.SIGTERM),
    ):
        ended = stop("merdata", words, tmp_path, delay, number)
        hold(ended, "merdata", number, done=0 if delay else None)
        assert {path.name for path in tmp_path.iterdir()} <= {"store", TEMPORARY}
        assert not list(tmp_path.rglob("*.part"))
    done = merdata.build(["all"], corpora, tmp_path / "store", jobs=2)
    assert done.made + done.kept == len(store.shards())
    assert merdata.open_store(tmp_path / "store").manifest["shards"] == store.manifest["shards"]


def test_a_signal_does_not_undo_what_is_done() -> None:
    """The interpreter takes back the handlers before it ends; a signal then does not change the outcome."""
    program = """
import os, signal
from merdata.cli.ending import ending
class Last:
    def __del__(self, kill=os.kill, pid=os.getpid(), signals=(signal.SIGINT, signal.SIGTERM)):
        for number in signals:
            kill(pid, number)
last = Last()
with ending("merdata"):
    print("done")
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (process.returncode, process.stdout, process.stderr) == (0, "done\n", "")


def test_a_signal_in_a_finaliser_is_not_lost() -> None:
    """Python drops what a finaliser raises; imports and collections run them at any moment."""
    program = """
import os, signal, time
from merdata.cli.ending import ending

class Slow:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(0.01)

with ending("merdata"):
    del [Slow()][0]
    time.sleep(60)
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    stopped = (128 + signal.SIGTERM, "merdata: stopped by SIGTERM\n")
    assert (process.returncode, process.stderr) == stopped


def test_a_signal_of_which_a_library_makes_another_error_is_a_signal() -> None:
    program = """
import os, signal, time
from merdata.cli.ending import ending

with ending("merdata"):
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(60)
    except BaseException as error:
        raise ValueError("a schema cannot be built") from error
"""
    process = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    stopped = (128 + signal.SIGTERM, "merdata: stopped by SIGTERM\n")
    assert (process.returncode, process.stderr) == stopped
