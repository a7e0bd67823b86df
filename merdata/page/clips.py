"""The clips that a page plays: a sample inside the page, or all in a folder beside it."""

from __future__ import annotations

import base64
import io
from collections.abc import Hashable, Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import soundfile
from tqdm import tqdm

from merdata.audio.clip import read_wav
from merdata.leakage.rows import silent_rows
from merdata.page.table import distinct
from merdata.store.clips import read_wavs
from merdata.store.store import Store
from merdata.utterance import SAMPLE_RATE

DEFAULT_MEGABYTES = 8.0
MOST_CLIPS = 2_000  # in a page, however short they are
FIRST = 250  # clips that are encoded before the rest: longer ones fill a page with fewer


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
    if not (megabytes and strata):
        return {}
    rows = store.rows(("id", "notes"))
    audible = rows["id"].filter(pc.invert(pa.array(silent_rows(rows["notes"])))).to_pylist()
    order = _in_turn({id: strata[id] for id in audible if id in strata}, seed)[:MOST_CLIPS]
    chosen: dict[str, str] = {}
    left = megabytes * 1e6
    with tqdm(total=int(left), desc="clips", unit="B", unit_scale=True, disable=None) as bar:
        for batch in (order[:FIRST], order[FIRST:]):
            clips = _encoded(store, batch)
            for id in batch:
                left -= len(clips[id])
                if left < 0:
                    return chosen
                chosen[id] = clips[id]
                bar.update(len(clips[id]))
    return chosen


def _encoded(store: Store, ids: Sequence[str]) -> dict[str, str]:
    """The clips of some rows, read in the order of the store, so that no part of it is read twice."""
    stored = store.ids_of(store.shards())
    in_order = stored.filter(pc.is_in(stored, pa.array(ids, pa.string()))).to_pylist()
    return {id: base64.b64encode(_flac(wav)).decode() for id, wav in read_wavs(store, in_order)}


def _in_turn(strata: Mapping[str, Hashable], seed: int) -> list[str]:
    """The ids in random order, but one of each stratum before the second of any."""
    _, kinds = distinct(list(strata.values()))
    shuffled = np.random.default_rng(seed).permutation(len(kinds))
    kind = np.array(kinds, int)[shuffled]
    order = np.argsort(kind, kind="stable")
    _, starts, sizes = np.unique(kind[order], return_index=True, return_counts=True)
    turn = np.empty(len(kind), int)
    turn[order] = np.arange(len(kind)) - np.repeat(starts, sizes)
    ids = list(strata)
    return [ids[place] for place in shuffled[np.argsort(turn, kind="stable")]]


def _flac(wav: bytes) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, read_wav(wav), SAMPLE_RATE, format="FLAC", subtype="PCM_16")
    return stream.getvalue()
