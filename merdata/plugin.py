"""What packages that build on merdata may import; everything else is internal and may change.

A package that adds a corpus (CONTRIBUTING.md shows one)::

    Corpus                  its facts and its reader
    Utterance, Vote         what the reader yields, one for each row
    Tree, Row               the files of a folder, and a row of a csv file in it
    load_declared           a corpus that a YAML file states, where names and tables say everything
    stray                   a file that is named like a row but is not one
    split_of                the split that the folder of a file is named after
    StoredRow, name_of      a row of a store, and the last part of its id, for the names that others give it
    Terms, Permission       what may be uploaded: ATTRIBUTION, GATED or NEVER
    LayoutError             the folder is not as it should be
    OptionError             an option has a value that the reader cannot take
    NO_TEXT                 how the note on a row without a text begins
    File, Line              a file of the miniature, and an utterance that is spoken in it
    recording, pcm16, mp4, text_file, table, seeded    what makes the bytes of such files

A package that works on stores, as merdata_train does::

    run_app, ending         a command line whose faults and signals are one line each
    print_json              one JSON document on stdout
    run_tasks, Apart        tasks in several processes, and a function in a process of its own
    process_folder          where processes meet, and what else is to end with this one
    stored_name             what a store calls a corpus, from any spelling
    did_you_mean            the nearest of the words that would do, for the end of a message
    reason_of               what went wrong, in one line without the path
    write_atomically, file_sha256, place, is_remote     files, here or at a URL
    remove_unfinished       what killed processes left of them
    read_json, check_type, read_table, irregular        and what others may have written, within bounds
    console, printable      text of others on a terminal, without control characters
    render_card, markdown, latex                        and in Markdown and LaTeX
    load_yaml, read_yaml    YAML that people write; a key given twice is refused
    normalise, AudioError, is_silenced                  audio as a store has it
    find_model, hear        a recogniser, and what it hears in a recording
    layer_header            what made a layer of transcripts
    import_torchaudio       torchaudio, also where its native extension does not load
    text_keys, TextLookUp, majority_label               what the same text is, and its label in train
    has_ink                 whether anything of a text can be seen; if not, it is missing
    sentences               which rows of a corpus say the same
    vad_prototypes          class -> valence, arousal, dominance
    check_repo, hub_errors  the Hugging Face Hub
    html_page, linked_matrix, PageColumn, sample_clips  an interactive page of utterances
    render_figure, render_figures, as_picture, Draw, Look, LIGHT, COLOURS     figures in one style
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Public name -> the module that defines it, imported when first used.
_FOR_CORPORA = {
    "Corpus": "corpora.corpus",
    "load_declared": "corpora.declared.load",
    "stray": "corpora.corpus",
    "StoredRow": "corpora.corpus",
    "name_of": "corpora.corpus",
    "Utterance": "utterance",
    "Vote": "utterance",
    "NO_TEXT": "utterance",
    "Tree": "corpora.tree",
    "Row": "corpora.csv_table",
    "split_of": "corpora.tree",
    "Terms": "corpora.terms",
    "Permission": "corpora.terms",
    "ATTRIBUTION": "corpora.terms",
    "GATED": "corpora.terms",
    "NEVER": "corpora.terms",
    "LayoutError": "errors",
    "OptionError": "errors",
    "File": "sample.files",
    "Line": "sample.files",
    "recording": "sample.files",
    "pcm16": "sample.files",
    "mp4": "sample.files",
    "table": "sample.files",
    "text_file": "sample.files",
    "seeded": "sample.voice",
}
_FOR_STORES = {
    "run_app": "cli.command",
    "print_json": "cli.command",
    "ending": "cli.ending",
    "stored_name": "own.own",
    "did_you_mean": "errors",
    "reason_of": "errors",
    "Apart": "engine.process",
    "run_tasks": "engine.pool",
    "write_atomically": "io.files",
    "file_sha256": "io.files",
    "check_type": "io.outside",
    "remove_unfinished": "io.files",
    "irregular": "io.links",
    "read_json": "io.outside",
    "read_table": "io.parquet",
    "process_folder": "io.scratch",
    "is_remote": "io.places",
    "place": "io.places",
    "render_card": "io.resources",
    "load_yaml": "io.strict_yaml",
    "read_yaml": "io.strict_yaml",
    "console": "tables.table",
    "printable": "escaping",
    "markdown": "escaping",
    "latex": "escaping",
    "AudioError": "audio.clip",
    "import_torchaudio": "asr.torchaudio",
    "find_model": "asr.models",
    "hear": "asr.hearing",
    "layer_header": "asr.layer",
    "normalise": "audio.clip",
    "is_silenced": "utterance",
    "TextLookUp": "text",
    "has_ink": "text",
    "majority_label": "text",
    "text_keys": "text",
    "sentences": "splits.sentences",
    "vad_prototypes": "labels",
    "check_repo": "hub.client",
    "hub_errors": "hub.client",
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
    "render_figures": "page.look",
}
_HOME = {**_FOR_CORPORA, **_FOR_STORES}
__all__ = list(_HOME)

if TYPE_CHECKING:
    from merdata.asr.hearing import hear as hear
    from merdata.asr.layer import layer_header as layer_header
    from merdata.asr.models import find_model as find_model
    from merdata.asr.torchaudio import import_torchaudio as import_torchaudio
    from merdata.audio.clip import AudioError as AudioError
    from merdata.audio.clip import normalise as normalise
    from merdata.cli.command import print_json as print_json
    from merdata.cli.command import run_app as run_app
    from merdata.cli.ending import ending as ending
    from merdata.corpora.corpus import Corpus as Corpus
    from merdata.corpora.corpus import StoredRow as StoredRow
    from merdata.corpora.corpus import name_of as name_of
    from merdata.corpora.corpus import stray as stray
    from merdata.corpora.csv_table import Row as Row
    from merdata.corpora.declared.load import load_declared as load_declared
    from merdata.corpora.terms import ATTRIBUTION as ATTRIBUTION
    from merdata.corpora.terms import GATED as GATED
    from merdata.corpora.terms import NEVER as NEVER
    from merdata.corpora.terms import Permission as Permission
    from merdata.corpora.terms import Terms as Terms
    from merdata.corpora.tree import Tree as Tree
    from merdata.corpora.tree import split_of as split_of
    from merdata.engine.pool import run_tasks as run_tasks
    from merdata.engine.process import Apart as Apart
    from merdata.errors import LayoutError as LayoutError
    from merdata.errors import OptionError as OptionError
    from merdata.errors import did_you_mean as did_you_mean
    from merdata.errors import reason_of as reason_of
    from merdata.escaping import latex as latex
    from merdata.escaping import markdown as markdown
    from merdata.escaping import printable as printable
    from merdata.hub.client import check_repo as check_repo
    from merdata.hub.client import hub_errors as hub_errors
    from merdata.io.files import file_sha256 as file_sha256
    from merdata.io.files import remove_unfinished as remove_unfinished
    from merdata.io.files import write_atomically as write_atomically
    from merdata.io.links import irregular as irregular
    from merdata.io.outside import check_type as check_type
    from merdata.io.outside import read_json as read_json
    from merdata.io.parquet import read_table as read_table
    from merdata.io.places import is_remote as is_remote
    from merdata.io.places import place as place
    from merdata.io.resources import render_card as render_card
    from merdata.io.scratch import process_folder as process_folder
    from merdata.io.strict_yaml import load_yaml as load_yaml
    from merdata.io.strict_yaml import read_yaml as read_yaml
    from merdata.labels import vad_prototypes as vad_prototypes
    from merdata.page.clips import sample_clips as sample_clips
    from merdata.page.html import html_page as html_page
    from merdata.page.html import linked_matrix as linked_matrix
    from merdata.page.look import COLOURS as COLOURS
    from merdata.page.look import LIGHT as LIGHT
    from merdata.page.look import Draw as Draw
    from merdata.page.look import Look as Look
    from merdata.page.look import as_picture as as_picture
    from merdata.page.look import render_figure as render_figure
    from merdata.page.look import render_figures as render_figures
    from merdata.page.table import PageColumn as PageColumn
    from merdata.sample.files import File as File
    from merdata.sample.files import Line as Line
    from merdata.sample.files import mp4 as mp4
    from merdata.sample.files import pcm16 as pcm16
    from merdata.sample.files import recording as recording
    from merdata.sample.files import table as table
    from merdata.sample.files import text_file as text_file
    from merdata.sample.voice import seeded as seeded
    from merdata.splits.sentences import sentences as sentences
    from merdata.tables.table import console as console
    from merdata.text import TextLookUp as TextLookUp
    from merdata.text import has_ink as has_ink
    from merdata.text import majority_label as majority_label
    from merdata.text import text_keys as text_keys
    from merdata.utterance import NO_TEXT as NO_TEXT
    from merdata.utterance import Utterance as Utterance
    from merdata.utterance import Vote as Vote
    from merdata.utterance import is_silenced as is_silenced


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'merdata.plugin' has no attribute {name!r}")
    return getattr(import_module(f"merdata.{_HOME[name]}"), name)
