"""Augmented train rows: what an epoch hears and reads in place of recordings and transcripts.

A row's changes depend on the seed of the epoch and on its id alone, so a resumed training hears the same, and
a row that an epoch draws twice is the same both times.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, overload

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from merdata_train.data.context import text_vectors
from merdata_train.data.examples import Examples
from merdata_train.data.sequences import Clips, TokenRows
from merdata_train.encoders.tokenizer import tokenise
from merdata_train.features.audio import features_of, one_thread, shape
from merdata_train.features.distort import distorted, misheard, words_of
from merdata_train.features.hashing import SPEAKER
from merdata_train.recipe.augment import Noise, TranscriptErrors
from merdata_train.recipe.features import AudioEncoder, TextEncoder
from merdata_train.recipe.recipe import Recipe

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int16]


@dataclass(frozen=True)
class Augmenter:
    """Makes the train rows of an epoch.

    Attributes:
        recipe: its augmentation, features and context.
        samples: id -> int16 `[n]` at 16 kHz.
        texts: id -> the target and what was said before it.
        tokenizer: of the text encoder; None without one.
    """

    recipe: Recipe
    samples: Mapping[str, Tensor]
    texts: Mapping[str, tuple[str | None, list[str]]]
    tokenizer: Any

    def __call__(self, train: Examples, seed: int) -> Examples:
        """Train rows as the epoch with a seed hears and reads them."""
        augment = self.recipe.augment
        if augment and augment.noise:
            train = self._noisy(train, augment.noise, seed)
        if augment and augment.transcript:
            train = self._misheard(train, augment.transcript, seed)
        return train

    def _noisy(self, train: Examples, config: Noise, seed: int) -> Examples:
        ids = train.rows["id"].tolist()

        def other(random: np.random.Generator) -> Floats:
            return _as_float(self.samples[ids[random.integers(len(ids))]])

        def heard(row: int) -> Floats | None:
            """A recording with noise; None where the epoch leaves it as it is."""
            random = _generator(seed, "noise", ids[row])
            if not train.tensors["has_audio"][row] or random.random() >= config.probability:
                return None
            return distorted(_as_float(self.samples[ids[row]]), config, other, random)

        features = self.recipe.features.audio
        if isinstance(features, AudioEncoder):
            clips = train.sequences["audio"]
            noisy = replace(clips, rows=_Heard(clips.rows, heard)) if isinstance(clips, Clips) else clips
            return replace(train, sequences=train.sequences | {"audio": noisy})
        with one_thread():
            noisy_rows = {
                row: torch.from_numpy(features_of(samples, features))
                for row in range(len(train))
                if (samples := heard(row)) is not None
            }
        if shape(features).sequence:
            frames = train.sequences["audio"]
            rows = [noisy_rows.get(row, own) for row, own in enumerate(frames.rows)]
            return replace(train, sequences=train.sequences | {"audio": replace(frames, rows=rows)})
        vectors = train.tensors["audio_vec"].clone()
        for row, vector in noisy_rows.items():
            vectors[row] = vector
        return replace(train, tensors=train.tensors | {"audio_vec": vectors})

    def _misheard(self, train: Examples, config: TranscriptErrors, seed: int) -> Examples:
        ids = train.rows["id"].tolist()
        spoken = (word for id in ids for word in words_of(self.texts[id][0] or ""))
        words = sorted({word for word in spoken if not SPEAKER.match(word)})

        def read(id: str) -> tuple[str | None, list[str]]:
            target, history = self.texts[id]
            random = _generator(seed, "transcript", id)
            before = [misheard(turn, config, words, random) for turn in history]
            return target and misheard(target, config, words, random), before

        targets, histories = zip(*(read(id) for id in ids), strict=True)
        features = self.recipe.features.text
        if isinstance(features, TextEncoder):
            tokens, starts = tokenise(targets, histories, self.tokenizer, features.max_tokens)
            rows = TokenRows(tokens, self.tokenizer.pad_token_id, starts)
            return replace(train, sequences=train.sequences | {"text": rows})
        vectors = torch.from_numpy(text_vectors(targets, histories, features, self.recipe.context))
        return replace(train, tensors=train.tensors | {"text_vec": vectors})


class _Heard(Sequence[Ints]):
    """Recordings, int16 `[n]`, some of which are heard with noise: made when they are read."""

    def __init__(self, rows: Sequence[Any], heard: Callable[[int], Floats | None]) -> None:
        self.rows, self.heard = rows, heard

    def __len__(self) -> int:
        return len(self.rows)

    @overload
    def __getitem__(self, row: int) -> Ints: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Ints]: ...
    def __getitem__(self, row: int | slice) -> Ints | Sequence[Ints]:
        if isinstance(row, slice):
            return [self[number] for number in range(*row.indices(len(self)))]
        samples = self.heard(row)
        if samples is None:
            return np.asarray(self.rows[row])
        return np.rint(samples * 32_768).clip(-32_768, 32_767).astype(np.int16)


def _as_float(samples: Tensor) -> Floats:
    return np.asarray(samples, np.float32) / np.float32(32_768)


def _generator(seed: int, what: str, id: str) -> np.random.Generator:
    digest = hashlib.sha256(f"{seed} {what} {id}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))
