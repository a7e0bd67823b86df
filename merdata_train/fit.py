"""The loop: AdamW, plateau on a validation metric, early stopping, the best epoch kept; resumable.

Each epoch seeds itself from (seed, stage, epoch), so a training that was killed and resumed takes the same
steps as one that never was. Only train and validation rows can come in here (`for_training`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from accelerate import Accelerator
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import BatchSampler, DataLoader, RandomSampler
from tqdm import tqdm

from merdata_train.checkpoint import Checkpoint, cloned, load_checkpoint, save_checkpoint
from merdata_train.data import Examples, for_training
from merdata_train.losses import cross_entropy
from merdata_train.metrics import confusion, scores
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe import Recipe, Stage

EVALUATION_BATCH = 1_024


@dataclass
class Progress:
    """How far a stage is: `history` has an entry an epoch, `best` the weights of its best one."""

    history: list[dict[str, Any]]
    best: dict[str, Tensor]

    def best_epoch(self, metric: str) -> int:
        values = [epoch["validation"][metric] for epoch in self.history]
        return values.index(max(values))

    def is_over(self, stage: Stage, metric: str) -> bool:
        epochs = len(self.history)
        stalled = bool(self.history) and epochs - 1 - self.best_epoch(metric) >= stage.patience
        return epochs >= stage.epochs or stalled


def fit(
    recipe: Recipe, train: Examples, validation: Examples, checkpoint: Path | None = None
) -> tuple[EmotionModel, list[dict[str, Any]]]:
    """Train a recipe's model, stage after stage.

    Args:
        recipe: what to train.
        train: rows to learn from; scaler and class weights are fitted on these alone.
        validation: rows that choose the epoch.
        checkpoint: file to resume from and to write after every epoch.

    Returns:
        The model with the weights of its best validation epoch, and the history of all epochs.

    Raises:
        ProtocolError: the rows are of another split.
    """
    train, validation = for_training(train), for_training(validation)
    set_seed(recipe.seed)
    model = EmotionModel.of(recipe, list(train.classes))
    if "audio" in recipe.modalities:
        model.standardise.fit(train.tensors["audio_vec"][train.tensors["has_audio"]])
    history: list[dict[str, Any]] = []
    for number in range(len(recipe.stages)):
        progress = _fit_stage(recipe, number, model, train, validation, checkpoint)
        model.load_state_dict(progress.best)
        history += progress.history
    return model, history


def _fit_stage(
    recipe: Recipe,
    number: int,
    model: EmotionModel,
    train: Examples,
    validation: Examples,
    path: Path | None,
) -> Progress:
    stage, metric = recipe.stages[number], recipe.selection.metric
    accelerator = Accelerator()
    optimizer = torch.optim.AdamW(model.parameters(), lr=stage.lr, weight_decay=stage.weight_decay)
    plateau = ReduceLROnPlateau(optimizer, mode="max", **stage.plateau.model_dump())
    progress = _resume(path, number, model, optimizer, plateau)
    criterion = cross_entropy(recipe.loss, train).to(accelerator.device)
    wrapped, wrapped_optimizer = accelerator.prepare(model, optimizer)
    with _bar(stage, progress) as bar:
        while not progress.is_over(stage, metric):
            epoch = len(progress.history)
            loader = accelerator.prepare(_loader(train, stage, seed_of(recipe.seed, number, epoch)))
            loss = _epoch(accelerator, wrapped, wrapped_optimizer, criterion, loader, stage.clip)
            found = validate(model, validation)
            lr = optimizer.param_groups[0]["lr"]
            progress.history.append(
                {"stage": stage.name, "epoch": epoch, "loss": loss, "lr": lr, "validation": found}
            )
            plateau.step(found[metric])
            if progress.best_epoch(metric) == epoch:
                progress.best = cloned(model)
            if path is not None:
                _save(path, number, model, optimizer, plateau, progress)
            bar.update()
            bar.set_postfix({"loss": f"{loss:.3f}", metric: f"{found[metric]:.4f}"})
    return progress


def _epoch(
    accelerator: Accelerator,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    criterion: nn.Module,
    loader: DataLoader[dict[str, Tensor]],
    clip: float,
) -> float:
    """One pass over the train rows; the mean loss of its batches."""
    model.train()
    losses = []
    for batch in loader:
        loss = criterion(model(batch).logits, batch["labels"])
        optimizer.zero_grad()
        accelerator.backward(loss)
        accelerator.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        losses.append(loss.detach())
    return float(torch.stack(losses).mean())


def seed_of(seed: int, stage: int, epoch: int) -> int:
    """The seed of an epoch: order of the rows, dropout."""
    digest = hashlib.sha256(f"{seed} {stage} {epoch}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def _loader(train: Examples, stage: Stage, seed: int) -> DataLoader[dict[str, Tensor]]:
    set_seed(seed)
    order = RandomSampler(train, generator=torch.Generator().manual_seed(seed))
    batches = BatchSampler(order, stage.batch_size, drop_last=False)
    return DataLoader(train, batch_sampler=batches, collate_fn=_as_it_is)  # type: ignore[arg-type]


def _as_it_is(batch: dict[str, Tensor]) -> dict[str, Tensor]:
    """Examples give a batch whole."""
    return batch


def predict(model: EmotionModel, examples: Examples) -> Tensor:
    """Class probabilities, float64 `[n, classes]`, rows and batches in the order of the examples."""
    device = next(model.parameters()).device
    model.eval()
    parts = [torch.empty(0, len(model.classes), dtype=torch.float64)]
    with torch.inference_mode():
        for batch in _in_order(examples):
            logits = model({name: tensor.to(device) for name, tensor in batch.items()}).logits
            parts.append(logits.double().softmax(dim=-1).cpu())
    return torch.cat(parts)


def _in_order(examples: Examples) -> Iterator[dict[str, Tensor]]:
    for start in range(0, len(examples), EVALUATION_BATCH):
        at = slice(start, start + EVALUATION_BATCH)
        yield {name: tensor[at] for name, tensor in examples.tensors.items()}


def validate(model: EmotionModel, validation: Examples) -> dict[str, float]:
    """The four metrics on validation rows."""
    best = predict(model, validation).argmax(dim=-1).tolist()
    predicted = [validation.classes[at] for at in best]
    counts = confusion(validation.rows["label"].tolist(), predicted, validation.classes)
    return {name: float(value) for name, value in scores(counts).items()}


def _resume(
    path: Path | None,
    number: int,
    model: EmotionModel,
    optimizer: torch.optim.Optimizer,
    plateau: ReduceLROnPlateau,
) -> Progress:
    """Where the stage stands: at its start, or where its checkpoint says."""
    saved = load_checkpoint(path) if path else None
    if saved is None or saved.facts["stage"] != number:
        return Progress([], {})
    model.load_state_dict(saved.model)
    optimizer.load_state_dict(saved.optimizer)
    plateau.load_state_dict(saved.facts["plateau"])
    return Progress(saved.facts["history"], saved.best)


def _save(
    path: Path,
    number: int,
    model: EmotionModel,
    optimizer: torch.optim.Optimizer,
    plateau: ReduceLROnPlateau,
    progress: Progress,
) -> None:
    facts = {"stage": number, "history": progress.history, "plateau": plateau.state_dict()}
    save_checkpoint(path, Checkpoint(cloned(model), progress.best, optimizer.state_dict(), facts))


def _bar(stage: Stage, progress: Progress) -> tqdm[Any]:
    return tqdm(
        total=stage.epochs,
        initial=len(progress.history),
        desc=f"stage {stage.name}",
        unit="epoch",
        disable=not sys.stderr.isatty(),
    )
