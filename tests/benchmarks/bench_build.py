"""`merdata build` as a whole process on real recordings, against a bare loop and other tools on the same.

`corpora` tells RAVDESS and TESS apart: rates of 48,000 and of 24,414 Hz cost a resampler very different time.
The bare loop does only the unavoidable. A tool that is not installed is left out (lhotse; torchcodec, which
datasets decodes with). Compressed files are made of the same clips with ffmpeg, once.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_build.py [wav] [corpora] [m4a] [mp4] [tenfold]
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from functools import partial
from importlib.util import find_spec
from pathlib import Path

from common import REAL, in_turn, real_files, report
from peers import JOBS, NEEDS

from merdata.audio.decoders import ffmpeg_program

HERE = Path(__file__).parent
SLOW = ("lhotse", "ffmpeg", "static_ffmpeg")  # ffmpeg: one process a file
SOME = 10  # one file in so many goes through the slow ones, and their time is multiplied
REAL_CORPORA = ("ravdess", "tess")
CODED = {
    "m4a": ["-c:a", "aac"],
    "mp4": ["-f", "lavfi", "-i", "color=black:size=64x64:rate=5", "-c:a", "aac", "-shortest"],
}


def build(corpora: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        words = ["build", "--corpus", "all", "--source", corpora, "--store", folder, "--jobs", str(JOBS)]
        merdata = Path(sys.executable).with_name("merdata")
        subprocess.run([merdata, *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def peer(name: str, files: Sequence[Path]) -> None:
    with tempfile.TemporaryDirectory() as folder, tempfile.NamedTemporaryFile("w") as paths:
        paths.write("\n".join(map(str, files)))
        paths.flush()
        command = [sys.executable, HERE / "peers.py", name, folder, paths.name]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL, cwd=folder)


def compare(title: str, corpora: Path, files: Sequence[Path], peers: Sequence[str]) -> None:
    present = [name for name in peers if find_spec(NEEDS.get(name, "merdata"))]
    candidates: dict[str, Callable[[], object]] = {"merdata build": partial(build, corpora)}
    candidates |= {name: partial(peer, name, files) for name in present if name not in SLOW}
    found = in_turn(candidates, rounds=5)
    some = files[::SOME]
    slow = in_turn({name: partial(peer, name, some) for name in present if name in SLOW}, rounds=1)
    found |= {f"{name}, 1 of {SOME} files": slow[name] * len(files) / len(some) for name in slow}
    report(f"{title}: {len(files)} files, {JOBS} processes", found, "merdata build")


def real_folders(shelf: Path, corpora: Sequence[str] = REAL_CORPORA) -> Path:
    shelf.mkdir(exist_ok=True)
    for corpus in corpora:
        (shelf / corpus).symlink_to(REAL / corpus)
    return shelf


def in_the_layout_of(corpus: str, ending: str, shelf: Path, files: Sequence[Path]) -> list[Path]:
    """Files under the names of another corpus, which has enough of them."""
    names = [line.split("\t")[0] for line in (REAL / "filelists" / f"{corpus}.tsv").read_text().splitlines()]
    names = [name for name in names if name.endswith(ending)]
    laid = [shelf / corpus / name for name in names[: len(files)]]
    for path, file in zip(laid, files, strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(file.read_bytes())
    return laid


def coded(files: Sequence[Path], kind: str, folder: Path) -> list[Path]:
    folder.mkdir()
    made = [folder / f"{number}.{kind}" for number in range(len(files))]
    for file, path in zip(files, made, strict=True):
        command = [ffmpeg_program(), "-v", "error", "-i", file, *CODED[kind], path]
        subprocess.run(command, check=True)
    return made


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["wav", "corpora", "m4a", "mp4", "tenfold"]
    everyone = ("bare", "librosa", "lhotse", "datasets", "ffmpeg", "static_ffmpeg")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in ("wav", "m4a", "mp4", "tenfold"):
            (folder / name).mkdir()
        clips = real_files()
        if "wav" in wanted:
            compare("RAVDESS and TESS", real_folders(folder / "wav"), clips, everyone)
        for corpus in REAL_CORPORA if "corpora" in wanted else ():
            own = [clip for clip in clips if REAL / corpus in clip.parents]
            compare(corpus, real_folders(folder / corpus, [corpus]), own, everyone)
        for kind in ("m4a", "mp4"):
            if kind in wanted:
                made = coded(clips[::2], kind, folder / f"coded-{kind}")
                for copies in (1, 10):
                    shelf = folder / kind / str(copies)
                    laid = in_the_layout_of("mead", ".m4a", shelf, made * copies)
                    compare(f"every second one as {kind}", shelf, laid, ("librosa", "ffmpeg"))
        if "tenfold" in wanted:
            laid = in_the_layout_of("esd", ".wav", folder / "tenfold", clips * 10)
            compare("ten copies of each", folder / "tenfold", laid, everyone)
