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
import torch
from safetensors.torch import load_file

import merdata
from merdata_train.data import Source
from merdata_train.fit import fit
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe import load_recipe

from .conftest import SMALL, Tiny


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


# What `accelerate launch` starts for several devices; its own front asks for MPI where they are CPUs.
LAUNCH = ["-m", "torch.distributed.run", "--nproc_per_node", "2"]
FITS = """
import sys
from pathlib import Path
from safetensors.torch import save_file
from merdata_train.data import Source
from merdata_train.fit import fit
from merdata_train.recipe import load_recipe
from merdata_train.run import is_main_process, part

for word in (0, 0.5):
    recipe = load_recipe("source0/B3", [*sys.argv[2:], f"modality_dropout={word}"])
    model, _ = fit(recipe, *(Source(recipe).examples(split, 1) for split in ("train", "validation")))
    if is_main_process():
        save_file(model.state_dict(), Path(sys.argv[1]) / f"{word}.safetensors")
part()
"""


def launch(*words: str) -> str:
    """What two processes print."""
    threads = {"OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    done = subprocess.run(
        [sys.executable, *LAUNCH, "--master_port", str(free_port()), *words],
        capture_output=True,
        text=True,
        env=os.environ | threads | {"PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=300,
    )
    assert done.returncode == 0, done.stderr[-3_000:]
    return done.stdout


@pytest.fixture(scope="module")
def both(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run of two processes."""
    out = tmp_path_factory.mktemp("distributed")
    words = ["run", "source0/A6", *SMALL, "--store", str(store.path), "--out", str(out / "runs"), "--json"]
    printed = launch("-m", "merdata_train", *words)
    (out / "metrics.json").write_text(printed[printed.index("{") :])
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


def test_encoders_in_two_processes_are_moved_as_in_one(tiny: Tiny, tmp_path: Path) -> None:
    """With parts that are frozen, a layer that nothing reads, and rows that lose a modality."""
    calm = ["model.dropout=0", "stages.0.epochs=1", "stages.1.epochs=1", "stages.1.lr=0.001"]
    few = ["data.corpora=[ravdess]", "stages.0.sampler=null", "stages.1.sampler=null"]
    words = [*tiny, *calm, *few, "features.audio.layers=1", "stages.1.batch_seconds=4"]
    (tmp_path / "fits.py").write_text(FITS)
    launch(str(tmp_path / "fits.py"), str(tmp_path), *words)
    recipe = load_recipe("source0/B3", [*words, "modality_dropout=0"])
    alone, _ = fit(recipe, *map(Source(recipe).examples, ("train", "validation")))
    together = load_file(tmp_path / "0.safetensors")
    begun = EmotionModel.of(recipe, alone.classes).state_dict()
    moved, off = [], []
    for name, tensor in alone.state_dict().items():
        if "in_proj_bias" not in name:  # keys' biases move by the sign of rounding alone
            moved.append((tensor - begun[name]).flatten())
            off.append((tensor - together[name]).flatten())
    assert torch.cat(off).norm() < 1e-4 * torch.cat(moved).norm()
    assert not torch.equal(together["fusion.cls"], load_file(tmp_path / "0.5.safetensors")["fusion.cls"])
