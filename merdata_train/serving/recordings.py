"""Your own recordings: as samples of a store, and what is said in them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from merdata import plugin
from merdata_train.errors import InputError

SAMPLE_RATE = 16_000
UTTERANCE_SECONDS = 30  # corpora have utterances of seconds; a model was never trained on more
LONGEST_SECONDS = 600
MOST_BYTES = 1 << 30

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ears:
    """A recogniser that writes down what is said in recordings without a text.

    Attributes:
        model: folder of a Whisper model, or its name on the Hub.
        language: of the recordings; None lets the recogniser tell it.
    """

    model: str
    language: str | None = None

    def __call__(self, file: Path) -> str:
        """What is said in a recording, "" for no words.

        Raises:
            InputError: the recording cannot be used.
        """
        return plugin.hear(read_recording(file)[0], self._model, language=self.language)[0]

    @cached_property
    def _model(self) -> Any:
        return plugin.find_model(self.model)


def read_recording(audio: str | Path | Floats) -> tuple[Floats, tuple[str, ...]]:
    """Samples as in a store, and notes."""
    name, notes = "the recording", tuple[str, ...]()
    if isinstance(audio, np.ndarray):
        samples = _checked(audio)
    else:
        name = str(audio)
        samples, notes = _decode(Path(audio).expanduser())
    seconds = len(samples) / SAMPLE_RATE
    if seconds > LONGEST_SECONDS:
        raise InputError(f"{name} is {seconds / 60:.0f} minutes long: split it into utterances")
    if seconds > UTTERANCE_SECONDS:
        notes = (*notes, f"it is {seconds:.0f} s long, and models are trained on utterances of a few seconds")
    return samples, notes


def _decode(path: Path) -> tuple[Floats, tuple[str, ...]]:
    try:
        if not path.is_file():
            raise InputError(f"{path} does not exist, or is not a file")
        if path.stat().st_size > MOST_BYTES:
            raise InputError(f"{path} is larger than {MOST_BYTES >> 30} GiB: cut it into utterances")
        clip = plugin.normalise(path.read_bytes(), str(path))
    except plugin.AudioError as error:
        raise InputError(f"{path}: {error}") from error
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    return clip.samples.astype(np.float32) / np.float32(32_768), clip.notes


def _checked(samples: Floats) -> Floats:
    if samples.ndim != 1 or not len(samples) or not np.isfinite(samples).all():
        raise InputError(f"samples must be finite numbers of shape [n], 16 kHz mono, not {samples.shape}")
    return np.ascontiguousarray(samples, np.float32)
