"""merdata: speech-emotion corpora, as they lie on disk, to one labelled, leak-free dataset.

>>> import merdata
>>> merdata.build(["ravdess"], source="corpora/ravdess", store="store")  # doctest: +SKIP
>>> merdata.split("store")  # doctest: +SKIP
>>> merdata.load("store")["train"][0]["audio"]["array"]  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module that defines it, imported when first used. A module is never called as one of its
# functions: importing merdata.build would put the module where the function merdata.build was.
_HOME = {
    "MerdataError": "errors",
    "CorpusNotFound": "errors",
    "LayoutError": "errors",
    "PolicyError": "errors",
    "SplitError": "errors",
    "StoreError": "errors",
    "AudioError": "audio",
    "normalise": "audio",
    "Utterance": "utterance",
    "Corpus": "corpora.corpus",
    "get_corpus": "corpora",
    "LabelSpace": "labels",
    "label_space": "labels",
    "label_spaces": "labels",
    "build": "builder",
    "Store": "store",
    "Shard": "store",
    "open_store": "store",
    "read_audio": "store",
    "Protocol": "splits.protocol",
    "load_protocol": "splits.protocol",
    "split": "splits.make",
    "audit": "leakage",
    "load": "loader",
    "run_tasks": "engine",
    "write_atomically": "files",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from merdata.audio import AudioError, normalise
    from merdata.builder import build
    from merdata.corpora import get_corpus
    from merdata.corpora.corpus import Corpus
    from merdata.engine import run_tasks
    from merdata.errors import (
        CorpusNotFound,
        LayoutError,
        MerdataError,
        PolicyError,
        SplitError,
        StoreError,
    )
    from merdata.files import write_atomically
    from merdata.labels import LabelSpace, label_space, label_spaces
    from merdata.leakage import audit
    from merdata.loader import load
    from merdata.splits.make import split
    from merdata.splits.protocol import Protocol, load_protocol
    from merdata.store import Shard, Store, open_store, read_audio
    from merdata.utterance import Utterance


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'merdata' has no attribute {name!r}")
    return getattr(import_module(f"merdata.{_HOME[name]}"), name)
