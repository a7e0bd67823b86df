"""Two processes on CPU (gloo) train on the same rows as one; the main one alone writes and scores."""

from __future__ import annotations

import json
import os
import socket
import sys
from contextlib import redirect_stdout
from pathlib import Path

import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

import merdata
from merdata.engine.process import process_context
from merdata_train.cli.app import main
from merdata_train.data.source import Source
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.recipe import load_recipe
from merdata_train.training.devices import is_main_process
from merdata_train.training.fit import fit
from tests.conftest import Once
from tests.merdata_train.conftest import SMALL, Tiny


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


CALM = [
    "data.corpora=[ravdess]",
    "features.audio.layers=1",
    "model.dropout=0",
    *(f"stages.{at}.{change}" for at in (0, 1) for change in ("epochs=1", "sampler=null", "lr=0.001")),
    "stages.1.batch_seconds=4",
]


@pytest.fixture(scope="module")
def both(store: merdata.Store, tiny: Tiny, once: Once) -> Path:
    """The folder of what two processes made: a run, and the weights of two fits."""
    return once("distributed", lambda out: train_together(store, tiny, out))


def train_together(store: merdata.Store, tiny: Tiny, out: Path) -> None:
    """Two processes, as `accelerate launch` starts them; that program itself takes seconds to start."""
    out.mkdir()
    words = ["run", "source0/A6", *SMALL, "--store", str(store.path), "--out", str(out / "runs"), "--json"]
    launched = {"WORLD_SIZE": "2", "LOCAL_WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1"}
    launched |= {"MASTER_PORT": str(free_port()), "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"}
    words += ["--jobs", "1"]
    processes = [
        process_context().Process(target=work, args=(rank, launched, out, [*tiny, *CALM], words))
        for rank in (0, 1)
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(300)
    assert [process.exitcode for process in processes] == [0, 0]


def work(rank: int, launched: dict[str, str], out: Path, changes: list[str], words: list[str]) -> None:
    """Two fits of an end-to-end recipe, then the command."""
    os.environ.update(launched | {"RANK": str(rank), "LOCAL_RANK": str(rank)})
    for dropout in (0, 0.5):
        recipe = load_recipe("source0/B3", [*changes, f"modality_dropout={dropout}"])
        model, _ = fit(recipe, *(Source(recipe).examples(split, 1) for split in ("train", "validation")))
        if is_main_process():
            save_file(model.state_dict(), out / f"{dropout}.safetensors")
    sys.argv[1:] = words
    with (out / f"said-{rank}.json").open("w") as file, redirect_stdout(file):
        main()


def test_one_run_is_written_and_scored_once(both: Path, store: merdata.Store) -> None:
    (folder,) = (both / "runs").glob("source0-*")
    assert len((folder / "test_log.jsonl").read_text().splitlines()) == 1
    split_of = merdata.load_protocol(store, "mer").splits()
    predictions = pd.read_parquet(folder / "predictions.parquet")
    rows = store.rows(["id", "label"]).to_pandas().dropna()
    assert sorted(predictions["id"]) == sorted(id for id in rows["id"] if split_of[id] == "test")
    metrics = json.loads((both / "said-0.json").read_text())
    assert metrics["sets"]["overall"]["n"] == len(predictions)


def test_two_processes_move_the_weights_alike(both: Path) -> None:
    (folder,) = (both / "runs").glob("source0-*")
    history = json.loads((folder / "history.json").read_text())
    assert [epoch["epoch"] for epoch in history] == [0, 1, 2, 3]
    assert history[-1]["loss"] < history[0]["loss"]
    assert not (folder / "checkpoint.safetensors").exists()


def test_encoders_in_two_processes_are_moved_as_in_one(both: Path, tiny: Tiny) -> None:
    """Though parts are frozen and nothing reads the highest layer."""
    recipe = load_recipe("source0/B3", [*tiny, *CALM, "modality_dropout=0"])
    alone, _ = fit(recipe, *map(Source(recipe).examples, ("train", "validation")))
    together = load_file(both / "0.safetensors")
    begun = EmotionModel.of(recipe, alone.classes).state_dict()
    moved, off = [], []
    for name, tensor in alone.state_dict().items():
        if "in_proj_bias" not in name:  # keys' biases move by the sign of rounding alone
            moved.append((tensor - begun[name]).flatten())
            off.append((tensor - together[name]).flatten())
    assert torch.cat(off).norm() < 1e-4 * torch.cat(moved).norm()


def test_rows_that_lose_a_modality_stop_no_process(both: Path) -> None:
    weights = [load_file(both / f"{dropout}.safetensors")["fusion.cls"] for dropout in (0, 0.5)]
    assert not torch.equal(*weights)
