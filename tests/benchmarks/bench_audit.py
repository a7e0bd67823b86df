"""Splits and audits at full size, and what the near-audio pass costs as clips become more.

The full-size set is every row of the seven corpora of source 0 (106,256), without its audio. The near-audio
pass runs on real recordings, each at several speeds, so that no clip is a copy of another.

.venv/bin/python tests/benchmarks/bench_audit.py
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
import soxr
from common import REAL, machine, real_files

import merdata
from merdata.leakage.fingerprint import fingerprint
from merdata.leakage.near import Clip, same_recordings

sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.merdata.corpora.trees import MAKERS, lay_down

SEVEN = [name for name in MAKERS if name != "tess"]
KEPT = ["mead.contempt=keep", "emovdb.sleepy=keep", "iemocap.xxx=keep", "iemocap.oth=keep"]
KINDS = ["mer", "official", "speaker", "text", "speaker+text", "random", "loco"]
SIZES = [1_000, 2_000, 4_000, 8_000]
RATE = 16_000


def main() -> None:
    """Print both tables."""
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory() as folder:
        full_size(Path(folder))
    near_audio()


def full_size(folder: Path) -> None:
    """Time each kind of split, and the audit without its near-audio pass."""
    for name in SEVEN:
        lay_down(name, REAL, folder / "corpora" / name)
    merdata.build(SEVEN, folder / "corpora", folder / "store", policy=KEPT, on_bad_audio="silence")
    store = merdata.open_store(folder / "store")
    rows = store.rows(["id"]).num_rows
    print(f"| full size: {rows:,} rows | split, s | audit, s |\n|---|---:|---:|")
    for kind in KINDS:
        start = time.perf_counter()
        name = merdata.split(folder / "store", kind).name
        between = time.perf_counter()
        merdata.audit(folder / "store", name, near_audio=False)
        end = time.perf_counter()
        print(f"| {kind} | {between - start:.2f} | {end - between:.2f} |")


def near_audio() -> None:
    """Time fingerprints and their comparison for more and more clips."""
    recordings = [soundfile.read(path, dtype="float32", always_2d=True) for path in real_files()]
    print("\n| near audio: clips | hours | fingerprints, s | ms a second of audio | comparison, s | pairs |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        count = len(recordings)
        clips = [at_speed(*recordings[at % count], 1 + 0.05 * (at // count)) for at in range(size)]
        seconds = sum(map(len, clips)) / RATE
        start = time.perf_counter()
        found = [Clip(at, *fingerprint(samples, RATE)) for at, samples in enumerate(clips)]
        between = time.perf_counter()
        pairs = len(list(same_recordings(found)))
        end = time.perf_counter()
        spent = between - start
        print(
            f"| {size:,} | {seconds / 3600:.2f} | {spent:.1f} | {1000 * spent / seconds:.2f} "
            f"| {end - between:.2f} | {pairs:,} |",
            flush=True,
        )


def at_speed(samples: np.ndarray, rate: int, speed: float) -> np.ndarray:
    """A recording at another speed, 16 kHz."""
    return soxr.resample(samples.mean(axis=1), rate * speed, RATE).astype(np.float32)


if __name__ == "__main__":
    main()
