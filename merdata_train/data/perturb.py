"""Perturbed test rows, to measure how a trained model stands them: nothing of them is stored.

What becomes of a row depends on its id and the kind alone, not on the order of the rows or on batches, and a
row has the same noise at every level. The voices of babble and the words that replace misheard ones are those
of train rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from merdata_train.data.examples import Examples
from merdata_train.data.inputs import Inputs, Read, as_stored
from merdata_train.features.distort import Floats, misheard, seeded
from merdata_train.features.perturbations import Perturbation, perturbed
from merdata_train.recipe.augment import TranscriptErrors


@dataclass(frozen=True)
class Perturber:
    """Makes the test rows of each step of a ladder.

    Attributes:
        inputs: recordings and transcripts of the test and train rows.
        voices: ids of the train rows that have a recording, for babble.
        words: of the train rows, in the place of words that are misheard.
        heard: layer of transcripts -> id -> what a recogniser heard, of the test rows.
    """

    inputs: Inputs
    voices: Sequence[str]
    words: Sequence[str]
    heard: Mapping[str, Mapping[str, Read]]

    def __call__(self, test: Examples, step: Perturbation) -> Examples:
        """Test rows as they are heard and read at a step; recordings are rounded as a store has them."""
        if step.facts["modality"] == "text":
            return self.inputs.read(test, lambda id: self._read(id, step))
        name = None if step.is_clean else str(step)
        return self.inputs.heard(test, lambda id: self._heard(id, step), name)

    def _heard(self, id: str, step: Perturbation) -> Floats:
        samples = self.inputs.recording(id)
        if step.is_clean:
            return samples
        heard = perturbed(samples, step, self._other, seeded("perturb", step.kind, id))
        return as_stored(np.clip(heard, -1, 1)).astype(np.float32) / np.float32(32_768)

    def _other(self, random: np.random.Generator) -> Floats:
        return self.inputs.recording(self.voices[int(random.integers(len(self.voices)))])

    def _read(self, id: str, step: Perturbation) -> Read:
        target, history = self.inputs.texts[id]
        if step.is_clean:
            return target, history
        if isinstance(step.level, str):
            return self.heard[step.level][id]
        random = seeded("perturb", step.kind, id)
        if step.kind == "dropped":
            return (None if random.random() < step.level else target), history
        errors = TranscriptErrors(drop=step.level / 3, replace=2 * step.level / 3)
        words = self.words or [""]  # without transcripts in train, a replaced word is left out
        before = [misheard(turn, errors, words, random) for turn in history]
        return target and misheard(target, errors, words, random), before
