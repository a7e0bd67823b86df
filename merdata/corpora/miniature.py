"""Miniature corpora of synthetic speech, in the real layouts and with real defects.

The folder of a corpus has a `sample.py` with one function, `plan(seed, speakers)`, that lists the files:

    write_corpus("ravdess", Path("corpora/ravdess"))
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from tqdm import tqdm

from merdata.corpora.registry import get_corpus, registry
from merdata.errors import CorpusNotFound, MerdataError
from merdata.sample.files import File

MARK = "SAMPLE.txt"
Planner = Callable[[int, int | None], list[File]]


def miniatures() -> list[str]:
    """Names of the corpora of the demo: those with a `sample.py`, which shows their defects."""
    return [name for name, package in registry().packages.items() if find_spec(f"{package}.sample")]


def write_corpus(name: str, folder: Path, seed: int = 0, speakers: int | None = None) -> int:
    """Write a miniature corpus; the same arguments give the same bytes.

    Args:
        name: of a corpus.
        folder: where to write; a folder with other files in it is refused.
        seed: of all that is left to chance. The speakers' voices do not depend on it.
        speakers: how many of the miniature's speakers (default all); their files stay the same. A corpus of
            dialogues has fewer dialogues in proportion.

    Returns:
        How many files were written, without the note that says they are synthetic.

    Raises:
        CorpusNotFound: there is no miniature of that name.
        MerdataError: the folder holds something else, or cannot be written.
    """
    if speakers is not None and speakers < 1:
        raise MerdataError(f"{speakers} speakers cannot be made: ask for one or more")
    files = _planner(name)(seed, speakers)
    try:
        _claim(folder, f"{name}, seed {seed}, speakers {speakers or 'all'}")
        for file in tqdm(files, desc=f"sample {name}", unit="file", disable=None):
            path = folder / file.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(file.make())
    except OSError as error:
        raise MerdataError(f"cannot write {error.filename or folder}: {error.strerror}") from error
    return len(files)


def _planner(name: str) -> Planner:
    """The `plan` of the corpus's `sample.py`, or what its declaration gives."""
    corpus = get_corpus(name)
    if corpus.name in miniatures():
        plan: Planner = import_module(f"{registry().packages[corpus.name]}.sample").plan
        return plan
    if corpus.sample is None:
        raise CorpusNotFound(f"there is no miniature of {name}: its package has no sample.py")
    return corpus.sample


def _claim(folder: Path, what: str) -> None:
    """Mark the folder as a miniature: a real corpus of the same name is never overwritten."""
    note = f"Synthetic speech written by `merdata sample` ({what}). No person's voice is in it.\n"
    mark = folder / MARK
    if folder.exists():
        there = mark.read_text("utf-8") if mark.is_file() else ""
        if there != note and any(not path.name.startswith(".") for path in folder.iterdir()):
            kind = "another sample" if there else "files that are not a sample"
            raise MerdataError(f"{folder} holds {kind}: name an empty folder, or delete it first")
    folder.mkdir(parents=True, exist_ok=True)
    mark.write_text(note, "utf-8")
