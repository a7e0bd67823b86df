"""Recordings that are in the store twice: at another level, cut, resampled or coded again.

Clips whose fingerprints agree exactly in a few frames at one offset are compared bit by bit there. Only runs
of equal frames are looked at, so the cost grows with the number of clips, not with that of their pairs.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from merdata.engine.pool import run_tasks
from merdata.errors import StoreError
from merdata.io.files import write_atomically
from merdata.io.places import in_one_process, to_read
from merdata.leakage.fingerprint import VERSION, Bits, bit_error, fingerprint
from merdata.leakage.rows import Property, Rows
from merdata.store.store import Store, read_audio
from merdata.utterance import SAMPLE_RATE

MOST_DIFFERENT = 0.15  # copies differ in up to 0.07 of the bits, other clips of a sentence in 0.21 and more
FEWEST_FRAMES = 30  # of sound that both have, besides the first 0.37 s
FEWEST_AGREEING = 3  # equal frames at one offset, to be compared at all
SHARE = 0.5  # of the shorter clip's sound that both must have
NEIGHBOURS = 20  # of equal frames in the sorted index; what is more common than that tells nothing
FRAMES_AT_ONCE = 500_000  # that are sorted and compared, so that memory does not grow with the hours
SCHEMA = pa.schema({"id": pa.string(), "bits": pa.binary(), "loud": pa.binary()})


Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Copy:
    """Two rows that hold one recording; `error` is the share of bits in which their fingerprints differ."""

    one: str
    other: str
    error: float


@dataclass(frozen=True)
class Task:
    """The fingerprints of one shard to compute."""

    shard: Path
    target: Path


@dataclass(frozen=True)
class Clip:
    """The fingerprint of a row: bits and whether there is sound, a value a frame."""

    row: int
    bits: Bits
    loud: npt.NDArray[np.bool_]


def near_copies(store: Store, rows: Rows, jobs: int | None, *, progress: bool) -> list[Copy]:
    """Pairs of rows that are copies without being the same samples; adds `near audio` to what rows share.

    Fingerprints are computed once and kept in the store's .cache folder.

    Raises:
        StoreError: the store cannot be read.
    """
    clips = list(_clips(store, rows, jobs, progress=progress))
    pairs = [(clip.row, other.row, error) for clip, other, error in same_recordings(clips)]
    rows.shared["near audio"] = _grouped(
        rows, np.array([pair[:2] for pair in pairs], np.int64).reshape(-1, 2)
    )
    copies = [_copy(str(rows.ids[row]), str(rows.ids[other]), error) for row, other, error in pairs]
    return sorted(copies, key=lambda copy: (copy.one, copy.other))


def _copy(id: str, other: str, error: float) -> Copy:
    return Copy(min(id, other), max(id, other), round(error, 4))


def same_recordings(clips: list[Clip]) -> Iterator[tuple[Clip, Clip, float]]:
    """Pairs of clips that are one recording, and how much of their bits differ."""
    best: dict[tuple[int, int], float] = {}
    for clip, other, offset in _candidates(clips):
        error = min(_difference(clips[clip], clips[other], offset + step) for step in (-1, 0, 1))
        best[clip, other] = min(error, best.get((clip, other), 1.0))
    for (clip, other), error in best.items():
        if error <= MOST_DIFFERENT:
            yield clips[clip], clips[other], error


def _candidates(clips: list[Clip]) -> Iterator[tuple[int, int, int]]:
    """Pairs of clips (by place) and the offset in frames at which several of their frames agree exactly."""
    lengths = np.array([len(clip.bits) for clip in clips], np.int64)
    if not lengths.sum():
        return
    values, loud = (np.concatenate([getattr(clip, name) for clip in clips]) for name in ("bits", "loud"))
    starts, longest = np.cumsum(lengths) - lengths, int(lengths.max())
    parts = 1 + int(loud.sum()) // FRAMES_AT_ONCE
    votes, counts = [], []
    for part in range(parts):
        frames = np.flatnonzero(loud & (values % parts == part))
        key, count = _agreeing(values, frames, starts, longest)
        votes.append(key)
        counts.append(count)
    key, place = np.unique(np.concatenate(votes), return_inverse=True)
    enough = key[np.bincount(place, np.concatenate(counts)) >= FEWEST_AGREEING]
    pair, offset = np.divmod(enough, 2 * longest)
    for clip, other, shift in zip(*np.divmod(pair, len(clips)), offset - longest, strict=True):
        yield int(clip), int(other), int(shift)


def _agreeing(values: Bits, frames: Ints, starts: Ints, longest: int) -> tuple[Ints, Ints]:
    """Pairs of clips and an offset, as one number, and how many of some frames agree exactly there."""
    frames = frames[np.argsort(values[frames], kind="stable")]
    value, clip = values[frames], np.searchsorted(starts, frames, side="right") - 1
    at = frames - starts[clip]
    keys = []
    for step in range(1, NEIGHBOURS + 1):
        first = np.flatnonzero((value[:-step] == value[step:]) & (clip[:-step] != clip[step:]))
        pair = clip[first] * len(starts) + clip[first + step]
        keys.append(pair * (2 * longest) + at[first] - at[first + step] + longest)
    return np.unique(np.concatenate(keys), return_counts=True)


def _difference(clip: Clip, other: Clip, offset: int) -> float:
    """Share of different bits if frame `n + offset` of a clip is frame `n` of the other; 1 if too short."""
    first, second = max(offset, 0), max(-offset, 0)
    length = min(len(clip.bits) - first, len(other.bits) - second)
    if length < FEWEST_FRAMES:
        return 1.0
    here, there = slice(first, first + length), slice(second, second + length)
    both = clip.loud[here] & other.loud[there]
    if both.sum() < max(FEWEST_FRAMES, SHARE * min(clip.loud.sum(), other.loud.sum())):
        return 1.0
    return bit_error(clip.bits[here][both], other.bits[there][both])


def _grouped(rows: Rows, pairs: Ints) -> Property:
    """Rows that are one recording share a code: identical samples, and the pairs `[n, 2]` found."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    audio, size = rows.shared["audio"].codes, len(rows.ids)
    _, first, twin_of = np.unique(audio, return_index=True, return_inverse=True)
    twins = np.stack([np.arange(size), first[twin_of]], axis=1)[audio >= 0]
    row, other = np.concatenate([twins, pairs]).T
    links = coo_array((np.ones(len(row)), (row, other)), (size, size))
    _, codes = connected_components(links, directed=False)
    _, named_by = np.unique(codes, return_index=True)
    names = rows.ids.take(pa.array(named_by)).to_numpy(zero_copy_only=False)
    return Property(np.where(audio >= 0, codes, -1), names)


def _clips(store: Store, rows: Rows, jobs: int | None, *, progress: bool) -> Iterator[Clip]:
    """The fingerprint of each recording, once where several rows have the same samples."""
    row_of = {id: row for row, id in enumerate(rows.ids.to_pylist())}
    audio, seen = rows.shared["audio"].codes, {-1}  # of silence, too
    tasks = [Task(shard.path, _target(store, shard.sha256)) for shard in store.shards()]
    bar = "fingerprints" if progress else None
    jobs = 0 if in_one_process(store.path) else jobs
    for table in run_tasks(fingerprints_of, tasks, jobs=jobs, progress=bar, unit="shards"):
        for cells in table.to_pylist():
            row = row_of[cells["id"]]
            if audio[row] not in seen:
                seen.add(audio[row])
                yield Clip(row, np.frombuffer(cells["bits"], np.uint32), np.frombuffer(cells["loud"], bool))


def fingerprints_of(task: Task) -> pa.Table:
    """The fingerprints of a shard, from its cache file, which is written where the store can be."""
    try:
        return pq.read_table(to_read(task.target, small=True))
    except (OSError, pa.ArrowInvalid):
        pass
    rows = []
    for id, samples in read_audio(task.shard):
        bits, loud = fingerprint(samples, SAMPLE_RATE)
        rows.append({"id": id, "bits": bits.tobytes(), "loud": loud.tobytes()})
    table = pa.Table.from_pylist(rows, SCHEMA)
    try:
        with write_atomically(task.target) as temporary:
            pq.write_table(table, temporary)
    except StoreError:  # a store to read only: the next audit computes them again
        pass
    return table


def _target(store: Store, shard: str) -> Path:
    key = hashlib.sha256(f"{VERSION} {shard}".encode()).hexdigest()
    return store.path / ".cache" / "fingerprints" / f"{key}.parquet"
