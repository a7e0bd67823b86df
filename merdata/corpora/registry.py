"""The registry: the built-in corpora, and those that other packages offer as entry points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import cache
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from pkgutil import iter_modules

from merdata.corpora.corpus import BUILT_IN, Corpus, Survey
from merdata.corpora.tree import Tree
from merdata.errors import CorpusNotFound, NotThisCorpus, did_you_mean


@cache
def registry() -> dict[str, Corpus]:
    """All corpora by name: the built-in ones first, then those of entry points, each in the order of names.

    Nobody replaces a built-in corpus: its licence would go with it.
    """
    corpora = {corpus.name: corpus for corpus in _built_in()}
    for point in sorted(entry_points(group="merdata.corpora")):
        corpus = replace(point.load(), package=_package(point.module))
        corpora.setdefault(corpus.name, corpus)
    return corpora


def _package(module: str) -> str:
    """The package whose folder holds a module: itself, or the one around it."""
    spec = find_spec(module)
    return module if spec and spec.submodule_search_locations else module.rpartition(".")[0]


def _built_in() -> Iterator[Corpus]:
    """The corpus of every folder beside this file."""
    for module in sorted(iter_modules([str(Path(__file__).parent)], f"{BUILT_IN}.")):
        if module.ispkg:
            corpus: Corpus = import_module(module.name).CORPUS
            yield replace(corpus, package=module.name)


def get_corpus(name: str) -> Corpus:
    """The corpus of that name; `CREMA-D` and `crema_d` are cremad too.

    Raises:
        CorpusNotFound: there is none.
    """
    corpora = registry()
    if (key := plain(name)) not in corpora:
        hint = did_you_mean(key, corpora)
        raise CorpusNotFound(f"no corpus is called {name!r}{hint}; there are {', '.join(corpora)}")
    return corpora[key]


def plain(name: str) -> str:
    """A corpus's name as the registry has it, however it is written."""
    return re.sub(r"[-_ ]", "", name.lower())


def survey_corpus(corpus: Corpus, root: Path, options: Mapping[str, str]) -> Survey:
    """The utterances of a folder, and an account of its files.

    Raises:
        CorpusNotFound, LayoutError, OptionError: as `Corpus.survey`; where the folder looks like another
            corpus, the message names it.
    """
    try:
        return corpus.survey(root, options)
    except NotThisCorpus as error:
        other = _looks_like(Tree.walk(root))
        if other in (None, corpus.name):
            raise
        raise NotThisCorpus(f"{error}. It looks like {other}: try --corpus {other}") from error


def _looks_like(tree: Tree) -> str | None:
    """The corpus whose file names are most of a folder's, if any."""
    counts = {name: sum(1 for _ in tree.matching(corpus.file_name)) for name, corpus in registry().items()}
    best = max(counts, key=counts.__getitem__)
    return best if counts[best] else None


def present(shelf: Path) -> dict[str, Path]:
    """Corpus -> the folder in `shelf` that has its name in any spelling (`CREMA-D`), in the registry's order.

    Raises:
        CorpusNotFound: the folder may not be read, or two of its folders name one corpus.
    """
    folders: dict[str, Path] = {}
    try:
        for folder in sorted(shelf.iterdir()) if shelf.is_dir() else []:
            name = plain(folder.name)
            if name in registry() and folder.is_dir():
                if name in folders:
                    raise CorpusNotFound(
                        f"{folders[name]} and {folder} are both named after {name}: rename one"
                    )
                folders[name] = folder
    except PermissionError as error:
        raise CorpusNotFound(f"no permission to read {shelf}") from error
    return {name: folders[name] for name in registry() if name in folders}


def passed_over(shelf: Path) -> list[str]:
    """The names of the folders in `shelf` that are not named after a corpus."""
    folders = sorted(shelf.iterdir()) if shelf.is_dir() else []
    return [
        folder.name
        for folder in folders
        if plain(folder.name) not in registry() and folder.is_dir() and not folder.name.startswith(".")
    ]
