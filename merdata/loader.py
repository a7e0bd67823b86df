"""Open a store as a Hugging Face `DatasetDict`, under any of its protocols."""

from __future__ import annotations

import glob
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merdata.audio.clip import read_wav
from merdata.errors import SplitError, StoreError
from merdata.io.files import file_sha256, write_atomically
from merdata.io.places import download, each, is_remote
from merdata.store.protocol import SPLITS, load_protocol
from merdata.store.store import Shard, Store, check_shard, open_store
from merdata.utterance import SAMPLE_RATE

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict


def load(
    store: str | Path | Store,
    *,
    protocol: str = "mer",
    fold: int | str = 0,
    corpora: Iterable[str] | None = None,
    decode: bool = True,
) -> DatasetDict:
    """The splits of a protocol.

    Args:
        store: the store, or its folder or URL; remote shards are copied into the cache of `datasets`.
        protocol: name of a protocol in the store; it may divide shards.
        fold: of the protocol, by number or name.
        corpora: only these.
        decode: `audio` as `{"array": float32 [n] in [-1, 1), "sampling_rate": 16000, "path"}`, without
            torchcodec; False gives the WAV as `{"bytes", "path"}`.

    Raises:
        CorpusNotFound: the store does not have one of these corpora.
        SplitError: there is no such protocol or fold.
        StoreError: the store cannot be read.
    """
    opened = open_store(store)
    try:
        return _load(opened, protocol, fold, corpora, decode)
    except (FileNotFoundError, SplitError, StoreError):
        if isinstance(store, Store) or not opened.is_replaced():
            raise
        return _load(open_store(store), protocol, fold, corpora, decode)  # it was rebuilt just now


def _load(
    store: Store, protocol: str, fold: int | str, corpora: Iterable[str] | None, decode: bool
) -> DatasetDict:
    from datasets import Audio, DatasetDict, load_dataset

    split_of = load_protocol(store, protocol).splits(fold)
    files = each(_on_this_machine, store.shards(store.named(corpora)), store.path)
    rows: Dataset = load_dataset("parquet", data_files=files, split="train")
    rows = rows.cast_column("audio", Audio(decode=False))
    indices: dict[str, list[int]] = {split: [] for split in SPLITS}
    for index, id in enumerate(rows.with_format("arrow")["id"].to_pylist()):
        if id in split_of:
            indices[split_of[id]].append(index)
    parts = {split: rows.select(chosen) for split, chosen in indices.items() if chosen}
    return DatasetDict({split: _decoded(part) if decode else part for split, part in parts.items()})


def _on_this_machine(shard: Shard) -> str:
    """The path of a shard; a remote one is copied, once, to where `datasets` keeps its downloads."""
    if not is_remote(shard.path):
        check_shard(shard)
        return glob.escape(str(shard.path))  # load_dataset takes paths for patterns
    from datasets.config import DOWNLOADED_DATASETS_PATH

    cached = Path(DOWNLOADED_DATASETS_PATH) / "merdata" / f"{shard.sha256}.parquet"
    if not cached.exists():
        with write_atomically(cached) as temporary:
            download(shard.path, temporary)
            if file_sha256(temporary) != shard.sha256:
                raise StoreError(f"{shard.path} is damaged: run `merdata build` again")
    return glob.escape(str(cached))


def _decoded(part: Dataset) -> Dataset:
    return part.with_transform(_decode)


def _decode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    if "audio" in batch:
        batch["audio"] = [
            {"array": read_wav(cell["bytes"]), "sampling_rate": SAMPLE_RATE, "path": cell["path"]}
            for cell in batch["audio"]
        ]
    return batch
