"""The steps of an epoch, cut into the micro-batches that each process computes."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from merdata_train.data.batching import batches, micro_batches, shared, steps
from merdata_train.data.samplers import order
from merdata_train.data.sequences import States
from merdata_train.data.source import Examples
from merdata_train.errors import RecipeError
from merdata_train.recipe.stage import Stage

Sizes = npt.NDArray[np.float64]
MicroBatch = tuple[list[int], list[float]]  # rows, and for each loss the factor of its mean
Step = list[MicroBatch]


def seed_of(seed: int, stage: int, epoch: int) -> int:
    """The seed of an epoch: order of the rows, dropout."""
    digest = hashlib.sha256(f"{seed} {stage} {epoch}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


@dataclass(frozen=True)
class Planner:
    """What the steps of a stage depend on.

    Attributes:
        train: the rows of the stage; behind the first `labelled` of them, those of the target.
        sizes: of rows, what the mean of each loss is taken over: their number, or the sum of their weights.
        share: which of the processes this is.
        shares: how many processes there are.
        whole: what sees a whole step at once, in words; nothing does where it is empty.
    """

    stage: Stage
    train: Examples
    labelled: int
    sizes: Callable[[list[int]], Sizes]
    share: int
    shares: int
    whole: Sequence[str] = ()

    def steps(self, seed: int) -> list[Step]:
        """The micro-batches of each step of an epoch that this process computes.

        Raises:
            RecipeError: a step that must be whole is cut.
        """
        rows = list(order(self.train.rows[: self.labelled], self.stage.sampler, seed))
        size = self.stage.batch_size
        cut = steps(rows, size, self.train.costs, seed) if self.train.sequences else batches(rows, size)
        if self.stage.drop_last:
            cut = [step for step in cut if len(step) == size] or cut
        return [self._weighed(step) for step in self._with_target(cut, seed)]

    def _with_target(self, cut: list[list[int]], seed: int) -> Iterator[list[int]]:
        """Each step with as many rows of the target, all of which come before one comes again."""
        target = np.random.default_rng([seed, 1]).permutation(np.arange(self.labelled, len(self.train)))
        drawn = itertools.cycle(target.tolist())
        for step in cut:
            yield [*step, *(itertools.islice(drawn, len(step)) if len(target) else ())]

    def _weighed(self, step: list[int]) -> Step:
        """Each micro-batch with what it adds to each loss of the step; the processes take their mean."""
        parts = self._parts(shared(step, self.share, self.shares))
        whole = sum(self.sizes(shared(step, share, self.shares)) for share in range(self.shares))
        of_step = np.where(whole > 0, whole, 1.0)
        return [(rows, (self.sizes(rows) * self.shares / of_step).tolist()) for rows in parts]

    @property
    def _only_states(self) -> bool:
        """Whether no encoder works on a step, whose memory is what steps are cut for."""
        return all(isinstance(rows, States) for rows in self.train.sequences.values())

    def _parts(self, own: list[int]) -> list[list[int]]:
        if not self.train.sequences or (self.whole and self.shares == 1 and self._only_states):
            parts = [own]
        else:
            parts = list(micro_batches(own, self.train.costs, self.stage.batch_seconds))
        if self.whole and (len(parts) > 1 or self.shares > 1):
            names = ", ".join(self.whole)
            way = (
                f"train it on one device, not {self.shares}"
                if self.shares > 1
                else f"raise batch_seconds above {self.stage.batch_seconds:g}, or lower batch_size"
            )
            raise RecipeError(
                f"stage {self.stage.name}: {names} must see all {len(own)} rows of a step at once: {way}"
            )
        return parts
