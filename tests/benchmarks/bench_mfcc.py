"""MFCC-80 mean+std of real recordings, against librosa, one thread each.

.venv/bin/python tests/benchmarks/bench_mfcc.py
"""

from __future__ import annotations

import librosa
import numpy as np
import torch
from common import in_turn, real_files, report

from merdata.audio import normalise
from merdata_train.features import mfcc
from merdata_train.recipe import Mfcc

torch.set_num_threads(1)
CLIPS = [normalise(path.read_bytes()).samples.astype(np.float32) / 32_768 for path in real_files()[::4]]
CONFIG = Mfcc()


def ours() -> None:
    for clip in CLIPS:
        mfcc.mean_std(clip, CONFIG)


def theirs() -> None:
    for clip in CLIPS:
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


if __name__ == "__main__":
    report(
        f"MFCC-80 mean+std of {len(CLIPS)} recordings",
        in_turn({"merdata_train": ours, "librosa": theirs}),
        "librosa",
    )
