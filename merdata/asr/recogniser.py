"""What a recogniser is asked and what it gives, whatever runs it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from merdata.errors import OptionError

ENGINES = {"faster-whisper": "asr", "transformers": "train"}  # engine -> the extra that installs it
RATE = 16_000
WINDOW = 30 * RATE  # samples that a Whisper model hears at once
SILENT = 1e-3  # -60 dBFS: a peak below it is silence, in which Whisper makes words up

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Model:
    """A model on this machine.

    Attributes:
        folder: of its files.
        engine: that runs it.
        name: on the Hub, or of the folder.
        revision: commit on the Hub, or SHA-256 over the folder's files.
    """

    folder: Path
    engine: str
    name: str
    revision: str

    @property
    def program(self) -> str:
        """The engine and its version."""
        return f"{self.engine} {version(self.engine)}"


@dataclass(frozen=True)
class Request:
    """One window of a clip: what it is asked for.

    Attributes:
        samples: `[n]` at 16 kHz, at most WINDOW.
        language: its code, or None to let the recogniser tell it.
        texts: whose likelihoods are asked for, when it is known what was heard.
    """

    samples: Floats
    language: str | None = None
    texts: Callable[[str], list[str]] = lambda _: []


@dataclass(frozen=True)
class Heard:
    """What was heard in a window.

    Attributes:
        text: without blanks around it.
        language: its code.
        likelihood: mean natural log-probability of the text's tokens.
        tokens: how many there are.
        likelihoods: text that was asked for -> its log-probability, summed over its tokens.
    """

    text: str
    language: str
    likelihood: float
    tokens: int
    likelihoods: dict[str, float] = field(default_factory=dict)


class Recogniser(Protocol):
    """A model that is ready to hear.

    Attributes:
        batch: windows that it hears at once.
        languages: codes of those that it knows.
    """

    batch: int
    languages: Collection[str]

    def hear(self, requests: Sequence[Request], beams: int) -> list[Heard]:
        """What is said in each window."""


def windows(samples: Floats) -> list[Floats]:
    """A clip in equal parts of at most 30 seconds; none of a clip that is silent."""
    if not len(samples) or float(np.abs(samples).max()) < SILENT:
        return []
    return np.array_split(samples, -(-len(samples) // WINDOW))


def whole_words(tokenizer: Any) -> None:
    """Let a word that is a token be that token, as the decoder writes it.

    Tokenizers of some conversions lack the first merge of their list, and split every word that it begins:
    no text with ` the` in it would be likely.
    """
    model: Any = getattr(tokenizer, "model", None)
    if hasattr(model, "ignore_merges"):
        model.ignore_merges = True


def cannot_load(model: Model, error: Exception) -> OptionError:
    """The error for a model that its engine cannot load."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    other = next(name for name in ENGINES if name != model.engine)
    return OptionError(
        f"{model.engine} cannot load {model.folder}: {first} (a model of {other} needs --engine {other})"
    )
