"""The loop: AdamW, plateau on a validation metric, early stopping, the best epoch kept; resumable.

Each epoch seeds itself from (seed, stage, epoch), so a training that was killed and resumed takes the same
steps as one that never was. Only train and validation rows can come in here (`for_training`).
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import torch
from accelerate.utils import set_seed
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from tqdm import tqdm

from merdata_train.data.batching import batches, parts, shared, steps
from merdata_train.data.frozen import encoded
from merdata_train.data.samplers import order
from merdata_train.data.source import Examples, for_training
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import loader, predict
from merdata_train.recipe.parts import Stage
from merdata_train.recipe.recipe import Recipe
from merdata_train.scoring.metrics import confusion, scores
from merdata_train.scoring.results import Epoch
from merdata_train.training.checkpoint import Checkpoint, cloned, load_checkpoint, save_checkpoint, take
from merdata_train.training.devices import accelerator_of
from merdata_train.training.ema import averaged
from merdata_train.training.losses import cross_entropy
from merdata_train.training.moddrop import drop_modalities
from merdata_train.training.schedule import rising
from merdata_train.training.stages import (
    changed,
    frozen_encoders,
    load_initial,
    optimizer_of,
    rows_of,
    selected,
    set_training,
)

Part = tuple[list[int], float]  # rows, and what their mean loss counts for


@dataclass
class Progress:
    """How far a stage is.

    Attributes:
        history: an entry an epoch: stage, epoch, loss, lr, metrics over all validation rows, and `selected`,
            the value that chooses, over those of the stage.
        best: the weights of its best epoch, of those that any stage has moved.
    """

    history: list[Epoch] = field(default_factory=list)
    best: dict[str, Tensor] = field(default_factory=dict)

    def best_epoch(self) -> int:
        values = [epoch["selected"] for epoch in self.history]
        return values.index(max(values))

    def is_over(self, stage: Stage) -> bool:
        epochs = len(self.history)
        stalled = bool(self.history) and epochs - 1 - self.best_epoch() >= stage.patience
        return epochs >= stage.epochs or stalled


def fit(
    recipe: Recipe,
    train: Examples,
    validation: Examples,
    checkpoint: Path | None = None,
    track: Callable[[Epoch], None] | None = None,
    *,
    cache: Path | None = None,
    workers: int = 0,
) -> tuple[EmotionModel, list[Epoch]]:
    """Train a recipe's model, stage after stage; under `accelerate launch`, on several devices.

    Args:
        recipe: what to train.
        train: rows to learn from; scaler and class weights are fitted on these alone.
        validation: rows that choose the epoch.
        checkpoint: file to resume from and to write after every epoch.
        track: called with every epoch's entry of the history.
        cache: folder where outputs of frozen encoders are kept; None for nowhere.
        workers: processes that read recordings while the model works; for recipes with encoders.

    Returns:
        The model with the weights of the last stage's best epoch, and the history of all epochs.

    Raises:
        ProtocolError: the rows are of another split.
        RecipeError: a stage names rows or parts that are not there.
    """
    train, validation = for_training(train), for_training(validation)
    set_seed(recipe.seed)
    model = EmotionModel.of(recipe, list(train.classes))
    if "audio_vec" in train.tensors:
        model.standardise.fit(train.tensors["audio_vec"][train.tensors["has_audio"]])
    saved = load_checkpoint(checkpoint) if checkpoint else None
    history: list[Epoch] = saved.facts["done"] if saved else []
    for number in range(saved.facts["stage"] if saved else 0, len(recipe.stages)):
        training = _Training(recipe, number, model, train, validation, checkpoint, history, cache, workers)
        progress = training.run(saved, track)
        take(model, progress.best)
        history, saved = history + progress.history, None
    return model, history


class _Training:
    """One stage: what it moves and what it reads."""

    def __init__(
        self,
        recipe: Recipe,
        number: int,
        model: EmotionModel,
        train: Examples,
        validation: Examples,
        path: Path | None,
        done: list[Epoch],
        cache: Path | None,
        workers: int,
    ) -> None:
        self.recipe, self.number, self.stage = recipe, number, recipe.stages[number]
        self.path, self.done, self.cache, self.workers = path, done, cache, workers
        self.accelerator = accelerator_of(recipe)
        self.model = model.to(self.accelerator.device)
        if self.stage.init:
            load_initial(model, str(self.stage.init))
        self.train = train.only(rows_of(self.stage, train))
        self.validation, self.chooses = validation, rows_of(self.stage, validation)
        self.changed = changed(model, recipe.stages[: number + 1])
        for encoder in model.encoders.values():
            encoder.save_memory(self.stage.checkpointing)
        self.optimizer = optimizer_of(model, self.stage)
        self.plateau = ReduceLROnPlateau(self.optimizer, mode="max", **self.stage.plateau.model_dump())
        self.ema = averaged(model, recipe.ema.decay) if recipe.ema else None
        self.criterion = cross_entropy(recipe.loss, self.train).to(self.accelerator.device)

    def run(self, saved: Checkpoint | None, track: Callable[[Epoch], None] | None) -> Progress:
        """Epoch after epoch, from where the checkpoint stands."""
        progress = self._resume(saved)
        self._encode_frozen()
        wrapped, optimizer = self.accelerator.prepare(self.model, self.optimizer)
        with _bar(self.stage, progress) as bar:
            while not progress.is_over(self.stage):
                epoch = self._epoch(wrapped, optimizer, len(progress.history))
                progress.history.append(epoch)
                self.plateau.step(epoch["selected"])
                if progress.best_epoch() == epoch["epoch"]:
                    progress.best = cloned(self.judged, self.changed)
                if self.path is not None and self.accelerator.is_main_process:
                    self._save(progress, self.path)
                if track is not None:
                    track(epoch)
                if self.accelerator.is_main_process:
                    tqdm.write(_summary(epoch, progress), file=sys.stderr)
                bar.update()
        return progress

    @property
    def judged(self) -> EmotionModel:
        """The model that is validated and kept: the averaged one, where there is one."""
        return cast(EmotionModel, self.ema.module) if self.ema else self.model

    def _epoch(self, wrapped: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> Epoch:
        """One pass over the train rows, then the validation rows."""
        seed = seed_of(self.recipe.seed, self.number, number)
        set_seed(seed, device_specific=True)
        wrapped.train()
        set_training(self.model, self.stage)
        losses = list(self._steps(wrapped, optimizer, seed, number))
        lr = self.optimizer.param_groups[0]["lr"]
        by = self.recipe.selection_of(self.stage)
        predicted = _predicted(self.judged, self.validation, self.workers)
        rows = self.validation.rows.assign(predicted=predicted)
        return {
            "stage": self.stage.name,
            "epoch": number,
            "loss": float(self.accelerator.reduce(torch.stack(losses).mean(), reduction="mean")),
            "lr": lr,
            "validation": _scores(self.validation, predicted),
            "selected": selected(rows[self.chooses], self.validation.classes, by),
        }

    def _encode_frozen(self) -> None:
        """What the stage does not move is computed once: examples then hold an encoder's outputs."""
        frozen = frozen_encoders(self.model, self.stage)
        share, shares = self.accelerator.process_index, self.accelerator.num_processes
        self.train = encoded(frozen, self.train, self.cache, share, shares)
        self.validation = encoded(frozen, self.validation, self.cache, share, shares)
        self.accelerator.wait_for_everyone()

    def _steps(
        self, wrapped: nn.Module, optimizer: torch.optim.Optimizer, seed: int, epoch: int
    ) -> Iterator[Tensor]:
        """The loss of each step of an epoch."""
        planned = self._plan(seed)
        warm = self.stage.warmup * self.stage.epochs * len(planned)
        batches = iter(loader(self.train, [rows for step in planned for rows, _ in step], self.workers))
        for at, step in enumerate(planned):
            with rising(optimizer, (epoch * len(planned) + at + 1) / warm if warm else 1.0):
                yield self._step(wrapped, optimizer, step, batches)

    def _plan(self, seed: int) -> list[list[Part]]:
        """The parts of each step that this process takes."""
        rows = list(order(self.train.rows, self.stage.sampler, seed))
        size, share, shares = (
            self.stage.batch_size,
            self.accelerator.process_index,
            self.accelerator.num_processes,
        )
        if not self.train.sequences:
            return [self._weighed(step, [shared(step, share, shares)]) for step in batches(rows, size)]
        costs, most = self.train.costs, self.stage.batch_seconds
        return [
            self._weighed(step, parts(shared(step, share, shares), costs, most))
            for step in steps(rows, size, costs, seed)
        ]

    def _weighed(self, step: list[int], own: Iterable[list[int]]) -> list[Part]:
        """Parts of a step with what each adds to its loss, of which the processes take the mean."""
        shares = self.accelerator.num_processes
        whole = sum(self._weight(shared(step, share, shares)) for share in range(shares))
        return [(rows, self._weight(rows) * shares / whole) for rows in own]

    def _step(
        self,
        wrapped: nn.Module,
        optimizer: torch.optim.Optimizer,
        step: list[Part],
        batches: Iterator[dict[str, Tensor]],
    ) -> Tensor:
        """One step, in as many parts as its rows need; its gradient is that of all rows at once."""
        losses = []
        for at, (_, weight) in enumerate(step):
            batch = next(batches)
            if self.recipe.modality_dropout:
                batch = drop_modalities(batch, self.recipe.modalities, self.recipe.modality_dropout)
            batch = {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}
            last = at == len(step) - 1
            with nullcontext() if last else self.accelerator.no_sync(wrapped):
                loss: Tensor = self.criterion(wrapped(batch).logits.float(), batch["labels"]) * weight
                self.accelerator.backward(loss)
            losses.append(loss.detach())
        self.accelerator.clip_grad_norm_(wrapped.parameters(), self.stage.clip)
        optimizer.step()
        optimizer.zero_grad()
        if self.ema:
            self.ema.update_parameters(self.model)
        return torch.stack(losses).sum()

    def _weight(self, rows: list[int]) -> float:
        """What the mean of the loss is taken over: rows, or the sum of their classes' weights."""
        weight = self.criterion.weight
        labels = self.train.labels[rows]
        return float(len(rows) if weight is None else weight.cpu().double()[labels].sum())

    def _resume(self, saved: Checkpoint | None) -> Progress:
        if saved is None:
            return Progress()
        take(self.model, saved.model)
        self.optimizer.load_state_dict(saved.optimizer)
        self.plateau.load_state_dict(saved.facts["plateau"])
        if self.ema:
            take(self.ema, saved.average)
        return Progress(saved.facts["history"], saved.best)

    def _save(self, progress: Progress, path: Path) -> None:
        facts = {
            "stage": self.number,
            "done": self.done,
            "history": progress.history,
            "plateau": self.plateau.state_dict(),
        }
        names = {"n_averaged", *(f"module.{name}" for name in self.changed)}
        average = cloned(self.ema, names) if self.ema else {}
        now = cloned(self.model, self.changed)
        save_checkpoint(path, Checkpoint(now, progress.best, average, self.optimizer.state_dict(), facts))


def seed_of(seed: int, stage: int, epoch: int) -> int:
    """The seed of an epoch: order of the rows, dropout."""
    digest = hashlib.sha256(f"{seed} {stage} {epoch}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


def validate(model: EmotionModel, validation: Examples) -> dict[str, float]:
    """The four metrics on validation rows."""
    return _scores(validation, _predicted(model, validation))


def _predicted(model: EmotionModel, validation: Examples, workers: int = 0) -> list[str]:
    return [validation.classes[at] for at in predict(model, validation, workers).argmax(dim=-1).tolist()]


def _scores(validation: Examples, predicted: list[str]) -> dict[str, float]:
    counts = confusion(validation.rows["label"].tolist(), predicted, validation.classes)
    return {name: float(value) for name, value in scores(counts).items()}


def _summary(epoch: Epoch, progress: Progress) -> str:
    """One epoch in a line; the best one so far is marked."""
    found = ", ".join(f"{name} {value:.4f}" for name, value in epoch["validation"].items())
    best = " (best so far)" if progress.best_epoch() == epoch["epoch"] else ""
    where = f"stage {epoch['stage']}, epoch {epoch['epoch']}"
    return f"{where}: loss {epoch['loss']:.4f}, lr {epoch['lr']:.2g}, validation {found}{best}"


def _bar(stage: Stage, progress: Progress) -> tqdm[Any]:
    return tqdm(
        total=stage.epochs,
        initial=len(progress.history),
        desc=f"stage {stage.name}",
        unit="epoch",
        disable=not sys.stderr.isatty(),
    )
