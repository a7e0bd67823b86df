"""The registry: the built-in corpora, and those that other packages offer as entry points."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from functools import cache, partial
from importlib import import_module
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

from merdata.corpora.account import is_archive
from merdata.corpora.corpus import BUILT_IN, Corpus, Survey
from merdata.corpora.tree import Tree
from merdata.errors import CorpusNotFound, NotThisCorpus, did_you_mean

DECLARATION = "corpus.yaml"
HERE = Path(__file__).parent


class Registry(Mapping[str, Corpus]):
    """Corpora by name; one that is built in is loaded when it is first asked for.

    Attributes:
        packages: name -> the Python package of its folder.
    """

    def __init__(self, finders: Mapping[str, Callable[[], Corpus]], packages: Mapping[str, str]) -> None:
        self._finders = finders
        self.packages = packages
        self._loaded: dict[str, Corpus] = {}

    def __getitem__(self, name: str) -> Corpus:
        if name not in self._loaded:
            self._loaded[name] = self._finders[name]()
        return self._loaded[name]

    def __contains__(self, name: object) -> bool:
        return name in self._finders

    def __iter__(self) -> Iterator[str]:
        return iter(self._finders)

    def __len__(self) -> int:
        return len(self._finders)


@cache
def registry() -> Registry:
    """All corpora by name: the built-in ones first, then those of entry points, each in the order of names.

    Nobody replaces a built-in corpus: its licence would go with it.
    """
    packages = {name: f"{BUILT_IN}.{name}" for name in _built_in_names()}
    finders: dict[str, Callable[[], Corpus]] = {
        name: partial(_built_in, name, package) for name, package in packages.items()
    }
    for point in sorted(entry_points(group="merdata.corpora")):
        corpus = replace(point.load(), package=_package(point.module))
        if corpus.name not in finders:
            finders[corpus.name] = partial(_as_it_is, corpus)
            packages[corpus.name] = corpus.package
    return Registry(finders, packages)


def _as_it_is(corpus: Corpus) -> Corpus:
    return corpus


def _package(module: str) -> str:
    """The package whose folder holds a module: itself, or the one around it."""
    spec = find_spec(module)
    return module if spec and spec.submodule_search_locations else module.rpartition(".")[0]


def _built_in_names() -> list[str]:
    """The folders beside this file that are corpora: all have one of three files."""
    marks = (DECLARATION, "sample.py", "defects.yaml")
    return sorted(
        folder.name for folder in HERE.iterdir() if any((folder / mark).is_file() for mark in marks)
    )


def _built_in(name: str, package: str) -> Corpus:
    if (HERE / name / DECLARATION).is_file():
        from merdata.corpora.declared.load import load_declared  # pydantic takes a tenth of a second

        return load_declared(HERE / name / DECLARATION, package)
    corpus: Corpus = import_module(package).CORPUS
    return replace(corpus, package=package)


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
    """The corpus whose file names are most of a folder's, if any; of two the one whose names say more."""
    counts = {name: sum(1 for _ in tree.matching(corpus.file_name)) for name, corpus in registry().items()}
    best = max(counts, key=lambda name: (counts[name], len(registry()[name].file_name.pattern)))
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
    """What lies in `shelf` and may be a corpus, but is not read.

    Folders that are not named after a corpus, archives that are not unpacked, links to nothing.
    """
    entries = sorted(shelf.iterdir()) if shelf.is_dir() else []
    return [
        entry.name
        for entry in entries
        if not entry.name.startswith(".")
        and (
            plain(entry.name) not in registry()
            if entry.is_dir()
            else is_archive(entry.name) or not entry.exists()
        )
    ]
