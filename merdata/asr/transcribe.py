"""Fill a layer of transcripts: what is missing is heard, in parallel, and written shard by shard."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa

from merdata.asr.layer import (
    FOLDER,
    PREFIX,
    Header,
    Settings,
    layer_header,
    layer_name,
    layer_path,
    read_header,
    write_shard,
)
from merdata.asr.models import find_model, open_recogniser
from merdata.asr.recogniser import Heard, Model, Request, windows
from merdata.audio.clip import read_wav
from merdata.engine.pool import run_tasks
from merdata.errors import OptionError, StoreError
from merdata.io.outside import cut
from merdata.io.places import in_one_process
from merdata.store.facts import is_name
from merdata.store.store import Shard, Store, open_store
from merdata.store.tables import open_table, read_group
from merdata.text import words
from merdata.utterance import SAMPLE_RATE

FORMAT = 1
BEAMS = {"faster-whisper": 5, "transformers": 1}
DIGITS = 4  # of confidences and rates
OF_CORPUS, ANY = "corpus", "auto"


class Transcribed(TypedDict):
    """The account of a layer.

    Attributes:
        layer: its name, with `asr/` before it.
        folder: where it is.
        engine, model, revision: as in its header.
        shards, kept: of the chosen corpora; those that were there already.
        rows, silent: heard now; those in which no words were heard.
    """

    layer: str
    folder: str
    engine: str
    model: str
    revision: str
    shards: int
    kept: int
    rows: int
    silent: int


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


def transcribe(
    store: str | Path | Store,
    model: str,
    *,
    engine: str = "faster-whisper",
    layer: str | None = None,
    corpora: Iterable[str] | None = None,
    language: str = OF_CORPUS,
    revision: str | None = None,
    score_texts: int = 0,
    device: str | None = None,
    jobs: int | None = None,
    progress: bool = False,
) -> Transcribed:
    """Fill the layer `asr/<layer>` of a store with what a recogniser hears in each clip.

    A shard whose transcripts are there already is kept, so a run that was killed goes on.

    Args:
        store: the store, or its folder.
        model: folder of a Whisper model in the engine's form, or its name on the Hub.
        engine: faster-whisper or transformers.
        layer: its name (default: that of the model).
        corpora: by name; None for all.
        language: `corpus`: what the rows state; `auto`: what the recogniser tells; or a code for all rows.
        revision: commit of a model of the Hub.
        score_texts: also take the likelihood of each row's own text, and of this many of its corpus's other
            texts, those nearest to what was heard.
        device: cpu or cuda (default: cuda where there is one).
        jobs: processes on a CPU, one thread each (default: one a core).
        progress: show a bar on stderr.

    Raises:
        CorpusNotFound: the store does not have such a corpus.
        MerdataError: a package is missing.
        OptionError: there is no such model, or the layer has transcripts of another.
        StoreError: the store cannot be read or written.
    """
    store = open_store(store)
    shards = store.shards(store.named(corpora))
    known = find_model(model, engine, revision)
    name = layer_name(layer or _name_of(known.name))
    settings = Settings(language=language, beams=BEAMS[engine], score_texts=score_texts)
    header = Header(
        format=FORMAT, engine=known.program, model=known.name, revision=known.revision, settings=settings
    )
    _refuse_other(store, name, header)
    missing = [shard for shard in shards if not _is_there(layer_path(store.path, name, shard), header, shard)]
    device = device or _device()
    tasks = [task for shard in missing for task in _tasks(store, shard, known, device, settings)]
    jobs = 0 if device != "cpu" or in_one_process(store.path) else jobs
    heard = run_tasks(
        hear_group,
        tasks,
        jobs=jobs,
        progress="transcribing" if progress else None,
        weigh=lambda task: task.rows,
        unit="clips",
    )
    rows = silent = 0
    by_shard = groupby(zip(tasks, heard, strict=True), key=lambda pair: pair[0].shard)
    for shard, groups in by_shard:
        own = [row for _, group in groups for row in group]
        write_shard(store.path, layer_path(store.path, name, shard), header, shard, own)
        rows, silent = rows + len(own), silent + sum(not row["text"] for row in own)
    return Transcribed(
        layer=f"{PREFIX}{name}",
        folder=str(store.path / FOLDER / name),
        engine=header["engine"],
        model=header["model"],
        revision=header["revision"],
        shards=len(shards),
        kept=len(shards) - len(missing),
        rows=rows,
        silent=silent,
    )


def hear_group(task: Task) -> list[dict[str, Any]]:
    """The rows of a layer for one row group.

    Raises:
        StoreError: the shard cannot be read.
    """
    recogniser = open_recogniser(task.model, task.device)
    requests: list[tuple[int, Request]] = []
    clips = _read(task)
    for place, clip in enumerate(clips):
        samples = read_wav(clip["audio"]["bytes"])
        clip["seconds"] = len(samples) / SAMPLE_RATE
        parts = windows(samples)
        language = _language(task, clip["language"])
        if len(parts) == 1 and task.texts:
            requests.append((place, Request(parts[0], language, partial(_candidates, task, clip["text"]))))
        else:
            requests += [(place, Request(part, language)) for part in parts]
    heard: list[list[Heard]] = [[] for _ in clips]
    for start in range(0, len(requests), recogniser.batch):
        batch = requests[start : start + recogniser.batch]
        answers = recogniser.hear([request for _, request in batch], task.settings["beams"])
        for (place, _), answer in zip(batch, answers, strict=True):
            heard[place].append(answer)
    return [_row(clip["id"], clip["seconds"], parts) for clip, parts in zip(clips, heard, strict=True)]


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


def _candidates(task: Task, own: str | None, heard: str) -> list[str]:
    """The row's own text, and the texts of its corpus that are nearest to what was heard."""
    from merdata.asr.distance import nearest

    others = [text for text in task.texts if text != own]
    return [*([own] if own else []), *nearest(heard, others, task.settings["score_texts"])]


def _row(id: str, seconds: float, parts: Sequence[Heard]) -> dict[str, Any]:
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


def _tasks(store: Store, shard: Shard, model: Model, device: str, settings: Settings) -> Iterator[Task]:
    languages = tuple(store.corpora[shard.corpus]["languages"])
    texts: tuple[str, ...] = ()
    if settings["score_texts"]:
        column = store.rows(["text"], [shard.corpus])["text"]
        texts = tuple(sorted(text for text in set(column.to_pylist()) if text and words(text)))
    try:
        with open_table(shard.path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
    except (OSError, pa.ArrowException) as error:
        raise StoreError(f"{shard.path} is missing or damaged: run `merdata build` again") from error
    for group, rows in enumerate(sizes):
        yield Task(shard, group, rows, model, device, settings, languages, texts)


def _is_there(path: Path, header: Header, shard: Shard) -> bool:
    """Whether the transcripts of a shard are those that would be made."""
    try:
        return read_header(path) == {"layer": header, "shard": shard.sha256}
    except (OSError, ValueError, pa.ArrowException):
        return False


def _refuse_other(store: Store, name: str, header: Header) -> None:
    """Fail if a layer has transcripts that were made in another way: half of each would be neither."""
    there = layer_header(store, name)
    if there is None or there == header:
        return
    differing = [key for key in header if there[key] != header[key]]  # type: ignore[literal-required]
    raise OptionError(
        f"{store.path / FOLDER / name} has transcripts of another {' and '.join(differing)}: name another "
        "layer with --layer, or delete the folder"
    )


def _name_of(model: str) -> str:
    name = model.rpartition("/")[2]
    if not is_name(name):
        raise OptionError(f"name the layer with --layer: {cut(name)!r} cannot be its name")
    return name


def _device() -> str:
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
