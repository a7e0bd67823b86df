"""Corpora at full size: real names from the file lists, empty files, metadata in their own format."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path


def lay_down(corpus: str, real_data: Path, folder: Path) -> Path:
    """Make the whole tree of a corpus below `folder`."""
    MAKERS[corpus](real_data, folder)
    return folder


def touch(folder: Path, names: Iterable[str]) -> None:
    made: set[Path] = set()
    for name in names:
        path = folder / name
        if path.parent not in made:
            path.parent.mkdir(parents=True, exist_ok=True)
            made.add(path.parent)
        os.close(os.open(path, os.O_CREAT))  # a hundred thousand of them: `touch` takes twice as long


def listed(real_data: Path, name: str) -> list[str]:
    lines = (real_data / "filelists" / f"{name}.tsv").read_text("utf-8").splitlines()
    return [line.split("\t")[0] for line in lines]


def _plain(name: str) -> Callable[[Path, Path], None]:
    return lambda real_data, folder: touch(folder, listed(real_data, name))


def _meld(real_data: Path, folder: Path) -> None:
    touch(folder, listed(real_data, "meld"))
    for split in ("train", "dev", "test"):
        shutil.copy(real_data / "meld" / f"{split}_sent_emo.csv", folder)


def _cremad(real_data: Path, folder: Path) -> None:
    touch(folder, listed(real_data, "cremad"))
    for name in ("VideoDemographics.csv", "summaryTable.csv"):
        shutil.copy(real_data / "crema-d" / name, folder)


def _emovdb(real_data: Path, folder: Path) -> None:
    names = (name.split("/") for name in listed(real_data, "emovdb_6893"))
    touch(folder, (f"{speaker}_{emotion}/{file}" for speaker, emotion, file in names))
    shutil.copy(real_data / "prompts" / "cmuarctic.data", folder)


def _iemocap(real_data: Path, folder: Path) -> None:
    from tests.merdata.corpora.test_iemocap import write_full_tree

    write_full_tree(real_data, folder)


MAKERS: dict[str, Callable[[Path, Path], None]] = {
    "mead": _plain("mead"),
    "meld": _meld,
    "ravdess": _plain("ravdess"),
    "cremad": _cremad,
    "esd": _plain("esd"),
    "emovdb": _emovdb,
    "iemocap": _iemocap,
    "tess": _plain("tess"),
}
