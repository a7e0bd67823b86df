"""Dry run of one's own corpus as large as MSP-Podcast 1.12 (207,136 rows): goal 15 s on two idle cores.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_own.py
"""

from __future__ import annotations

import csv
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from common import machine

ROWS, SPEAKERS, CLIPS = 207_136, 2_000, 80
LABELS = ("angry", "sad", "happy", "surprise", "fear", "disgust", "contempt", "neutral")
HEADER = "FileName,EmoClass,EmoAct,EmoVal,EmoDom,SpkrID,Gender,Split_Set,Transcript"


def lay_down(folder: Path) -> Path:
    """Empty files, and a table in the form of MSP-Podcast's labels."""
    chance = random.Random(0)
    (folder / "Audios").mkdir(parents=True)
    table = folder / "podcasts.csv"
    with table.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(HEADER.split(","))
        for number in range(ROWS):
            name = f"Audios/{number // CLIPS:04d}_{number % CLIPS:04d}.wav"
            (folder / name).touch()
            levels = [round(chance.uniform(1, 7), 3) for _ in range(3)]
            speaker, gender = number % SPEAKERS, ("Male", "Female")[number % 2]
            split = ("Train", "Development", "Test")[speaker % 3]
            writer.writerow(
                [name, chance.choice(LABELS), *levels, speaker, gender, split, f"Sentence {number}."]
            )
    return table


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        table = lay_down(Path(folder) / "podcasts")
        words = ["build", "--corpus", str(table), "--policy", "contempt=drop", "--dry-run", "--json"]
        start = time.perf_counter()
        command = [sys.executable, "-m", "merdata", *words]
        subprocess.run(command, check=True, capture_output=True)
        seconds = time.perf_counter() - start
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        print(f"{machine()}\ndry run of {ROWS:,} rows: {seconds:.1f} s")
        print(f"CPU seconds: {used.ru_utime + used.ru_stime:.1f}; memory: {used.ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
