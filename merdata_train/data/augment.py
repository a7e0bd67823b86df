"""Augmented train rows: what an epoch hears and reads in place of recordings and transcripts.

A row's changes depend on the seed of the epoch and on its id alone, so a resumed training hears the same, and
a row that an epoch draws twice is the same both times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from merdata_train.data.examples import Examples
from merdata_train.data.inputs import Inputs, Read
from merdata_train.features.distort import Floats, distorted, misheard, seeded
from merdata_train.recipe.augment import Noise, TranscriptErrors


@dataclass(frozen=True)
class Augmenter:
    """Makes the train rows of an epoch.

    Attributes:
        inputs: recordings and transcripts of the train rows.
    """

    inputs: Inputs

    def __call__(self, train: Examples, seed: int) -> Examples:
        """Train rows as the epoch with a seed hears and reads them."""
        augment = self.inputs.recipe.augment
        if augment and augment.noise:
            train = self._noisy(train, augment.noise, seed)
        if augment and augment.transcript:
            train = self._misheard(train, augment.transcript, seed)
        return train

    def _noisy(self, train: Examples, config: Noise, seed: int) -> Examples:
        ids = train.rows["id"].tolist()

        def other(random: np.random.Generator) -> Floats:
            return self.inputs.recording(ids[random.integers(len(ids))])

        def heard(id: str) -> Floats | None:
            """A recording with noise; None where the epoch leaves it as it is."""
            random = seeded(seed, "noise", id)
            if random.random() >= config.probability:
                return None
            return distorted(self.inputs.recording(id), config, other, random)

        return self.inputs.heard(train, heard)

    def _misheard(self, train: Examples, config: TranscriptErrors, seed: int) -> Examples:
        words = self.inputs.words(train.rows["id"])

        def read(id: str) -> Read:
            target, history = self.inputs.texts[id]
            random = seeded(seed, "transcript", id)
            before = [misheard(turn, config, words, random) for turn in history]
            return target and misheard(target, config, words, random), before

        return self.inputs.read(train, read)
