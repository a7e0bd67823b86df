"""The clips that a page plays: a sample inside the page, or all in a folder beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd
import soundfile
from tqdm import tqdm

from merdata.audio.clip import read_wav
from merdata.store.clips import read_wavs
from merdata.store.store import Store
from merdata.utterance import SAMPLE_RATE, is_silenced

DEFAULT_MEGABYTES = 8.0
MOST_CLIPS = 2_000  # in a page, however short they are


def sample_clips(
    store: Store, strata: Mapping[str, Hashable], megabytes: float = DEFAULT_MEGABYTES, seed: int = 0
) -> dict[str, str]:
    """A random sample of clips, one of each stratum in turn, as lossless FLAC in base64.

    Args:
        store: where the clips are.
        strata: id -> stratum, of the rows to choose from; rows with silenced audio are left out.
        megabytes: the most that all clips may take in a page.
        seed: of the sample.

    Returns:
        id -> base64.

    Raises:
        StoreError: a shard is unreadable.
    """
    if not megabytes:
        return {}
    notes = store.rows(("id", "notes"))
    rows = zip(notes["id"].to_pylist(), notes["notes"].to_pylist(), strict=True)
    audible = {id: strata[id] for id, own in rows if id in strata and not is_silenced(own)}
    chosen: dict[str, str] = {}
    left = megabytes * 1e6
    with tqdm(total=int(left), desc="clips", unit="B", unit_scale=True, disable=None) as bar:
        for id, wav in read_wavs(store, _in_turn(audible, seed)[:MOST_CLIPS]):
            clip = base64.b64encode(_flac(wav)).decode()
            left -= len(clip)
            if left < 0:
                break
            chosen[id] = clip
            bar.update(len(clip))
    return chosen


def _in_turn(strata: Mapping[str, Hashable], seed: int) -> list[str]:
    """The ids in random order, but one of each stratum before the second of any."""
    kinds, _ = pd.factorize(pd.Series(list(strata.values()), dtype=object))
    table = pd.DataFrame({"id": list(strata), "stratum": kinds})
    table = table.iloc[np.random.default_rng(seed).permutation(len(table))]
    turn = table.groupby("stratum").cumcount()
    return table["id"].iloc[np.argsort(turn.to_numpy(), kind="stable")].tolist()


def _flac(wav: bytes) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, read_wav(wav), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()
