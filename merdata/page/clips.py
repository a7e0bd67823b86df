"""The clips that a page can play: a sample inside it, or all of them in a folder beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Hashable, Sequence

import numpy as np
import pandas as pd
import soundfile
from tqdm import tqdm

from merdata.audio import read_wav
from merdata.store import Store
from merdata.utterance import SAMPLE_RATE
from merdata.wavs import read_wavs

MOST_CLIPS = 2_000  # in a page; clips so short that more of them fit would tell no more


def sample_clips(
    store: Store, ids: Sequence[str], strata: Sequence[Hashable], megabytes: float, seed: int = 0
) -> dict[str, str]:
    """A sample of clips, as lossless FLAC in base64, that takes turns among the strata.

    Args:
        store: where the clips are.
        ids: of the rows to choose from.
        strata: of each row, so that rare kinds are heard too.
        megabytes: that the result may take in a page.
        seed: of the choice.

    Returns:
        id -> base64; fewer than fit if there are no more rows.

    Raises:
        StoreError: a shard is unreadable.
    """
    chosen: dict[str, str] = {}
    left = megabytes * 1e6
    with tqdm(total=int(left), desc="clips", unit="B", unit_scale=True, disable=None) as bar:
        for id, wav in read_wavs(store, _in_turn(ids, strata, seed)[:MOST_CLIPS]):
            clip = base64.b64encode(_flac(wav)).decode()
            left -= len(clip)
            if left < 0:
                break
            chosen[id] = clip
            bar.update(len(clip))
    return chosen


def _in_turn(ids: Sequence[str], strata: Sequence[Hashable], seed: int) -> list[str]:
    """The ids in random order, but one of each stratum before the second of any."""
    table = pd.DataFrame({"id": list(ids), "stratum": pd.factorize(pd.Series(list(strata), dtype=object))[0]})
    table = table.iloc[np.random.default_rng(seed).permutation(len(table))]
    turn = table.groupby("stratum").cumcount()
    return table["id"].iloc[np.argsort(turn.to_numpy(), kind="stable")].tolist()


def _flac(wav: bytes) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, read_wav(wav), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()
