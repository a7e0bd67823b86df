"""From a thousand rows to a hundred thousand: time a row, memory, a second build; each command at full size.

Trees of the real corpora's names at full size; every clip is a tenth of a second of noise of its own, but for
the one speaker with hours of audio. Memory is the most that a process had in use, shared pages included.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_scale.py

With STORE and OTHER, the same rows under another label policy, it measures the commands alone.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
from common import REAL, machine

from merdata.audio.clip import wav_bytes
from merdata.corpora.walk import AUDIO
from merdata.utterance import SAMPLE_RATE
from tests.merdata.corpora.trees import lay_down

SIZES = {  # corpora -> about how many rows
    "1,440": ["ravdess"],
    "14,333": ["ravdess", "emovdb", "cremad"],
    "106,256": ["ravdess", "emovdb", "cremad", "mead", "meld", "esd", "iemocap"],
}
PROTOCOLS = [["mer"], ["official"], ["speaker"], ["text"], ["loco"], ["kfold", "--corpus", "iemocap"]]
ROUNDS = 3  # of the commands, in turn; the least CPU time and the most memory count
DIFFERENT = 1  # the exit code of a diff that finds differences, and of an audit that finds a broken promise
MERDATA = Path(sys.executable).with_name("merdata")
HEAD = """
import hashlib, json, os, sys
store, other, out = sys.argv[1:]
def shards(folder):
    named = json.load(open(folder + "/merdata.json"))["shards"]
    return [f"{folder}/data/{corpus}/{facts['file']}" for corpus in named for facts in named[corpus].values()]
def table(folder):
    import pyarrow as pa, pyarrow.parquet as pq
    from merdata.utterance import METADATA_COLUMNS
    names = list(METADATA_COLUMNS)
    parts = [pq.read_table(file, columns=names, partitioning=None) for file in shards(folder)]
    return pa.concat_tables(parts).combine_chunks()
"""
HASHING = """
for file in shards(store):
    with open(file, "rb") as opened:
        hashlib.file_digest(opened, "sha256")
"""
DIFF = """
import pyarrow as pa, pyarrow.compute as pc
before, after = (part.take(pc.sort_indices(part["id"])) for part in map(table, (store, other)))
for name in before.column_names:
    old, new = before[name], after[name]
    if pa.types.is_nested(old.type):
        print(name, sum(map(list.__ne__, old.to_pylist(), new.to_pylist())))
    else:
        same = pc.or_(pc.fill_null(pc.equal(old, new), False), pc.and_(pc.is_null(old), pc.is_null(new)))
        print(name, len(old) - pc.sum(same).as_py())
"""
EXPORT = """
table(store).to_pandas().to_csv(out, index=False)
"""
SPEAKER, CLIPS, SECONDS = "0011", 1_750, 10.0


def noise() -> Iterator[bytes]:
    """Clips of a tenth of a second, no two the same."""
    samples = np.random.default_rng(0).normal(0, 3_000, 1 << 20).astype(np.int16)
    for at in range(0, len(samples) - 1_600, 3):
        yield wav_bytes(samples[at : at + 1_600])


def fill(folder: Path, clips: Iterator[bytes]) -> None:
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in {*AUDIO, ".m4a"}:
            path.write_bytes(next(clips))


def long_speaker(folder: Path) -> Path:
    """One speaker of ESD with hours of audio."""
    samples = np.random.default_rng(0).normal(0, 3_000, int(SECONDS * SAMPLE_RATE) + CLIPS).astype(np.int16)
    for number in range(1, CLIPS + 1):
        emotion = ("Neutral", "Angry", "Happy", "Sad", "Surprise")[(number - 1) // 350]
        path = folder / SPEAKER / emotion / f"{SPEAKER}_{number:06}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(wav_bytes(samples[number : number + int(SECONDS * SAMPLE_RATE)]))
    return folder


def build(corpora: list[str], source: Path, store: Path, *more: str) -> tuple[float, float, float]:
    """Seconds of a build, and the largest memory of the parent and of a worker in MB."""
    words = [word for name in corpora for word in ("--corpus", name)]
    start, parent, worker = time.perf_counter(), 0.0, 0.0
    command = [MERDATA, "build", *words, *more, "--source", source, "--store", store, "--jobs", "2"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        main = psutil.Process(running.pid)
        while running.poll() is None:
            parent = max(parent, memory(main))
            worker = max([worker, *map(memory, main.children(recursive=True))])
            time.sleep(0.02)
    if running.returncode:
        raise SystemExit("the build failed")
    return time.perf_counter() - start, parent, worker


def command(*words: str | Path) -> tuple[float, float]:
    """CPU seconds and the largest memory in MB of one command, its workers included."""
    running = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, used = os.wait4(running.pid, 0)
    if os.waitstatus_to_exitcode(status) not in (0, DIFFERENT):
        raise SystemExit(f"{words[:3]} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e3


def commands(store: Path, other: Path, folder: Path) -> None:
    """A table of the commands that read a whole store, with six protocols, and of scripts that do as much.

    Args:
        store: with its six protocols.
        other: the same rows under another label policy.
        folder: for what is written.
    """
    for words in PROTOCOLS:
        command(MERDATA, "split", store, "--protocol", *words)
    plain: dict[str, list[str | Path]] = {
        name: [sys.executable, "-c", HEAD + body, store, other, folder / "plain.csv"]
        for name, body in {"hashing alone": HASHING, "a plain diff": DIFF, "a plain export": EXPORT}.items()
    }
    every: dict[str, list[str | Path]] = {
        "stats": ["stats", store],
        "audit, one protocol": ["audit", store, "--protocol", "mer", "--no-near-audio"],
        "audit, six": ["audit", store, "--all", "--no-near-audio"],
        "card": ["card", store],
        "report": ["report", store, "--out", folder / "report.html"],
        "verify": ["verify", store],
        "diff": ["diff", store, other],
        "export csv": ["export", "csv", store, "--out", folder / "rows.csv"],
    }
    every = {name: [MERDATA, *words] for name, words in every.items()} | plain
    used = [{name: command(*words) for name, words in every.items()} for _ in range(ROUNDS)]
    print("\n| command, 106,256 rows | CPU s | MB |\n|---|---:|---:|")
    for name in every:
        seconds, most = min(turn[name][0] for turn in used), max(turn[name][1] for turn in used)
        print(f"| {name} | {seconds:.1f} | {most:.0f} |", flush=True)


def memory(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss) / 1e6
    except psutil.Error:
        return 0.0


def builds(folder: Path) -> tuple[Path, Path]:
    """A table of builds; the largest store, and the same rows under another label policy."""
    print(f"\n### from a thousand rows to a hundred thousand\n\n{machine()}\n")
    print(
        "| rows | s | ms a row | parent, MB | worker, MB | second build, s |\n|---|---:|---:|---:|---:|---:|"
    )
    shelf, clips = folder / "corpora", noise()
    for rows, names in SIZES.items():
        for name in names:
            if not (shelf / name).exists():
                fill(lay_down(name, REAL, shelf / name), clips)
        source, store = shelf / names[0] if len(names) == 1 else shelf, folder / rows
        seconds, parent, worker = build(names, source, store)
        again = build(names, source, store)[0]
        a_row = 1_000 * seconds / int(rows.replace(",", ""))
        print(f"| {rows} | {seconds:.1f} | {a_row:.2f} | {parent:.0f} | {worker:.0f} | {again:.2f} |")
    seconds, parent, worker = build(["esd"], long_speaker(folder / "esd"), folder / "one")
    hours = CLIPS * SECONDS / 3_600
    print(f"| {CLIPS:,}, one speaker, {hours:.1f} h | {seconds:.1f} | | {parent:.0f} | {worker:.0f} | |")
    other = shutil.copytree(store, folder / "other")
    build(names, source, other, "--policy", "fear=surprise")
    return store, other


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as temporary:
        store, other = map(Path, sys.argv[1:]) if sys.argv[1:] else builds(Path(temporary))
        commands(store, other, Path(temporary))
