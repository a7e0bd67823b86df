"""A disk that is full while the trainer writes is a sentence."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import merdata
from tests.merdata_train.conftest import SMALL


@pytest.mark.parametrize("kilobytes", [2, 64])
def test_training_on_a_full_disk(kilobytes: int, store: merdata.Store, tmp_path: Path) -> None:
    """A limit on the size of files stands for the disk: the system refuses both in the same place."""
    copy = shutil.copytree(store.path, tmp_path / "store")
    words = [sys.executable, "-m", "merdata_train", "run", "source0/A1", *SMALL, "--store", str(copy)]
    shell = f'ulimit -f {kilobytes}; exec "$@"'
    done = subprocess.run(["bash", "-c", shell, "bash", *words], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2, done.stderr
    *warnings, fault = done.stderr.splitlines()
    assert all(line.startswith("merdata_train: coverage: ") for line in warnings)
    assert fault.startswith("merdata_train: cannot write ")
    assert "File too large" in fault
    assert not [path for path in (tmp_path / "runs").rglob(".*") if path.suffix == ".part"]
