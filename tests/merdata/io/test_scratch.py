"""Folders of a process: where they are, and when they go."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import merdata

MEET = """
import socket, sys
from multiprocessing import Process, connection
from merdata import build, verify
from merdata.io.scratch import process_folder

if __name__ == "__main__":
    corpora, store = sys.argv[1:]
    build(["tess", "ravdess"], corpora, store, jobs=2)
    assert verify(store, jobs=2).faults == []
    print(process_folder())
    with connection.Listener(family="AF_UNIX") as listener:
        print(listener.address)
"""


def test_processes_meet_under_a_long_tmpdir(corpora: Path, tmp_path: Path) -> None:
    """A socket's path has 107 bytes at most (unix(7)); clusters have longer TMPDIRs than that."""
    long = tmp_path / (120 * "t")
    long.mkdir()
    (tmp_path / "meet.py").write_text(MEET)
    words = [sys.executable, "meet.py", str(corpora), "store"]
    ended = subprocess.run(words, cwd=tmp_path, env={"TMPDIR": str(long)}, capture_output=True, text=True)
    assert (ended.returncode, ended.stderr) == (0, "")
    folder, socket = ended.stdout.split()
    assert socket.startswith(f"{folder}/")
    assert not Path(folder).exists()
    assert list(long.iterdir()) == []
    assert set(merdata.open_store(tmp_path / "store").corpora) == {"ravdess", "tess"}
