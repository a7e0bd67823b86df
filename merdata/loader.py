"""Open a store as a Hugging Face `DatasetDict`, under any of its protocols."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from merdata.audio import read_wav
from merdata.splits.protocol import SPLITS, load_protocol
from merdata.store import Store, open_store
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
        store: the store, or its folder.
        protocol: name of a protocol in the store; it need not keep shards whole.
        fold: of the protocol, by number or name.
        corpora: only these.
        decode: `audio` as `{"array": float32 [n] in [-1, 1), "sampling_rate": 16000, "path"}` (read with no
            help of torchcodec); False gives the WAV as `{"bytes", "path"}`.

    Raises:
        CorpusNotFound: the store holds no such corpus.
        SplitError: there is no such protocol or fold.
        StoreError: the store cannot be read.
    """
    from datasets import Audio, DatasetDict, load_dataset

    store = store if isinstance(store, Store) else open_store(store)
    split_of = load_protocol(store, protocol).splits(fold)
    files = [str(shard.path) for shard in store.shards(store.named(corpora))]
    rows: Dataset = load_dataset("parquet", data_files=files, split="train")
    rows = rows.cast_column("audio", Audio(decode=False))
    at: dict[str, list[int]] = {split: [] for split in SPLITS}
    for index, id in enumerate(rows.with_format("arrow")["id"].to_pylist()):
        if id in split_of:
            at[split_of[id]].append(index)
    parts = {split: rows.select(indices) for split, indices in at.items() if indices}
    return DatasetDict({split: _decoded(part) if decode else part for split, part in parts.items()})


def _decoded(part: Dataset) -> Dataset:
    return part.with_transform(_decode)


def _decode(batch: dict[str, list[Any]]) -> dict[str, list[Any]]:
    if "audio" in batch:
        batch["audio"] = [
            {"array": read_wav(cell["bytes"]), "sampling_rate": SAMPLE_RATE, "path": cell["path"]}
            for cell in batch["audio"]
        ]
    return batch
