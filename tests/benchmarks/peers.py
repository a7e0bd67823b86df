"""Other ways from the same recordings to 16 kHz mono, each as a whole process of its own.

python peers.py NAME FOLDER FILE_WITH_PATHS
"""

from __future__ import annotations

import io
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

JOBS = 2


def bare_part(files: Sequence[str], folder: str) -> None:
    """Decode, mean of the channels, soxr HQ, PCM16: nothing is checked, hashed or labelled."""
    import soundfile
    import soxr

    for number, path in enumerate(files):
        data = io.BytesIO(Path(path).read_bytes())
        samples, rate = soundfile.read(data, dtype="float32", always_2d=True)
        mono = soxr.resample(samples.mean(axis=1), rate, 16_000, quality="HQ")
        soundfile.write(f"{folder}/{number}.wav", mono, 16_000, subtype="PCM_16")


def librosa_part(files: Sequence[str], folder: str) -> None:
    import librosa
    import soundfile

    for number, path in enumerate(files):
        samples, _ = librosa.load(path, sr=16_000, mono=True)
        soundfile.write(f"{folder}/{number}.wav", samples, 16_000, subtype="PCM_16")


def in_two_processes(part: Callable[[Sequence[str], str], None], files: list[str], folder: Path) -> None:
    folders = [folder / str(at) for at in range(JOBS)]
    for one in folders:
        one.mkdir()
    with ProcessPoolExecutor(JOBS) as pool:
        started = [pool.submit(part, files[at::JOBS], str(one)) for at, one in enumerate(folders)]
        for done in started:
            done.result()


def bare(files: list[str], folder: Path) -> None:
    in_two_processes(bare_part, files, folder)


def librosa(files: list[str], folder: Path) -> None:
    in_two_processes(librosa_part, files, folder)


def ffmpeg(files: list[str], folder: Path) -> None:
    from merdata.audio.decoders import ffmpeg_program

    _each_by(ffmpeg_program(), files, folder)


def static_ffmpeg(files: list[str], folder: Path) -> None:
    from imageio_ffmpeg import get_ffmpeg_exe

    _each_by(get_ffmpeg_exe(), files, folder)


def _each_by(program: str, files: list[str], folder: Path) -> None:
    for number, path in enumerate(files):
        words = ["-v", "error", "-nostdin", "-i", path, "-ac", "1", "-ar", "16000", f"{folder}/{number}.wav"]
        subprocess.run([program, *words], check=True)


def datasets(files: list[str], folder: Path) -> None:
    from datasets import Audio, Dataset, Features

    audio = Audio(sampling_rate=16_000, num_channels=1)
    rows = Dataset.from_dict({"audio": files}).cast_column("audio", audio)
    rows = rows.map(lambda row: {"audio": row["audio"]}, features=Features({"audio": audio}))  # decodes
    rows.to_parquet(folder / "rows.parquet")


def lhotse(files: list[str], folder: Path) -> None:
    from lhotse import CutSet, Recording, RecordingSet

    recordings = RecordingSet.from_recordings(
        Recording.from_file(path, recording_id=str(number)) for number, path in enumerate(files)
    )
    cuts = CutSet.from_manifests(recordings=recordings.resample(16_000)).to_eager()
    cuts.save_audios(folder, num_jobs=JOBS, format="wav", progress_bar=False)


PEERS = {one.__name__: one for one in (bare, librosa, ffmpeg, static_ffmpeg, datasets, lhotse)}
NEEDS = {
    "datasets": "torchcodec",
    "static_ffmpeg": "imageio_ffmpeg",
    "lhotse": "lhotse",
    "librosa": "librosa",
}

if __name__ == "__main__":
    name, where, paths = sys.argv[1:]
    PEERS[name](Path(paths).read_text().splitlines(), Path(where))
