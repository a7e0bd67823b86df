"""A layer of transcripts: what a recogniser heard in each row, in one file a shard.

layers/asr/<name>/<corpus>/<shard>.parquet   id, text, language, confidence, words_per_second, candidates and
                                             likelihoods (of texts, if asked for); the header in its metadata

Rows of the store stay as they are. A file is of the shard whose SHA-256 its header has, and of no other.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from annotated_types import Ge, Le
from typing_extensions import TypedDict

from merdata.errors import OptionError, StoreError
from merdata.io.files import write_bytes
from merdata.io.outside import check_type, cut, parse_json
from merdata.io.parquet import check_columns, open_table, read_open
from merdata.io.places import is_remote
from merdata.store.commit import A_WHILE, locked
from merdata.store.facts import Sha256, Text, is_name
from merdata.store.links import refuse_links
from merdata.store.store import Shard, Store, open_store

FOLDER = "layers/asr"
PREFIX = "asr/"
HEADER = b"merdata"
SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "text": pa.string(),
        "language": pa.string(),
        "confidence": pa.float32(),
        "words_per_second": pa.float32(),
        "candidates": pa.list_(pa.string()),
        "likelihoods": pa.list_(pa.float32()),
    }
)
COLUMNS = tuple(SCHEMA.names)
TOLD = COLUMNS[:5]  # without the likelihoods
LISTS = ("candidates", "likelihoods")
RANGES = {"confidence": (0.0, 1.0), "words_per_second": (0.0, 1e6), "likelihoods": (-1e6, 0.0)}


class Transcript(TypedDict):
    """A row of a layer; `transcripts` and `read_layer` say what each entry means."""

    id: str
    text: str
    language: str
    confidence: float
    words_per_second: float
    candidates: list[str]
    likelihoods: list[float]


class Settings(TypedDict):
    """How a recogniser was asked.

    Attributes:
        language: `corpus`, `auto`, or the code that it was given for every row.
        beams: of its search.
        score_texts: texts of the corpus whose likelihood it gave besides that of the row's own; 0 for none.
    """

    language: Text
    beams: Annotated[int, Ge(1), Le(1_000)]
    score_texts: Annotated[int, Ge(0), Le(1_000)]


class Header(TypedDict):
    """What made the transcripts; it is the same in all files of a layer.

    Attributes:
        format: of the file.
        engine: package and version that ran the model.
        model: name on the Hub, or name of the folder.
        revision: commit on the Hub, or SHA-256 over the folder's files.
        settings: how it was asked.
    """

    format: Annotated[int, Ge(1), Le(1_000)]
    engine: Text
    model: Text
    revision: Text
    settings: Settings


class ShardHeader(TypedDict):
    """The header of a file: what made it, and the SHA-256 of the shard that it is of."""

    layer: Header
    shard: Sha256


def layer_name(given: str) -> str:
    """The name of a layer of transcripts, given as `asr/NAME` or as `NAME`.

    Raises:
        OptionError: it cannot be the name of a folder.
    """
    name = given.removeprefix(PREFIX)
    if not is_name(name):
        raise OptionError(
            f"{cut(given)!r} cannot name a layer of transcripts: use letters, digits, `-`, `_` and `.`"
        )
    return name


def transcripts(store: str | Path | Store, name: str, corpora: Iterable[str] | None = None) -> pa.Table:
    """What a recogniser heard: id, text, language, confidence, words_per_second, in the order of the rows.

    `text` is "" where it heard no words; `confidence` is the geometric mean of its tokens' probabilities.

    Args:
        store: the store, or its folder.
        name: of the layer, with or without `asr/` before it.
        corpora: by name; None for all.

    Raises:
        CorpusNotFound: the store does not have such a corpus.
        OptionError: the name cannot be one of a layer.
        StoreError: the layer lacks a shard, is of other rows than the store has now, or is damaged.
    """
    return read_layer(open_store(store), layer_name(name), corpora).select(TOLD)


def read_layer(store: Store, name: str, corpora: Iterable[str] | None = None) -> pa.Table:
    """As `transcripts`, with the likelihoods of texts."""
    refuse_links(store.path)
    shards = store.shards(store.named(corpora))
    tables = [_of_shard(store, name, shard) for shard in shards]
    if not tables:
        raise StoreError(f"{store.path} has no rows")
    headers = {json.dumps(header, sort_keys=True) for header, _ in tables}
    if len(headers) > 1:
        raise StoreError(
            f"{store.path / FOLDER / name} has transcripts of several models or settings: delete the "
            f"folder and run {command(store, name)}"
        )
    return pa.concat_tables([table for _, table in tables])


def layer_header(store: Store, name: str) -> Header | None:
    """The header of a layer, of its first file that can be read; None where there is none."""
    for shard in store.shards():
        try:
            return read_header(layer_path(store.path, name, shard))["layer"]
        except (OSError, ValueError, pa.ArrowException):
            continue
    return None


def outdated_layers(store: Store) -> list[str]:
    """Names of the layers that have a shard of other rows than the store has now, or a damaged one."""
    folder = store.path / FOLDER
    names = (
        [] if is_remote(store.path) or not folder.is_dir() else sorted(path.name for path in folder.iterdir())
    )
    return [
        name for name in names if is_name(name) and not all(map(partial(_fits, store, name), store.shards()))
    ]


def _fits(store: Store, name: str, shard: Shard) -> bool:
    """Whether a shard's transcripts are of its rows, or are not there."""
    try:
        return read_header(layer_path(store.path, name, shard))["shard"] == shard.sha256
    except FileNotFoundError:
        return True
    except (OSError, ValueError, pa.ArrowException):
        return False


def layer_path(store: Path, name: str, shard: Shard) -> Path:
    """The file of a shard's transcripts."""
    return store / FOLDER / name / shard.corpus / f"{shard.name}.parquet"


def command(store: Store, name: str) -> str:
    """The command that fills a layer, for the end of a message."""
    return f"`merdata transcribe {store.path} --model MODEL --layer {name}`"


def read_header(path: Path) -> ShardHeader:
    """The header of a file.

    Raises:
        OSError, ValueError, pa.ArrowException: it cannot be read, or is not one.
    """
    with open_table(path) as file:
        return _header_of(file)


def write_shard(store: Path, path: Path, header: Header, shard: Shard, rows: Sequence[Transcript]) -> None:
    """Write the transcripts of a shard, under the store's lock.

    Raises:
        StoreError: another process is writing the store, or it cannot be written.
    """
    data = layer_bytes(header, shard, rows)
    with locked(store, A_WHILE):
        write_bytes(path, data)


def layer_bytes(header: Header, shard: Shard, rows: Sequence[Transcript]) -> bytes:
    """The file of a shard's transcripts: the same rows and header give the same bytes."""
    facts = ShardHeader(layer=header, shard=shard.sha256)
    schema = SCHEMA.with_metadata({HEADER: json.dumps(facts, sort_keys=True).encode()})
    buffer = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(list(rows), schema), buffer)
    return buffer.getvalue()


def _of_shard(store: Store, name: str, shard: Shard) -> tuple[Header, pa.Table]:
    path = layer_path(store.path, name, shard)
    try:
        with open_table(path) as file:
            header, table = _header_of(file), read_open(file, _source(path), COLUMNS)
        _check(table)
    except FileNotFoundError as error:
        raise StoreError(
            f"{store.path} does not have the transcripts {PREFIX}{name} of {shard.corpus}: "
            f"run {command(store, name)}"
        ) from error
    except (OSError, ValueError, pa.ArrowException) as error:
        raise StoreError(
            f"{path} is damaged ({cut(error)}): delete it and run {command(store, name)}"
        ) from error
    if header["shard"] != shard.sha256 or table["id"].to_pylist() != store.ids[shard]:
        raise StoreError(
            f"{path} is of other rows than {store.path} has now: run {command(store, name)} again"
        )
    return header["layer"], table.replace_schema_metadata(None)


def _source(path: Path) -> Any:
    """What `read_open` may read a second time."""
    from merdata.io.places import to_read

    return to_read(path) if is_remote(path) else path


def _header_of(file: pq.ParquetFile) -> ShardHeader:
    metadata = file.schema_arrow.metadata or {}
    return check_type(ShardHeader, parse_json(metadata.get(HEADER, b"")))


def _check(table: pa.Table) -> None:
    """Fail if a table is not one of transcripts.

    Raises:
        ValueError, pa.ArrowException: it is not.
    """
    check_columns(table, SCHEMA)
    values = {name: column.combine_chunks() for name, column in zip(SCHEMA.names, table.columns, strict=True)}
    lengths = [pc.list_value_length(values[name]) for name in LISTS]
    if not _all(pc.equal(*lengths)):
        raise ValueError("candidates and likelihoods differ in number")
    values |= {name: values[name].flatten() for name in LISTS}
    for name, column in values.items():
        if column.null_count:
            raise ValueError(f"column {name} has empty cells")
    for name, (lowest, highest) in RANGES.items():
        fits = pc.and_(pc.greater_equal(values[name], lowest), pc.less_equal(values[name], highest))
        if not _all(fits):
            raise ValueError(f"column {name} has a value that is not possible")


def _all(tests: pa.Array) -> bool:
    """Whether all hold; one of a null does not."""
    return bool(pc.all(tests, skip_nulls=False, min_count=0).as_py())
