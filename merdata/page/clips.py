"""The clips that a page can play: a sample inside it, or all of them in a folder beside it."""

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
MOST_CLIPS = 2_000  # in a page; clips so short that more of them fit would tell no more


def sample_clips(
    store: Store, strata: Mapping[str, Hashable], megabytes: float = DEFAULT_MEGABYTES, seed: int = 0
) -> dict[str, str]:
    """A sample of clips, as lossless FLAC in base64, that takes turns among the strata.

    Args:
        store: where the clips are.
        strata: id -> its kind, of the rows to choose from; those whose audio is silenced are left out.
        megabytes: that the result may take in a page.
        seed: of the choice.

    Returns:
        id -> base64; fewer than fit if there are no more rows.

    Raises:
        StoreError: a shard is unreadable.
    """
    notes = store.rows(("id", "notes"))
    rows = zip(notes["id"].to_pylist(), notes["notes"].to_pylist(), strict=True)
    heard = {id: strata[id] for id, said in rows if id in strata and not is_silenced(said)}
    chosen: dict[str, str] = {}
    left = megabytes * 1e6
    with tqdm(total=int(left), desc="clips", unit="B", unit_scale=True, disable=None) as bar:
        for id, wav in read_wavs(store, _in_turn(heard, seed)[:MOST_CLIPS]):
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
