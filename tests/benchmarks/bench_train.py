"""An epoch of source0/A1 on 92,000 synthetic rows, against a bare in-memory torch loop of the same model.

Ours is the whole of `fit` for one epoch: scaler, class weights, validation on 5,000 rows, checkpoint. The
bare loop only shuffles, steps and clips.

.venv/bin/python tests/benchmarks/bench_train.py [ROWS]
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from common import in_turn, report

from merdata_train.data.source import Examples
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.recipe import load_recipe
from merdata_train.training.fit import fit
from merdata_train.training.objective import weighted

CLASSES = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
ROWS = int(sys.argv[1]) if len(sys.argv) > 1 else 92_000
ROUNDS = 2  # after one that is not counted; a minute or two each
RECIPE = load_recipe("source0/A1", ["stages.0.epochs=1"])


def rows(count: int, split: str) -> Examples:
    random = torch.Generator().manual_seed(count)
    labels = torch.randint(len(CLASSES), (count,), generator=random)
    there = torch.ones(count, dtype=torch.bool)
    tensors = {
        "audio_vec": torch.randn(count, 160, generator=random),
        "text_vec": torch.randn(count, 768, generator=random),
        "has_audio": there,
        "has_text": there,
        "labels": labels,
    }
    names = np.array(CLASSES)[labels.numpy()]
    ids = [f"c/{split}{row}" for row in range(count)]
    nothing = {"dialogue": None, "turn": None, "text": None}
    same = {"corpus": "c", "domain": "acted", "language": "en", "speaker": "s", **nothing}
    table = pd.DataFrame({"id": ids, "label": names, **same})
    return Examples(split, table, CLASSES, tensors)


TRAIN, VALIDATION = rows(ROWS, "train"), rows(5_000, "validation")


def ours() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fit(RECIPE, TRAIN, VALIDATION, Path(folder) / "checkpoint.safetensors")


def bare() -> None:
    stage = RECIPE.stages[0]
    model = EmotionModel.of(RECIPE, list(CLASSES)).train()
    train, criterion = weighted(RECIPE, stage, TRAIN)
    optimizer = torch.optim.AdamW(model.parameters(), lr=stage.lr, weight_decay=stage.weight_decay)
    for at in torch.randperm(len(TRAIN)).split(stage.batch_size):
        batch = {name: tensor[at] for name, tensor in train.tensors.items()}
        loss = criterion(model(batch).logits, batch["labels"], batch["weights"])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), stage.clip)
        optimizer.step()


if __name__ == "__main__":
    found = in_turn({"merdata_train": ours, "bare loop": bare}, ROUNDS)
    report(f"an epoch of source0/A1 on {ROWS:,} rows", found, "bare loop")
