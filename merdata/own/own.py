"""A corpus that is named by its file: `--corpus mine.csv`, `--corpus mine.yaml`."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import replace
from pathlib import Path

from merdata.corpora.corpus import Corpus
from merdata.corpora.registry import get_corpus, plain, registry
from merdata.errors import CorpusNotFound
from merdata.io.places import place
from merdata.own.labels import refuse_undecided
from merdata.own.tables import ENDINGS, SPREADSHEETS, called

YAML = (".yaml", ".yml")


def is_file(name: str) -> bool:
    """Whether a corpus is named by a file."""
    return name.lower().endswith((*ENDINGS, *SPREADSHEETS, *YAML))


def stored_name(given: str) -> str:
    """What a store calls a corpus, from any spelling: `CREMA-D` is cremad, and `my-Rec.csv` is myrec."""
    try:
        return get_corpus(given).name
    except CorpusNotFound:
        return plain(place(given).stem if is_file(given) else given)


def own_corpus(name: str, options: Iterable[str] = ()) -> Corpus:
    """The corpus of a table or a YAML file.

    Args:
        name: the file's.
        options: `CORPUS.NAME=VALUE`, of which the encoding of a table counts already here.

    Raises:
        CorpusNotFound: there is no such file, or it is named like a corpus of the registry.
        DeclarationError: a YAML file is not a corpus.
        LayoutError: a table cannot be read.
    """
    path = place(name)
    if not path.is_file():
        raise CorpusNotFound(f"{path} does not exist")
    if path.suffix.lower() in YAML:
        corpus = _declared(path)
    else:
        from merdata.own.recordings import read_recordings

        key = f"{_name_of(path)}.encoding="
        encoding = next((option.removeprefix(key) for option in options if option.startswith(key)), None)
        corpus = read_recordings(path, _name_of(path), encoding)
    if corpus.name in registry():
        raise CorpusNotFound(
            f"{path} would be called {corpus.name}, as a corpus that merdata knows: give it another name"
        )
    return corpus


def check_labels(corpus: Corpus, changes: Collection[str]) -> None:
    """Refuse labels of a table that neither name a class nor stand in the policy.

    Raises:
        PolicyError: there are some; the message has the lines to write.
    """
    from merdata.own.recordings import Recordings

    if isinstance(corpus.read, Recordings):  # a YAML file states all its targets
        table = corpus.read.table
        columns = [table.names.get("label", ""), *called(table.others, "label")]
        refuse_undecided(corpus.name, corpus.targets, corpus.read.labels, changes, columns)


def _declared(path: Path) -> Corpus:
    """The corpus of a YAML file; where it states no terms, an upload needs the owner's words."""
    from merdata.corpora.declared.load import corpus_of, read_declaration
    from merdata.own.recordings import ASKED

    declared = read_declaration(path)
    corpus = replace(corpus_of(declared, path), declared_in=path)
    return corpus if "terms" in declared.model_fields_set else replace(corpus, terms=ASKED)


def _name_of(path: Path) -> str:
    name = plain(path.stem)
    if not (name.isascii() and name.isalnum() and name[0].isalpha()):
        raise CorpusNotFound(
            f"{path}: its name becomes the corpus's, so it must have letters (a to z) and digits only, a "
            "letter first: rename it"
        )
    return name
