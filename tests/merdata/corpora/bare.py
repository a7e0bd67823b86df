"""Small trees of all corpora, in no time: real names and metadata, and audio that only begins like audio."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from tempfile import mkdtemp

from merdata.corpora.registry import registry
from merdata.corpora.walk import audio_stem
from merdata.sample.files import File

MOST = 6  # audio files of a tree


@dataclass(frozen=True)
class Trees:
    """Trees of the miniatures with one speaker and a few of the recordings, for no reader opens them."""

    folder: Path

    def clean(self, name: str) -> Path:
        """The tree of a corpus, made when it is asked for. Read only."""
        root = self.folder / "clean" / name
        if not root.exists():
            files = _plan(name)
            audio = [file for file in files if audio_stem(file.path)]
            for file in [*audio[:MOST], *(file for file in files if not audio_stem(file.path))]:
                path = root / file.path
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(b"RIFF" + file.path.encode() if audio_stem(path.name) else file.make())
        return root

    def copy(self, name: str) -> Path:
        """A tree that may be changed."""
        return Path(shutil.copytree(self.clean(name), Path(mkdtemp(dir=self.folder)) / name))


def _plan(name: str) -> list[File]:
    plan = registry()[name].sample or import_module(f"{registry().packages[name]}.sample").plan
    files: list[File] = plan(0, 1)
    return files
