"""What the benchmarks share: the real recordings, timing in turn, a table with the machine's name."""

from __future__ import annotations

import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from pathlib import Path

REAL = Path(__file__).parents[3] / "shared" / "data"


def real_files() -> list[Path]:
    """RAVDESS and TESS recordings.

    Raises:
        SystemExit: they are not beside the checkout.
    """
    files = sorted([*(REAL / "ravdess").rglob("*.wav"), *(REAL / "tess").rglob("*.wav")])
    if not files:
        raise SystemExit(f"this benchmark needs the recordings in {REAL}")
    return files


def in_turn(candidates: Mapping[str, Callable[[], object]], rounds: int = 5) -> dict[str, float]:
    """Median seconds of each candidate, run in turn; the first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for turn in range(rounds + 1):
        for name, work in candidates.items():
            start = time.perf_counter()
            work()
            if turn:
                seconds[name].append(time.perf_counter() - start)
    return {name: statistics.median(values) for name, values in seconds.items()}


def machine() -> str:
    """What a table was measured on."""
    return f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"


def report(title: str, medians: Mapping[str, float], base: str) -> None:
    """Print a Markdown table: median seconds, and how many times the base."""
    print(f"\n### {title}\n\n{machine()}\n")
    print("| candidate | median s | x base |\n|---|---:|---:|")
    for name, value in medians.items():
        print(f"| {name} | {value:.3f} | {value / medians[base]:.2f} |")
