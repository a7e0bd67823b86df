"""merdata: speech-emotion corpora, as they lie on disk, to one labelled, leak-free dataset.

>>> import merdata
>>> merdata.build(["ravdess"], source="corpora/ravdess", store="store")  # doctest: +SKIP
>>> merdata.split("store")  # doctest: +SKIP
>>> merdata.load("store")["train"][0]["audio"]["array"]  # doctest: +SKIP

Every error is a `MerdataError`; `merdata.errors` has all its kinds. Packages that build on merdata find more
names in `merdata.plugin`.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from merdata.version import __version__

# Public name -> the module that defines it, imported when first used. A module must not be called as one of
# its functions: importing merdata.build would put the module where the function merdata.build was.
_HOME = {
    "MerdataError": "errors",
    "CorpusNotFound": "errors",
    "HubError": "errors",
    "IncompleteError": "errors",
    "LicenceError": "errors",
    "PolicyError": "errors",
    "SplitError": "errors",
    "StoreError": "errors",
    "get_corpus": "corpora.registry",
    "LabelSpace": "labels",
    "label_space": "labels",
    "label_spaces": "labels",
    "build": "builder.build",
    "Store": "store.store",
    "Shard": "store.store",
    "open_store": "store.store",
    "read_audio": "store.store",
    "Turn": "dialogues",
    "histories": "dialogues",
    "Protocol": "store.protocol",
    "load_protocol": "store.protocol",
    "split": "splits.make",
    "import_split": "splits.exchange.exchange",
    "import_table": "splits.exchange.exchange",
    "export_split": "splits.exchange.exchange",
    "load": "loader",
    "transcribe": "asr.transcribe",
    "transcripts": "asr.layer",
    "text_against_audio": "asr.against",
    "audit": "leakage.audit",
    "statistics": "stats",
    "write_report": "page.report",
    "export_wav": "export.wav",
    "export_csv": "export.spreadsheet",
    "export_croissant": "export.croissant",
    "verify": "integrity.verify",
    "diff": "integrity.diff",
    "push": "hub.upload",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from merdata.asr.against import text_against_audio as text_against_audio
    from merdata.asr.layer import transcripts as transcripts
    from merdata.asr.transcribe import transcribe as transcribe
    from merdata.builder.build import build as build
    from merdata.corpora.registry import get_corpus as get_corpus
    from merdata.dialogues import Turn as Turn
    from merdata.dialogues import histories as histories
    from merdata.errors import CorpusNotFound as CorpusNotFound
    from merdata.errors import HubError as HubError
    from merdata.errors import IncompleteError as IncompleteError
    from merdata.errors import LicenceError as LicenceError
    from merdata.errors import MerdataError as MerdataError
    from merdata.errors import PolicyError as PolicyError
    from merdata.errors import SplitError as SplitError
    from merdata.errors import StoreError as StoreError
    from merdata.export.croissant import export_croissant as export_croissant
    from merdata.export.spreadsheet import export_csv as export_csv
    from merdata.export.wav import export_wav as export_wav
    from merdata.hub.upload import push as push
    from merdata.integrity.diff import diff as diff
    from merdata.integrity.verify import verify as verify
    from merdata.labels import LabelSpace as LabelSpace
    from merdata.labels import label_space as label_space
    from merdata.labels import label_spaces as label_spaces
    from merdata.leakage.audit import audit as audit
    from merdata.loader import load as load
    from merdata.page.report import write_report as write_report
    from merdata.splits.exchange.exchange import export_split as export_split
    from merdata.splits.exchange.exchange import import_split as import_split
    from merdata.splits.exchange.exchange import import_table as import_table
    from merdata.splits.make import split as split
    from merdata.stats import statistics as statistics
    from merdata.store.protocol import Protocol as Protocol
    from merdata.store.protocol import load_protocol as load_protocol
    from merdata.store.store import Shard as Shard
    from merdata.store.store import Store as Store
    from merdata.store.store import open_store as open_store
    from merdata.store.store import read_audio as read_audio


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'merdata' has no attribute {name!r}")
    return getattr(import_module(f"merdata.{_HOME[name]}"), name)
