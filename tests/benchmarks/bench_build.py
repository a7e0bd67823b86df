"""`merdata build` as whole processes on real recordings, against a bare loop that does only the unavoidable.

.venv/bin/python tests/benchmarks/bench_build.py
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from common import REAL, in_turn, real_files, report

JOBS = 2


def bare(files: Sequence[Path], folder: str) -> None:
    """Decode, mean of the channels, soxr HQ, PCM16: nothing is checked, hashed or labelled."""
    import soundfile
    import soxr

    for number, path in enumerate(files):
        samples, rate = soundfile.read(io.BytesIO(path.read_bytes()), dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, 16_000, quality="HQ")
        soundfile.write(f"{folder}/{number}.wav", mono, 16_000, subtype="PCM_16")


def bare_in_two_processes() -> None:
    files = real_files()
    with tempfile.TemporaryDirectory() as folder, ProcessPoolExecutor(JOBS) as pool:
        parts = [Path(folder) / str(at) for at in range(JOBS)]
        for part in parts:
            part.mkdir()
        for done in [pool.submit(bare, files[at::JOBS], str(part)) for at, part in enumerate(parts)]:
            done.result()


def loop() -> None:
    subprocess.run([sys.executable, __file__, "--bare"], check=True)


def build() -> None:
    merdata = Path(sys.executable).with_name("merdata")
    with tempfile.TemporaryDirectory() as folder:
        corpora = Path(folder) / "corpora"
        corpora.mkdir()
        for corpus in ("ravdess", "tess"):
            (corpora / corpus).symlink_to(REAL / corpus)
        store = Path(folder) / "store"
        words = ["build", "--corpus", "all", "--source", corpora, "--store", store, "--jobs", str(JOBS)]
        subprocess.run([merdata, *words], check=True, stdout=subprocess.DEVNULL)


def one_ffmpeg_a_file() -> None:
    from merdata.decoders import ffmpeg_program

    program = ffmpeg_program()
    with tempfile.TemporaryDirectory() as folder:
        for number, path in enumerate(real_files()[::10]):  # a tenth: it is that slow
            target = f"{folder}/{number}.wav"
            subprocess.run(
                [program, "-v", "error", "-i", path, "-ac", "1", "-ar", "16000", target], check=True
            )


if __name__ == "__main__":
    if "--bare" in sys.argv:
        bare_in_two_processes()
    else:
        found = in_turn(
            {"merdata build": build, "bare loop": loop, "ffmpeg, a tenth of the files": one_ffmpeg_a_file}
        )
        report(f"build of {len(real_files())} recordings, {JOBS} processes", found, "bare loop")
