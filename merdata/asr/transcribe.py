"""Fill a layer of transcripts: what is missing is heard, in parallel, and written shard by shard."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from pathlib import Path
from typing import TypedDict

import pyarrow as pa

from merdata.asr.hearing import BEAMS, OF_CORPUS, Task, best_device, hear_group
from merdata.asr.layer import (
    FOLDER,
    PREFIX,
    Header,
    Settings,
    Transcript,
    layer_header,
    layer_name,
    layer_path,
    read_header,
    write_shard,
)
from merdata.asr.models import find_model
from merdata.asr.recogniser import Model
from merdata.engine.pool import run_tasks
from merdata.errors import OptionError, StoreError
from merdata.io.outside import cut
from merdata.io.parquet import open_table
from merdata.io.places import in_one_process
from merdata.store.facts import is_name
from merdata.store.store import Shard, Store, open_store
from merdata.text import words

FORMAT = 1


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


def transcribe(
    store: str | Path | Store,
    model: str,
    *,
    engine: str | None = None,
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
        engine: faster-whisper or transformers; None takes the one whose form the model's folder has.
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
        OptionError: there is no such model, it does not know the language, or the layer has transcripts that
            were made in another way.
        StoreError: the store cannot be read or written.
    """
    store = open_store(store)
    shards = store.shards(store.named(corpora))
    known = find_model(model, engine, revision)
    name = layer_name(layer or _name_of(known.name))
    settings = Settings(language=language, beams=BEAMS[known.engine], score_texts=score_texts)
    header = Header(
        format=FORMAT, engine=known.program, model=known.name, revision=known.revision, settings=settings
    )
    _refuse_other(store, name, header)
    missing = [shard for shard in shards if not _is_there(layer_path(store.path, name, shard), header, shard)]
    device = device or best_device()
    tasks = [task for shard in missing for task in _tasks(store, shard, known, device, settings)]
    jobs = 0 if device != "cpu" or in_one_process(store.path) else jobs
    rows = silent = 0
    for shard, own in _heard(tasks, jobs, progress):
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


def _heard(
    tasks: Sequence[Task], jobs: int | None, progress: bool
) -> Iterator[tuple[Shard, list[Transcript]]]:
    """Each shard with its rows, as soon as all of it was heard."""
    heard = run_tasks(
        hear_group,
        tasks,
        jobs=jobs,
        progress="transcribing" if progress else None,
        weigh=lambda task: task.rows,
        unit="clips",
    )
    for shard, groups in groupby(zip(tasks, heard, strict=True), key=lambda pair: pair[0].shard):
        yield shard, [row for _, group in groups for row in group]


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
        f"{store.path / FOLDER / name} has transcripts that differ in {' and '.join(differing)}: name "
        "another layer with --layer, or delete the folder"
    )


def _name_of(model: str) -> str:
    name = model.rpartition("/")[2]
    if not is_name(name):
        raise OptionError(f"name the layer with --layer: {cut(name)!r} cannot be its name")
    return name
