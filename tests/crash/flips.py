"""Flip single bits of a store's files: `python -m tests.crash.flips [TIMES]` counts what verify misses."""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import merdata
from merdata.corpora.miniature import write_corpus
from merdata.integrity.verify import verify


def missed_flips(store: Path, times: int, seed: int) -> list[str]:
    """Flips of one bit, anywhere in the store's files, that verify did not find."""
    files = [path for path in sorted(store.rglob("*")) if path.is_file()]
    files = [path for path in files if not path.relative_to(store).parts[0].startswith(".")]
    chance = random.Random(seed)
    missed = []
    for _ in range(times):
        path = chance.choice(files)
        whole = path.read_bytes()
        bit = chance.randrange(8 * len(whole))
        damaged = bytearray(whole)
        damaged[bit // 8] ^= 1 << bit % 8
        path.write_bytes(damaged)
        if not verify(store, jobs=0).faults:
            missed.append(f"{path.relative_to(store)} bit {bit}")
        path.write_bytes(whole)
    return missed


def main(times: int) -> int:
    with tempfile.TemporaryDirectory() as folder:
        write_corpus("tess", Path(folder) / "tess")
        store = Path(folder) / "store"
        merdata.build(["tess"], Path(folder) / "tess", store, jobs=0)
        merdata.split(store)
        missed = missed_flips(store, times, seed=1)
    print(f"| bit flips | {times - len(missed)} of {times} found |", *missed, sep="\n")
    return len(missed)


if __name__ == "__main__":
    sys.exit(min(1, main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000)))
