"""All hostile stores through all commands: `python -m tests.crash.attack [NAME ...]`."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

from merdata.corpora.miniature import write_corpus
from tests.attack.drive import commands, faults_of, make_scene
from tests.attack.stores import STORES


def main(names: list[str]) -> int:
    faults = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_corpus("tess", folder / "corpora" / "tess")
        scene = make_scene(folder / "corpora", folder / "good")
        chosen = {name: hostile for name, hostile in STORES.items() if not names or name in names}
        for name, hostile in chosen.items():
            found = faults_of(scene, name, hostile, folder / "place")
            print(*found, sep="\n", end="\n" if found else "", flush=True)
            faults += found
        answers = len(chosen) * len(commands(scene, folder, folder))
    print(f"| hostile stores | {len(faults)} faults in {answers} answers |")
    return len(faults)


if __name__ == "__main__":
    os.environ |= {"HF_HUB_OFFLINE": "1", "HF_DATASETS_OFFLINE": "1"}
    sys.exit(min(1, main(sys.argv[1:])))
