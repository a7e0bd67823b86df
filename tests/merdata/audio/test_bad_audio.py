"""Whatever lies in a corpus folder is stored or refused by name; nothing ends a build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest

import merdata
from merdata.audio.clip import AudioError
from merdata.builder.plan import choose, make_plan
from merdata.builder.shard import build_shard
from merdata.builder.source import read_source
from merdata.integrity.verify import verify
from tests.crash.mutants import uncaught
from tests.merdata.audio.bad_audio import KINDS, STORED, write_corpus


@pytest.fixture(scope="module")
def fates(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, object]]:
    """kind -> its row in the ledger, of one build over all kinds."""
    folder = tmp_path_factory.mktemp("bad")
    kinds = write_corpus(folder / "ravdess")
    merdata.build(["ravdess"], folder / "ravdess", folder / "store", jobs=2)
    assert verify(folder / "store", deep=True, jobs=0).faults == []
    rows = merdata.open_store(folder / "store").ledger("ravdess").to_pylist()
    return {kinds[row["id"]]: row for row in rows}


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_stored_or_refused_by_name(kind: str, fates: dict[str, dict[str, object]]) -> None:
    fate, expected = fates[kind], KINDS[kind][1]
    assert (fate["reason"] or fate["state"]) == expected, fate["detail"]
    assert bool(fate["detail"]) == (expected != STORED)


def test_mutants_are_stored_or_refused(tmp_path: Path) -> None:
    assert uncaught(times=200, seed=0, folder=tmp_path) == []


def test_a_file_that_changes_during_the_build_is_refused(corpora: Path, tmp_path: Path) -> None:
    task = make_plan(choose(["tess"], corpora / "tess"), tmp_path / "store").tasks[0]
    first = task.rows[0]
    assert first.modified_ns is not None
    changed = replace(task, rows=(replace(first, modified_ns=first.modified_ns - 1), *task.rows[1:]))
    build_shard(changed)
    entries = pq.read_table(task.journal).to_pylist()
    assert [entry["reason"] for entry in entries if entry["state"] == "dropped"] == ["changing"]


def test_an_unreadable_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "clip.wav").symlink_to(tmp_path / "clip.wav")
    with pytest.raises(AudioError) as caught:
        read_source(tmp_path, "clip.wav", 0, 0)
    assert caught.value.reason == "unreadable"


DEADLY = """
import ctypes, os, time
import merdata.audio.clip, merdata.builder.watchdog

decode, merdata.builder.watchdog.LIMIT = merdata.audio.clip.decode, 3.0

def deadly(data, path):
    if data.endswith(b"CRASH"):
        ctypes.string_at(0)
    if data.endswith(b"HANG"):
        ctypes.CDLL(None).sleep(3600)  # in native code: no signal handler of Python's would run
    return decode(data, path)

merdata.audio.clip.decode = deadly
"""


def test_a_decoder_that_crashes_or_hangs_costs_one_row(corpora: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(corpora / "tess", tmp_path / "tess")
    crash, hang = sorted(folder.rglob("*_sad.wav"))[:2]
    for path, end in ((crash, b"CRASH"), (hang, b"HANG")):
        path.write_bytes(path.read_bytes() + end)
    (tmp_path / "sitecustomize.py").write_text(DEADLY)  # every Python process runs it as it starts
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path])}
    words = ["build", "--corpus", "tess", "--source", folder, "--store", tmp_path / "store"]
    command = [sys.executable, "-c", "from merdata.cli.app import main; main()", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr
    rows = merdata.open_store(tmp_path / "store").ledger("tess").to_pylist()
    lost = {row["source"].rpartition("/")[2]: row["reason"] for row in rows if row["state"] == "dropped"}
    assert lost == {crash.name: "crash", hang.name: "timeout"}
    assert "Traceback" not in done.stderr
