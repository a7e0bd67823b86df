"""A layer of transcripts that says what a test wants, without a recogniser."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import merdata
from merdata.asr.layer import Header, layer_path, write_shard

HEADER: Header = {
    "format": 1,
    "engine": "transformers 5",
    "model": "laid",
    "revision": "0",
    "settings": {"language": "corpus", "beams": 1, "score_texts": 0},
}
ROW = {"language": "en", "confidence": 0.5, "words_per_second": 2.0, "candidates": [], "likelihoods": []}


def lay(
    store: merdata.Store,
    name: str,
    heard: Mapping[str, str],
    corpora: Iterable[str] | None = None,
    more: Mapping[str, Mapping[str, Any]] | None = None,
    header: Header = HEADER,
) -> None:
    """Write a layer: id -> text, "" for the other rows of the corpora; `more` has further values by id."""
    for shard in store.shards(corpora):
        ids = store.ids[shard]
        rows = [ROW | {"id": id, "text": heard.get(id, "")} | dict((more or {}).get(id, {})) for id in ids]
        write_shard(store.path, layer_path(store.path, name, shard), header, shard, rows)
