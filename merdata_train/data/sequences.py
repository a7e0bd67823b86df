"""Rows of different lengths: recordings, tokens, states of frozen encoders; padded batch by batch."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

SAMPLE_RATE = 16_000
# What a position costs an encoder, in seconds of audio: a layer works on 50 frames a second.
SECONDS_PER_POSITION = 0.02
SECONDS_PER_FRAME = 0.01

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Sequences(ABC):
    """One sequence a row.

    Attributes:
        rows: the sequences, before they are cut or padded.
    """

    rows: Sequence[Any]

    @property
    @abstractmethod
    def seconds(self) -> Floats:
        """What each row costs an encoder, in seconds of audio: `[n]`."""

    @property
    def cost_alike(self) -> bool:
        """Whether every row costs the same, so that a batch saves nothing over its rows one by one."""
        return False

    @abstractmethod
    def batch(self, name: str, indices: Sequence[int]) -> dict[str, Tensor]:
        """Rows, padded, and their lengths, under names that begin with that of the modality."""

    @abstractmethod
    def key(self, row: int) -> bytes:
        """What a row holds: rows with one key are the same."""

    def only(self, indices: Sequence[int]) -> Sequences:
        """Some of the rows."""
        return replace(self, rows=[self.rows[row] for row in indices])

    def joined(self, other: Sequences) -> Sequences:
        """The rows, and behind them those of another of the same kind."""
        return replace(self, rows=[*self.rows, *other.rows])


@dataclass(frozen=True)
class Clips(Sequences):
    """Recordings: int16 `[samples]` at 16 kHz, views of memory-mapped files.

    Attributes:
        names: what each recording is, for `key`.
        longest: seconds after which a clip is cut.
        shortest: samples that an encoder needs.
        extractor: makes an encoder's input of samples; Whisper's fills a window of fixed length.
    """

    names: Sequence[str]
    longest: float
    shortest: int
    extractor: Any

    @property
    def window(self) -> float | None:
        """Seconds that every clip is filled up to; None where it is those of the batch's longest."""
        window: float | None = getattr(self.extractor, "chunk_length", None)
        return window

    @property
    def cost_alike(self) -> bool:
        return self.window is not None

    @property
    def seconds(self) -> Floats:
        if self.window is not None:
            return np.full(len(self.rows), float(self.window))
        return np.minimum([len(row) / SAMPLE_RATE for row in self.rows], self.longest)

    def batch(self, name: str, indices: Sequence[int]) -> dict[str, Tensor]:
        clips = [self._samples(row) for row in indices]
        # The mask keeps padding out of the extractor's own mean and variance.
        inputs = self.extractor(
            clips,
            sampling_rate=SAMPLE_RATE,
            padding=True if self.window is None else "max_length",
            return_attention_mask=True,
            return_tensors="pt",
        )
        lengths = torch.tensor([len(clip) for clip in clips])
        return {f"{name}_values": inputs[self.extractor.model_input_names[0]], f"{name}_lengths": lengths}

    def key(self, row: int) -> bytes:
        return self.names[row].encode()

    def only(self, indices: Sequence[int]) -> Sequences:
        return replace(
            self, rows=[self.rows[row] for row in indices], names=[self.names[row] for row in indices]
        )

    def joined(self, other: Sequences) -> Sequences:
        names = [*self.names, *other.names] if isinstance(other, Clips) else self.names
        return replace(self, rows=[*self.rows, *other.rows], names=names)

    def _samples(self, row: int) -> npt.NDArray[np.float32]:
        cut = self.rows[row][: int(self.longest * SAMPLE_RATE)]
        samples = np.asarray(cut, np.float32) / np.float32(32_768)
        missing = self.shortest - len(samples)
        return np.pad(samples, (0, missing)) if missing > 0 else samples


@dataclass(frozen=True)
class TokenRows(Sequences):
    """Tokens: int32 `[tokens]`, ended by a special one.

    Attributes:
        padding: the encoder's padding token.
        starts: where the target begins in each row, behind what was said before it.
    """

    padding: int
    starts: Sequence[int]

    @property
    def seconds(self) -> Floats:
        return np.array([len(row) * SECONDS_PER_POSITION for row in self.rows])

    def batch(self, name: str, indices: Sequence[int]) -> dict[str, Tensor]:
        rows = [torch.from_numpy(self.rows[row]).long() for row in indices]
        padded = pad_sequence(rows, batch_first=True, padding_value=self.padding)
        lengths = torch.tensor([len(row) for row in rows])
        starts = torch.tensor([self.starts[row] for row in indices])
        return {f"{name}_values": padded, f"{name}_lengths": lengths, f"{name}_starts": starts}

    def key(self, row: int) -> bytes:
        return bytes(self.rows[row].tobytes()) + self.starts[row].to_bytes(4, "little")

    def joined(self, other: Sequences) -> Sequences:
        starts = [*self.starts, *other.starts] if isinstance(other, TokenRows) else self.starts
        return replace(self, rows=[*self.rows, *other.rows], starts=starts)

    def only(self, indices: Sequence[int]) -> Sequences:
        return replace(
            self, rows=[self.rows[row] for row in indices], starts=[self.starts[row] for row in indices]
        )


@dataclass(frozen=True)
class States(Sequences):
    """Hidden states of a frozen encoder: float32 `[frames, layers, width]`, views of memory-mapped files."""

    @property
    def seconds(self) -> Floats:
        return np.array([len(row) * SECONDS_PER_POSITION for row in self.rows])

    def batch(self, name: str, indices: Sequence[int]) -> dict[str, Tensor]:
        rows = [self.rows[row] for row in indices]
        lengths = torch.tensor([len(row) for row in rows])
        return {f"{name}_states": pad_sequence(rows, batch_first=True), f"{name}_lengths": lengths}

    def key(self, row: int) -> bytes:
        return hashlib.sha256(self.rows[row].numpy().tobytes()).digest()


@dataclass(frozen=True)
class Frames(States):
    """Features of each frame of a clip: float32 `[frames, width]`; no encoder works on them."""

    @property
    def seconds(self) -> Floats:
        return np.array([len(row) * SECONDS_PER_FRAME for row in self.rows])
