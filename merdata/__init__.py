"""merdata: speech-emotion corpora, as they lie on disk, to one labelled, leak-free dataset.

>>> import merdata
>>> merdata.build(["ravdess"], source="corpora/ravdess", store="store")  # doctest: +SKIP
>>> merdata.split("store")  # doctest: +SKIP
>>> merdata.load("store")["train"][0]["audio"]["array"]  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from merdata.version import __version__

# Public name -> the module that defines it, imported when first used. A module is never called as one of its
# functions: importing merdata.build would put the module where the function merdata.build was.
_HOME = {
    "MerdataError": "errors",
    "CorpusNotFound": "errors",
    "EngineError": "errors",
    "HubError": "errors",
    "LayoutError": "errors",
    "LicenceError": "errors",
    "OptionError": "errors",
    "RemoteError": "errors",
    "PolicyError": "errors",
    "SplitError": "errors",
    "StoreError": "errors",
    "AudioError": "audio.clip",
    "normalise": "audio.clip",
    "Utterance": "utterance",
    "Corpus": "corpora.corpus",
    "get_corpus": "corpora.registry",
    "Permission": "corpora.terms",
    "Terms": "corpora.terms",
    "LabelSpace": "labels",
    "label_space": "labels",
    "label_spaces": "labels",
    "build": "builder.build",
    "Store": "store.store",
    "Shard": "store.store",
    "open_store": "store.store",
    "read_audio": "store.store",
    "Protocol": "store.protocol",
    "load_protocol": "store.protocol",
    "split": "splits.make",
    "import_split": "splits.exchange.exchange",
    "export_split": "splits.exchange.exchange",
    "audit": "leakage.audit",
    "load": "loader",
    "statistics": "stats",
    "write_report": "page.report",
    "html_page": "page.html",
    "linked_matrix": "page.html",
    "PageColumn": "page.table",
    "sample_clips": "page.clips",
    "COLOURS": "page.look",
    "LIGHT": "page.look",
    "Draw": "page.look",
    "Look": "page.look",
    "as_picture": "page.look",
    "render_figure": "page.look",
    "export_wav": "export.wav",
    "export_csv": "export.spreadsheet",
    "export_croissant": "export.croissant",
    "verify": "integrity.verify",
    "diff": "integrity.diff",
    "push": "hub.upload",
    "check_repo": "hub.client",
    "hub_errors": "hub.client",
    "TextLookUp": "text",
    "majority_label": "text",
    "text_keys": "text",
    "Turn": "dialogues",
    "histories": "dialogues",
    "is_silenced": "utterance",
    "run_app": "cli.command",
    "run_tasks": "engine.pool",
    "write_atomically": "io.files",
    "file_sha256": "io.files",
    "is_remote": "io.places",
    "place": "io.places",
    "card_text": "io.resources",
}
__all__ = ["__version__", *_HOME]

if TYPE_CHECKING:
    from merdata.audio.clip import AudioError as AudioError
    from merdata.audio.clip import normalise as normalise
    from merdata.builder.build import build as build
    from merdata.cli.command import run_app as run_app
    from merdata.corpora.corpus import Corpus as Corpus
    from merdata.corpora.registry import get_corpus as get_corpus
    from merdata.corpora.terms import Permission as Permission
    from merdata.corpora.terms import Terms as Terms
    from merdata.dialogues import Turn as Turn
    from merdata.dialogues import histories as histories
    from merdata.engine.pool import run_tasks as run_tasks
    from merdata.errors import CorpusNotFound as CorpusNotFound
    from merdata.errors import EngineError as EngineError
    from merdata.errors import HubError as HubError
    from merdata.errors import LayoutError as LayoutError
    from merdata.errors import LicenceError as LicenceError
    from merdata.errors import MerdataError as MerdataError
    from merdata.errors import OptionError as OptionError
    from merdata.errors import PolicyError as PolicyError
    from merdata.errors import RemoteError as RemoteError
    from merdata.errors import SplitError as SplitError
    from merdata.errors import StoreError as StoreError
    from merdata.export.croissant import export_croissant as export_croissant
    from merdata.export.spreadsheet import export_csv as export_csv
    from merdata.export.wav import export_wav as export_wav
    from merdata.hub.client import check_repo as check_repo
    from merdata.hub.client import hub_errors as hub_errors
    from merdata.hub.upload import push as push
    from merdata.integrity.diff import diff as diff
    from merdata.integrity.verify import verify as verify
    from merdata.io.files import file_sha256 as file_sha256
    from merdata.io.files import write_atomically as write_atomically
    from merdata.io.places import is_remote as is_remote
    from merdata.io.places import place as place
    from merdata.io.resources import card_text as card_text
    from merdata.labels import LabelSpace as LabelSpace
    from merdata.labels import label_space as label_space
    from merdata.labels import label_spaces as label_spaces
    from merdata.leakage.audit import audit as audit
    from merdata.loader import load as load
    from merdata.page.clips import sample_clips as sample_clips
    from merdata.page.html import html_page as html_page
    from merdata.page.html import linked_matrix as linked_matrix
    from merdata.page.look import COLOURS as COLOURS
    from merdata.page.look import LIGHT as LIGHT
    from merdata.page.look import Draw as Draw
    from merdata.page.look import Look as Look
    from merdata.page.look import as_picture as as_picture
    from merdata.page.look import render_figure as render_figure
    from merdata.page.report import write_report as write_report
    from merdata.page.table import PageColumn as PageColumn
    from merdata.splits.exchange.exchange import export_split as export_split
    from merdata.splits.exchange.exchange import import_split as import_split
    from merdata.splits.make import split as split
    from merdata.stats import statistics as statistics
    from merdata.store.protocol import Protocol as Protocol
    from merdata.store.protocol import load_protocol as load_protocol
    from merdata.store.store import Shard as Shard
    from merdata.store.store import Store as Store
    from merdata.store.store import open_store as open_store
    from merdata.store.store import read_audio as read_audio
    from merdata.text import TextLookUp as TextLookUp
    from merdata.text import majority_label as majority_label
    from merdata.text import text_keys as text_keys
    from merdata.utterance import Utterance as Utterance
    from merdata.utterance import is_silenced as is_silenced


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'merdata' has no attribute {name!r}")
    return getattr(import_module(f"merdata.{_HOME[name]}"), name)
