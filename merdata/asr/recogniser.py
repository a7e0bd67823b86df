"""What hears: a Whisper model in one of two engines, from a folder or the Hub, and what it gives."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt

from merdata.errors import MerdataError, OptionError, did_you_mean
from merdata.io.files import file_sha256

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
    """

    batch: int

    def hear(self, requests: Sequence[Request], beams: int) -> list[Heard]:
        """What is said in each window."""


def find_model(model: str, engine: str, revision: str | None = None) -> Model:
    """The model that a folder or a name on the Hub means; one of the Hub is downloaded once.

    Raises:
        MerdataError: the engine is not installed.
        OptionError: there is no such engine or model, or the Hub cannot be reached.
    """
    if engine not in ENGINES:
        raise OptionError(
            f"there is no engine {engine!r}{did_you_mean(engine, ENGINES)}: {' or '.join(ENGINES)}"
        )
    folder = Path(model).expanduser()
    if folder.is_dir():
        if revision:
            raise OptionError(f"--revision is for models of the Hub, and {folder} is a folder")
        require(engine)
        return Model(folder, engine, folder.resolve().name, _folder_hash(folder))
    if len(folder.parts) > 2 or model.startswith((".", "/", "~")):
        raise OptionError(f"{model} does not exist: name the folder of a Whisper model, or one of the Hub")
    require(engine)
    return _from_hub(model, engine, revision)


def require(engine: str) -> None:
    """Fail if an engine is not installed.

    Raises:
        MerdataError: it is not.
    """
    from importlib.util import find_spec

    if find_spec(engine.replace("-", "_")) is None:
        raise MerdataError(f"{engine} is not installed: pip install 'merdata[{ENGINES[engine]}]'")


@cache
def open_recogniser(model: Model, device: str) -> Recogniser:
    """A model, loaded once in each process.

    Raises:
        OptionError: it cannot be loaded.
    """
    if model.engine == "transformers":
        from merdata.asr.whisper_hf import TransformersWhisper

        return TransformersWhisper(model, device)
    from merdata.asr.whisper_ct2 import FasterWhisper

    return FasterWhisper(model, device)


def windows(samples: Floats) -> list[Floats]:
    """A clip in equal parts of at most 30 seconds; none of a clip that is silent."""
    if not len(samples) or float(np.abs(samples).max()) < SILENT:
        return []
    return np.array_split(samples, -(-len(samples) // WINDOW))


def cannot_load(model: Model, error: Exception) -> OptionError:
    """The error for a model that its engine cannot load."""
    first = (str(error).strip() or type(error).__name__).splitlines()[0]
    other = next(name for name in ENGINES if name != model.engine)
    return OptionError(
        f"{model.engine} cannot load {model.folder}: {first} (a model of {other} needs --engine {other})"
    )


def _folder_hash(folder: Path) -> str:
    """SHA-256 over the files of a folder and their names."""
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    if not files:
        raise OptionError(f"{folder} holds no model: it is empty")
    told = "\n".join(f"{path.name} {file_sha256(path)}" for path in files)
    return hashlib.sha256(told.encode()).hexdigest()


def _from_hub(model: str, engine: str, revision: str | None) -> Model:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    name = model
    if "/" not in model:  # the sizes of Whisper, as `base` or `large-v3`
        name = f"Systran/faster-whisper-{model}" if engine == "faster-whisper" else f"openai/whisper-{model}"
    skipped = ["*.h5", "*.msgpack", "*.onnx*", "*.md", ".git*", "flax*", "tf_*"]
    try:
        folder = snapshot_download(name, revision=revision, ignore_patterns=skipped)
    except (OSError, ValueError, HfHubHTTPError, HFValidationError, LocalEntryNotFoundError) as error:
        first = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise OptionError(
            f"{name} is neither a folder nor a model that can be had from the Hub: {first}"
        ) from error
    return Model(Path(folder), engine, name, Path(folder).name)
