"""The loop: steps, a schedule, a validation metric, early stopping, the best epoch kept; resumable.

Each epoch seeds itself from (seed, stage, epoch), so a training that was killed and resumed takes the same
steps as one that was not. Only train and validation rows are accepted (`for_training`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import torch
from accelerate.utils import set_seed
from torch import Tensor, nn

from merdata_train.data.frozen import encoded
from merdata_train.data.source import Examples, for_training
from merdata_train.errors import RunError
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import loader
from merdata_train.recipe.recipe import Recipe
from merdata_train.scoring.results import Epoch
from merdata_train.training.checkpoint import (
    Checkpoint,
    CheckpointFacts,
    cloned,
    load_checkpoint,
    save_checkpoint,
    take,
)
from merdata_train.training.devices import accelerator_of, load_scaler, scaler_state
from merdata_train.training.ema import averaged
from merdata_train.training.moddrop import drop_modalities, missed_modalities
from merdata_train.training.names import check_names
from merdata_train.training.objective import COUNTED, Objective
from merdata_train.training.plan import Planner, Sizes, Step, seed_of
from merdata_train.training.progress import Progress, progress_bar
from merdata_train.training.scalers import fit_scalers
from merdata_train.training.schedule import moved, plateau_of
from merdata_train.training.stages import (
    changed,
    frozen_encoders,
    frozen_for_now,
    initialise,
    modality_of,
    optimizer_of,
    refuse_silent,
    rows_of,
    set_training,
)
from merdata_train.training.target import with_target
from merdata_train.training.validation import all_metrics, selected, with_predictions

Tracker = Callable[[Epoch], None]
Losses = dict[str, Tensor]
SUM = "sum"  # of the losses, beside their names


@dataclass(frozen=True)
class Job:
    """What all stages of a training share; `fit` describes each."""

    recipe: Recipe
    train: Examples
    validation: Examples
    checkpoint: Path | None
    track: Tracker | None
    cache: Path | None
    workers: int


def fit(
    recipe: Recipe,
    train: Examples,
    validation: Examples,
    checkpoint: Path | None = None,
    track: Tracker | None = None,
    *,
    cache: Path | None = None,
    workers: int = 0,
) -> tuple[EmotionModel, list[Epoch]]:
    """Train a recipe's model, stage after stage; under `accelerate launch`, on several devices.

    Args:
        recipe: what to train.
        train: rows to learn from; scalers (on the rows of the first stage) and class weights are fitted on
            these alone.
        validation: rows that choose the epoch.
        checkpoint: file to resume from and to write after every epoch.
        track: called with every epoch's entry of the history.
        cache: folder where outputs of frozen encoders are kept; None to keep none.
        workers: processes that read recordings while the model works; for recipes with encoders.

    Returns:
        The model with the weights of the last stage's best epoch, and the history of all epochs.

    Raises:
        ProtocolError: the rows are of another split.
        RecipeError: a stage names rows or modules that do not exist.
        RunError: no gradient of an epoch is finite.
    """
    job = Job(recipe, for_training(train), for_training(validation), checkpoint, track, cache, workers)
    check_names(recipe, job.train, job.validation)
    set_seed(recipe.seed)
    model = EmotionModel.of(recipe, list(train.classes), missed_modalities(recipe, job.train))
    saved = load_checkpoint(checkpoint) if checkpoint else None
    history: list[Epoch] = saved.facts["done"] if saved else []
    for number in range(saved.facts["stage"] if saved else 0, len(recipe.stages)):
        progress = _StageTraining(job, number, model, history).run(saved)
        take(model, progress.best)
        history, saved = history + progress.history, None
    return model, history


class _StageTraining:
    """One stage: what it trains and what it reads."""

    def __init__(self, job: Job, number: int, model: EmotionModel, done: list[Epoch]) -> None:
        self.job, self.recipe, self.number, self.done = job, job.recipe, number, done
        self.stage = self.recipe.stages[number]
        self.accelerator = accelerator_of(self.recipe)
        self.model = model.to(self.accelerator.device)
        initialise(model, self.stage)
        train = job.train.only(rows_of(self.stage, job.train))
        train, self.objective = Objective.of(self.recipe, self.stage, train)
        self.labelled = len(train)
        self.train = with_target(train)
        self.validation = job.validation
        self.chooses = rows_of(self.stage, job.validation)
        self.changed = changed(model, self.recipe.stages[: number + 1])
        for encoder in model.encoders.values():
            encoder.save_memory(self.stage.checkpointing)
        self.optimizer = optimizer_of(model, self.stage)
        self.by = self.recipe.selection_of(self.stage)
        self.plateau = plateau_of(self.optimizer, self.stage, self.by)
        self.ema = averaged(model, self.recipe.ema.decay) if self.recipe.ema else None
        self.norms: list[Tensor] = []  # of the gradients of an epoch's steps

    def run(self, saved: Checkpoint | None) -> Progress:
        """Epoch after epoch, from where the checkpoint stands."""
        progress = self._resume(saved)
        self._encode_frozen()
        if self.number == 0 and not isinstance(self.stage.init, str) and saved is None:
            started = {modality_of(module) for start in self.stage.starts() for module in start.modules}
            labelled = self.train.only(np.arange(len(self.train)) < self.labelled)
            fit_scalers(self.model, labelled, set(self.recipe.modalities) - started)
        wrapped, optimizer = self.accelerator.prepare(self.model, self.optimizer)
        with progress_bar(self.stage, progress) as bar:
            while not progress.is_over(self.stage):
                epoch = self._epoch(wrapped, optimizer, len(progress.history))
                progress.history.append(epoch)
                if self.stage.schedule == "plateau":
                    self.plateau.step(abs(epoch["selected"]))
                if progress.best_epoch() == epoch["epoch"]:
                    progress.best = cloned(self.judged, self.changed)
                self._report(progress)
                bar.update()
        return progress

    @property
    def judged(self) -> EmotionModel:
        """The model that is validated and kept: the averaged one, where there is one."""
        return cast(EmotionModel, self.ema.module) if self.ema else self.model

    def _report(self, progress: Progress) -> None:
        """Write the checkpoint and tell of the last epoch."""
        if self.accelerator.is_main_process:
            if self.job.checkpoint is not None:
                self._save(progress, self.job.checkpoint)
            progress.tell()
        if self.job.track is not None:
            self.job.track(progress.history[-1])

    def _epoch(self, wrapped: nn.Module, optimizer: torch.optim.Optimizer, number: int) -> Epoch:
        """One pass over the train rows, then the validation rows."""
        seed = seed_of(self.recipe.seed, self.number, number)
        set_seed(seed, device_specific=True)
        wrapped.train()
        self.norms.clear()
        losses = list(self._steps(wrapped, optimizer, seed, number))
        if not torch.stack(self.norms).isfinite().any():
            raise RunError(
                f"stage {self.stage.name}, epoch {number}: no step had a finite gradient, so nothing is "
                "learned: lower its lr, or set precision=fp32"
            )
        means = {name: self._mean([step[name] for step in losses]) for name in losses[0]}
        lr = self.optimizer.param_groups[0]["lr"]
        rows = with_predictions(self.judged, self.validation, self.job.workers)
        classes = self.validation.classes
        return {
            "stage": self.stage.name,
            "epoch": number,
            "loss": means.pop(SUM),
            "losses": means,
            "lr": lr,
            "validation": all_metrics(rows, classes),
            "validation_loss": float(rows["surprise"].mean()),
            "selected": selected(rows[self.chooses], classes, self.by.metric, self.by.over),
            "selected_loss": -selected(rows[self.chooses], classes, "loss", self.by.over),
        }

    def _encode_frozen(self) -> None:
        """Compute once what the stage does not train: examples then hold an encoder's outputs."""
        frozen = frozen_encoders(self.model, self.stage)
        refuse_silent(self.recipe, self.stage, frozen)
        share, shares = self.accelerator.process_index, self.accelerator.num_processes
        self.train = encoded(frozen, self.train, self.job.cache, share, shares)
        self.validation = encoded(frozen, self.validation, self.job.cache, share, shares)
        self.accelerator.wait_for_everyone()

    def _steps(
        self, wrapped: nn.Module, optimizer: torch.optim.Optimizer, seed: int, epoch: int
    ) -> Iterator[Losses]:
        """The losses of each step of an epoch."""
        share, shares = self.accelerator.process_index, self.accelerator.num_processes
        planner = Planner(
            self.stage, self.train, self.labelled, self._sizes, share, shares, self.objective.whole
        )
        planned = planner.steps(seed)
        rows = [rows for step in planned for rows, _ in step]
        train = self.train.augment(self.train, seed) if self.train.augment else self.train
        batches = iter(loader(train, rows, self.job.workers))
        for number, step in enumerate(planned, epoch * len(planned)):
            set_training(self.model, self.stage, frozen_for_now(self.stage, epoch, number))
            progress = number / (self.stage.epochs * len(planned))
            with moved(optimizer, self.stage, number, len(planned)):
                yield self._step(wrapped, optimizer, step, batches, progress)

    def _step(
        self,
        wrapped: nn.Module,
        optimizer: torch.optim.Optimizer,
        step: Step,
        batches: Iterator[dict[str, Tensor]],
        progress: float,
    ) -> Losses:
        """One step, in as many micro-batches as it has; its gradient is that of all rows at once."""
        losses = []
        for number, (_, parts) in enumerate(step):
            batch = next(batches)
            if self.recipe.modality_dropout:
                batch = drop_modalities(batch, self.recipe.modalities, self.recipe.modality_dropout)
            batch = {name: tensor.to(self.accelerator.device) for name, tensor in batch.items()}
            batch["progress"] = torch.tensor(progress)
            last = number == len(step) - 1
            with nullcontext() if last else self.accelerator.no_sync(wrapped):
                own = self.objective(wrapped(batch), batch, parts)
                loss = torch.stack(list(own.values())).sum()
                self.accelerator.backward(loss)
            losses.append({name: value.detach() for name, value in (own | {SUM: loss}).items()})
        norm = self.accelerator.clip_grad_norm_(wrapped.parameters(), self.stage.clip)
        self.norms.append(torch.as_tensor(norm).detach())
        optimizer.step()
        optimizer.zero_grad()
        if self.ema:
            self.ema.update_parameters(self.model)
        return {name: torch.stack([part[name] for part in losses]).sum() for name in losses[0]}

    def _mean(self, losses: list[Tensor]) -> float:
        return float(self.accelerator.reduce(torch.stack(losses).mean(), reduction="mean"))

    def _sizes(self, rows: list[int]) -> Sizes:
        """What the mean of each loss is taken over, for some rows."""
        counted = COUNTED & self.train.tensors.keys()
        return self.objective.sizes({name: self.train.tensors[name][rows] for name in counted})

    def _resume(self, saved: Checkpoint | None) -> Progress:
        if saved is None:
            return Progress()
        take(self.model, saved.model)
        self.optimizer.load_state_dict(saved.optimizer)
        self.plateau.load_state_dict(saved.facts["plateau"])
        load_scaler(self.accelerator, saved.facts["scaler"])
        if self.ema:
            take(self.ema, saved.average)
        return Progress(saved.facts["history"], saved.best)

    def _save(self, progress: Progress, path: Path) -> None:
        facts: CheckpointFacts = {
            "stage": self.number,
            "done": self.done,
            "history": progress.history,
            "plateau": self.plateau.state_dict(),
            "scaler": scaler_state(self.accelerator),
        }
        names = {"n_averaged", *(f"module.{name}" for name in self.changed)}
        average = cloned(self.ema, names) if self.ema else {}
        now = cloned(self.model, self.changed)
        save_checkpoint(path, Checkpoint(now, progress.best, average, self.optimizer.state_dict(), facts))
