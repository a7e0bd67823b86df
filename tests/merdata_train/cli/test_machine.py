"""A disk that is full while the trainer writes is a sentence."""

from __future__ import annotations

import resource
import shutil
from pathlib import Path

import pytest

import merdata
from merdata.engine.process import Apart
from merdata_train.runs.conduct import PRELOADED
from tests.merdata.cli.command import Done
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL


def limited(kilobytes: int, words: list[object], cwd: Path) -> Done:
    """A command where no file may be larger: the system refuses it in the same place as on a full disk."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (1024 * kilobytes, 1024 * kilobytes))
    return cli(*words, cwd=cwd)


@pytest.mark.parametrize("kilobytes", [2, 64])
def test_training_on_a_full_disk(kilobytes: int, store: merdata.Store, tmp_path: Path) -> None:
    copy = shutil.copytree(store.path, tmp_path / "store")
    words = ["run", "source0/A1", *SMALL, "--store", copy]
    done = Apart(limited, kilobytes, words, tmp_path, preload=PRELOADED).result()
    assert done.returncode == 2, done.stderr
    *warnings, fault = done.stderr.splitlines()
    assert all(line.startswith("merdata_train: coverage: ") for line in warnings)
    assert fault.startswith("merdata_train: cannot write ")
    assert "File too large" in fault
    assert not [path for path in (tmp_path / "runs").rglob(".*") if path.suffix == ".part"]
