"""The steps of an epoch, cut into the micro-batches that each process computes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from merdata_train.data.batching import batches, micro_batches, shared, steps
from merdata_train.data.samplers import order
from merdata_train.data.source import Examples
from merdata_train.recipe.stage import Stage

MicroBatch = tuple[list[int], float]  # rows, and the factor of their mean loss
Step = list[MicroBatch]


def seed_of(seed: int, stage: int, epoch: int) -> int:
    """The seed of an epoch: order of the rows, dropout."""
    digest = hashlib.sha256(f"{seed} {stage} {epoch}".encode()).digest()
    return int.from_bytes(digest[:4], "big")


@dataclass(frozen=True)
class Planner:
    """What the steps of a stage depend on.

    Attributes:
        weight: of rows, what the mean of the loss is taken over: their number, or the sum of their weights.
        share: which of the processes this is.
        shares: how many processes there are.
    """

    stage: Stage
    train: Examples
    weight: Callable[[list[int]], float]
    share: int
    shares: int

    def steps(self, seed: int) -> list[Step]:
        """The micro-batches of each step of an epoch that this process computes."""
        rows = list(order(self.train.rows, self.stage.sampler, seed))
        if not self.train.sequences:
            return [self._weighed(step, [self._own(step)]) for step in batches(rows, self.stage.batch_size)]
        costs, longest = self.train.costs, self.stage.batch_seconds
        return [
            self._weighed(step, micro_batches(self._own(step), costs, longest))
            for step in steps(rows, self.stage.batch_size, costs, seed)
        ]

    def _own(self, step: list[int]) -> list[int]:
        return shared(step, self.share, self.shares)

    def _weighed(self, step: list[int], own: Iterable[list[int]]) -> Step:
        """Each micro-batch with what it adds to the step's loss, of which the processes take the mean."""
        whole = sum(self.weight(shared(step, share, self.shares)) for share in range(self.shares))
        return [(rows, self.weight(rows) * self.shares / whole) for rows in own]
