"""What is heard in a recording, and in the clips of a row group."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import pyarrow as pa

from merdata.asr.distance import nearest
from merdata.asr.layer import Settings, Transcript
from merdata.asr.models import open_recogniser
from merdata.asr.normaliser import language_of, normalised_in
from merdata.asr.recogniser import Floats, Heard, Model, Recogniser, Request, windows
from merdata.audio.clip import read_wav
from merdata.errors import OptionError, StoreError
from merdata.io.outside import cut
from merdata.io.parquet import open_table, read_group
from merdata.store.store import Shard
from merdata.text import words
from merdata.utterance import SAMPLE_RATE

BEAMS = {"faster-whisper": 5, "transformers": 1}
DIGITS = 4  # of confidences and rates
OF_CORPUS, ANY = "corpus", "auto"


@dataclass(frozen=True)
class Task:
    """A row group of a shard, to be heard.

    Attributes:
        rows: in the group.
        languages: of the corpus, for rows that do not state their own.
        texts: of the corpus, each once, if likelihoods are asked for.
    """

    shard: Shard
    group: int
    rows: int
    model: Model
    device: str
    settings: Settings
    languages: tuple[str, ...]
    texts: tuple[str, ...]


def hear(
    samples: Floats, model: Model, *, language: str | None = None, device: str | None = None
) -> tuple[str, float]:
    """What a recogniser hears in one recording, "" for no words, and its confidence.

    Args:
        samples: `[n]` at 16 kHz in [-1, 1].
        model: as `find_model` gives it.
        language: its code; None lets the recogniser tell it.
        device: cpu or cuda (default: cuda where there is one).

    Raises:
        OptionError: the model cannot be loaded, or does not know the language.
    """
    recogniser = open_recogniser(model, device or best_device())
    _refuse_unknown(recogniser, model, language)
    requests = [Request(part, language) for part in windows(samples)]
    parts = [recogniser.hear([request], BEAMS[model.engine])[0] for request in requests]
    row = _row("", len(samples) / SAMPLE_RATE, parts)
    return row["text"], row["confidence"]


def hear_group(task: Task) -> list[Transcript]:
    """The rows of a layer for one row group.

    Raises:
        OptionError: the model cannot be loaded, or does not know the language that was asked for.
        StoreError: the shard cannot be read.
    """
    recogniser = open_recogniser(task.model, task.device)
    if task.settings["language"] not in (OF_CORPUS, ANY):
        _refuse_unknown(recogniser, task.model, task.settings["language"])
    requests: list[tuple[int, Request]] = []
    clips = _read(task)
    for place, clip in enumerate(clips):
        samples = read_wav(clip["audio"]["bytes"])
        clip["seconds"] = len(samples) / SAMPLE_RATE
        parts = windows(samples)
        language = _language(task, clip["language"])
        if len(parts) == 1 and task.texts:
            spoken = language_of(clip["language"], task.languages)
            candidates = partial(_candidates, task, clip["text"], spoken)
            requests.append((place, Request(parts[0], language, candidates)))
        else:
            requests += [(place, Request(part, language)) for part in parts]
    heard: list[list[Heard]] = [[] for _ in clips]
    for start in range(0, len(requests), recogniser.batch):
        batch = requests[start : start + recogniser.batch]
        answers = recogniser.hear([request for _, request in batch], task.settings["beams"])
        for (place, _), answer in zip(batch, answers, strict=True):
            heard[place].append(answer)
    return [_row(clip["id"], clip["seconds"], parts) for clip, parts in zip(clips, heard, strict=True)]


def _refuse_unknown(recogniser: Recogniser, model: Model, language: str | None) -> None:
    """Fail if a language was asked for that a model does not know: it would take the one that it hears."""
    if language is not None and language not in recogniser.languages:
        known = ", ".join(sorted(recogniser.languages))
        raise OptionError(f"{model.name} does not know the language {cut(language)!r}; it knows {known}")


def _read(task: Task) -> list[dict[str, Any]]:
    try:
        with open_table(task.shard.path) as file:
            table = read_group(file, task.group, ["id", "audio", "text", "language"])
    except FileNotFoundError as error:
        raise StoreError(f"{task.shard.path} is missing: run `merdata build` again") from error
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{task.shard.path} is damaged ({cut(error)}): run `merdata build` again") from error
    rows: list[dict[str, Any]] = table.to_pylist()
    return rows


def _language(task: Task, own: str | None) -> str | None:
    asked = task.settings["language"]
    if asked == ANY:
        return None
    if asked != OF_CORPUS:
        return asked
    told = own or (task.languages[0] if len(task.languages) == 1 else None)
    return told and told.partition("-")[0]


def _candidates(task: Task, own: str | None, language: str, heard: str) -> list[str]:
    """The row's own text, and the texts of its corpus that are nearest to what was heard."""
    others = [text for text in task.texts if text != own]
    most, normalise = task.settings["score_texts"], partial(normalised_in, language)
    return [*([own] if own else []), *nearest(heard, others, most, normalise)]


def _row(id: str, seconds: float, parts: Sequence[Heard]) -> Transcript:
    text = " ".join(part.text for part in parts if part.text)
    tokens = sum(part.tokens for part in parts)
    total = sum(part.likelihood * part.tokens for part in parts)
    likelihoods = parts[0].likelihoods if len(parts) == 1 else {}
    return {
        "id": id,
        "text": text,
        "language": parts[0].language if parts else "",
        "confidence": round(min(1.0, math.exp(total / tokens)), DIGITS) if text and tokens else 0.0,
        "words_per_second": round(len(words(text)) / seconds, DIGITS) if seconds else 0.0,
        "candidates": list(likelihoods),
        "likelihoods": [round(value, DIGITS) for value in likelihoods.values()],
    }


def best_device() -> str:
    """cuda where an engine has one, else cpu."""
    from importlib.util import find_spec

    if find_spec("ctranslate2"):
        import ctranslate2

        if ctranslate2.get_cuda_device_count():
            return "cuda"
    if find_spec("torch"):
        import torch

        if torch.cuda.is_available():
            return "cuda"
    return "cpu"
