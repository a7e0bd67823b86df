"""Splits and audits at full size; what the near-audio pass costs, by corpus and as clips become more.

The full-size set is every row of seven corpora (106,256), without its audio. Each figure of it is CPU seconds
and peak memory of a process of its own. The near-audio pass runs on real recordings; for more clips, each at
several speeds, so that no clip is a copy of another.

.venv/bin/python tests/benchmarks/bench_audit.py
"""

from __future__ import annotations

import subprocess
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
WITH_AUDIO = ["ravdess", "tess", "emodb", "nemo", "emovo", "ased", "turevdb", "urdu"]
MEASURED = """
import resource, time
import merdata
{}
print(time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def main() -> None:
    """Print both tables."""
    print(f"{machine()}\n")
    with tempfile.TemporaryDirectory() as folder:
        full_size(Path(folder))
    by_corpus()
    near_audio()


def full_size(folder: Path) -> None:
    """Measure each kind of split, its audit without the near-audio pass, and the audit of all."""
    for name in SEVEN:
        lay_down(name, REAL, folder / "corpora" / name)
    merdata.build(SEVEN, folder / "corpora", folder / "store", policy=KEPT, on_bad_audio="silence")
    store = folder / "store"
    rows = merdata.open_store(store).rows(["id"]).num_rows
    print(f"| full size: {rows:,} rows | CPU s | peak MB |\n|---|---:|---:|")
    for kind in KINDS:
        measure(f"split {kind}", f"merdata.split({str(store)!r}, {kind!r})")
    for kind in KINDS:
        measure(f"audit {kind}", f"merdata.audit({str(store)!r}, {kind!r}, near_audio=False)")
    measure(
        "audit of all", f"from merdata.leakage.audit import audits; audits({str(store)!r}, near_audio=False)"
    )


def measure(name: str, code: str) -> None:
    """Print a line of the table: a new process's CPU time and memory for a piece of code."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED.format(code)], capture_output=True, text=True, check=True
    )
    cpu, peak = done.stdout.split()[-2:]
    print(f"| {name} | {float(cpu):.1f} | {float(peak):.0f} |", flush=True)


def by_corpus() -> None:
    """CPU time of the fingerprints for real recordings of each corpus."""
    fingerprint(np.ones(RATE, np.float32), RATE)  # imports what it needs
    print("\n| near audio | clips | minutes | CPU ms a second of audio |\n|---|---:|---:|---:|")
    for name in WITH_AUDIO:
        files = sorted((REAL / name).rglob("*.wav"))
        read = (soundfile.read(path, dtype="float32", always_2d=True) for path in files)
        clips = [at_speed(samples, rate, 1) for samples, rate in read]
        seconds = sum(map(len, clips)) / RATE
        start = time.process_time()
        for clip in clips:
            fingerprint(clip, RATE)
        spent = time.process_time() - start
        print(f"| {name} | {len(clips)} | {seconds / 60:.1f} | {1000 * spent / seconds:.2f} |", flush=True)


def near_audio() -> None:
    """Time fingerprints and their comparison for more and more clips."""
    recordings = [soundfile.read(path, dtype="float32", always_2d=True) for path in real_files()]
    print("\n| near audio: clips | hours | fingerprints, s | ms a second of audio | comparison, s | pairs |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in SIZES:
        count = len(recordings)
        clips = [
            at_speed(*recordings[number % count], 1 + 0.05 * (number // count)) for number in range(size)
        ]
        seconds = sum(map(len, clips)) / RATE
        start = time.perf_counter()
        prints = [Clip(row, *fingerprint(samples, RATE)) for row, samples in enumerate(clips)]
        between = time.perf_counter()
        pairs = len(list(same_recordings(prints)))
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
