"""MFCC-80 mean+std of real recordings, against librosa: two processes of one thread each, on two cores.

.venv/bin/python tests/benchmarks/bench_mfcc.py, after pip install librosa
"""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from functools import cache, partial

import librosa
import numpy as np
import numpy.typing as npt
import torch
from common import in_turn, real_files, report
from threadpoolctl import threadpool_limits

from merdata.audio.clip import normalise
from merdata_train.features import mfcc
from merdata_train.recipe.features import Mfcc

JOBS = 2
CONFIG = Mfcc()


@cache
def clips(part: int) -> list[npt.NDArray[np.float32]]:
    """Half of the recordings, decoded once in each process."""
    paths = real_files()[part::JOBS]
    return [normalise(path.read_bytes()).samples.astype(np.float32) / 32_768 for path in paths]


def ours(part: int) -> None:
    torch.set_num_threads(1)
    for clip in clips(part):
        mfcc.mean_std(clip, CONFIG)


def theirs(part: int) -> None:
    with threadpool_limits(1):
        for clip in clips(part):
            frames = librosa.feature.mfcc(
                y=clip,
                sr=16_000,
                n_mfcc=80,
                n_mels=128,
                n_fft=512,
                win_length=400,
                hop_length=160,
                pad_mode="constant",
            )
            np.concatenate([frames.mean(axis=1), frames.std(axis=1)])


def in_all(pools: Sequence[ProcessPoolExecutor], work: Callable[[int], None]) -> None:
    for done in [pool.submit(work, part) for part, pool in enumerate(pools)]:
        done.result()


if __name__ == "__main__":
    context = multiprocessing.get_context("spawn")
    with ExitStack() as stack:
        pools = [stack.enter_context(ProcessPoolExecutor(1, mp_context=context)) for _ in range(JOBS)]
        candidates = {
            "merdata_train": partial(in_all, pools, ours),
            "librosa": partial(in_all, pools, theirs),
        }
        found = in_turn(candidates)
    report(f"MFCC-80 mean+std of {len(real_files())} recordings, {JOBS} processes", found, "librosa")
