"""A small store before and after a change, and what must hold whenever the change is disturbed."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

import merdata
from merdata.integrity.digest import logical_digest
from merdata.integrity.verify import verify
from merdata.store.commit import CHANGE
from merdata.store.retired import retired

OLD_POLICY = ["ps=drop", "disgust=anger"]  # the store before has fewer rows and other labels


@dataclass(frozen=True)
class Change:
    """A change of a store: how it begins, what makes it, and the files that must come of it."""

    name: str
    corpus: Path
    before: Path | None
    apply: Callable[[Path, Path], object]
    after: dict[str, str]
    digests: frozenset[str]

    def begin(self, store: Path) -> Path:
        """Lay the store down as it is before the change."""
        shutil.rmtree(store, ignore_errors=True)
        if self.before:
            shutil.copytree(self.before, store)
        return store

    def check(self, store: Path) -> list[str]:
        """What is wrong with a store whose change was disturbed; it may be the old one or the new one."""
        if not (store / "merdata.json").exists():
            return [] if self.before is None else ["the store has lost merdata.json"]
        wrong = list(verify(store, deep=True, jobs=0).faults)
        if logical_digest(merdata.open_store(store)) not in self.digests:
            wrong.append("the rows are neither those before nor those after")
        return wrong + [f"README.md names {name}, which is not there" for name in _missing(store)]

    def resume(self, store: Path) -> list[str]:
        """Make the change again; what then differs from an undisturbed one."""
        self.apply(self.corpus, store)
        found = files(store)
        wrong = [name for name in found.keys() | self.after.keys() if found.get(name) != self.after.get(name)]
        left = [str(path) for path in store.rglob("*.part")] + [CHANGE] * (store / CHANGE).exists()
        return [f"{name} differs after resuming" for name in wrong] + [
            f"{name} was left over" for name in left
        ]


def make_changes(corpora: Path, folder: Path) -> dict[str, Change]:
    """A first build, a rebuild under another policy, and a split; `corpora` holds the miniature of tess."""
    corpus = few_clips(corpora / "tess", folder / "tess")
    old, new, split = folder / "old", folder / "new", folder / "split"
    merdata.build(["tess"], corpus, old, policy=OLD_POLICY, jobs=0)
    merdata.split(old)
    rebuilt = shutil.copytree(old, folder / "rebuilt")
    _build(corpus, new)
    _build(corpus, rebuilt)
    shutil.copytree(new, split)
    merdata.split(split)
    before, after = (logical_digest(merdata.open_store(store)) for store in (old, new))
    changes = [
        Change("first build", corpus, None, _build, files(new), frozenset({after})),
        Change("rebuild", corpus, old, _build, files(rebuilt), frozenset({before, after})),
        Change("split", corpus, new, _split, files(split), frozenset({after})),
    ]
    return {change.name: change for change in changes}


def files(store: Path) -> dict[str, str]:
    """SHA-256 of every file of a store, without the working folders and what is kept for readers only."""
    paths = {path.relative_to(store): path for path in store.rglob("*") if path.is_file()}
    kept = retired(store)
    own = {
        name: path
        for name, path in paths.items()
        if not name.parts[0].startswith(".") and name.as_posix() not in kept
    }
    return {str(name): hashlib.sha256(path.read_bytes()).hexdigest() for name, path in own.items()}


def _build(corpus: Path, store: Path) -> None:
    merdata.build(["tess"], corpus, store, jobs=0)


def _split(_: Path, store: Path) -> None:
    merdata.split(store)


def few_clips(source: Path, target: Path) -> Path:
    """One sentence of each emotion and speaker."""
    target.mkdir(parents=True)
    chosen: dict[tuple[str, str], Path] = {}
    for path in sorted(source.rglob("*.wav")):
        chosen.setdefault((path.stem.split("_")[0], path.stem.split("_")[-1]), path)
    for path in chosen.values():
        shutil.copy(path, target)
    return target


def _missing(store: Path) -> list[str]:
    """Files that load_dataset would look for in vain."""
    front = yaml.safe_load((store / "README.md").read_text().split("---\n")[1])
    parts = [part for config in front["configs"] for part in config["data_files"]]
    return [name for part in parts for name in part["path"] if not (store / name).exists()]
