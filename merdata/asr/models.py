"""Whisper models: found in a folder or on the Hub, opened by one of two engines."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from merdata.asr.recogniser import ENGINES, Model, Recogniser
from merdata.asr.whisper_ct2 import FasterWhisper
from merdata.asr.whisper_hf import TransformersWhisper
from merdata.errors import MerdataError, OptionError, did_you_mean
from merdata.io.files import file_sha256


def find_model(model: str, engine: str | None = None, revision: str | None = None) -> Model:
    """The model that a folder or a name on the Hub means; one of the Hub is downloaded once.

    Args:
        model: folder, or name.
        engine: that runs it; None takes transformers for a folder in its form, else faster-whisper.
        revision: commit on the Hub.

    Raises:
        MerdataError: the engine is not installed.
        OptionError: there is no such engine or model, or the Hub cannot be reached.
    """
    folder = Path(model).expanduser()
    if engine is None:
        own = any(folder.glob("*.safetensors")) or any(folder.glob("pytorch_model*.bin"))
        engine = "transformers" if own else "faster-whisper"
    if engine not in ENGINES:
        raise OptionError(
            f"there is no engine {engine!r}{did_you_mean(engine, ENGINES)}: {' or '.join(ENGINES)}"
        )
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
    kind = TransformersWhisper if model.engine == "transformers" else FasterWhisper
    return kind(model, device)


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
