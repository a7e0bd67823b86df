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
from merdata.leakage.fingerprint import VERSION, bit_error, fingerprint
from merdata.leakage.rows import Property, Rows
from merdata.store.store import Store, read_audio
from merdata.utterance import SAMPLE_RATE

MOST_DIFFERENT = 0.15  # copies differ in up to 0.07 of the bits, other clips of a sentence in 0.21 and more
FEWEST_FRAMES = 30  # of sound that both have, besides the first 0.37 s
FEWEST_AGREEING = 3  # equal frames at one offset, to be compared at all
SHARE = 0.5  # of the shorter clip's sound that both must have
NEIGHBOURS = 20  # of equal frames in the sorted index; what is more common than that tells nothing
SCHEMA = pa.schema({"id": pa.string(), "bits": pa.binary(), "loud": pa.binary()})


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
    bits: npt.NDArray[np.uint32]
    loud: npt.NDArray[np.bool_]


def near_copies(store: Store, rows: Rows, jobs: int | None, *, progress: bool) -> list[Copy]:
    """Pairs of rows that are copies without being the same samples; adds the property `near audio`.

    Fingerprints are computed once and kept in the store's .cache folder.

    Raises:
        StoreError: the store cannot be read.
    """
    clips = list(_clips(store, rows, jobs, progress=progress))
    audio = rows.properties["audio"].codes
    pairs = [(one.row, other.row, error) for one, other, error in same_recordings(clips)]
    rows.properties["near audio"] = _grouped(rows, [(one, other) for one, other, _ in pairs])
    ids = rows.table["id"].to_numpy(object)
    different = [(one, other, error) for one, other, error in pairs if audio[one] != audio[other]]
    return sorted(
        (
            Copy(min(ids[one], ids[other]), max(ids[one], ids[other]), round(error, 4))
            for one, other, error in different
        ),
        key=lambda copy: (copy.one, copy.other),
    )


def same_recordings(clips: list[Clip]) -> Iterator[tuple[Clip, Clip, float]]:
    """Pairs of clips that are one recording, and how much of their bits differ."""
    best: dict[tuple[int, int], float] = {}
    for one, other, offset in _candidates(clips):
        error = min(_difference(clips[one], clips[other], offset + step) for step in (-1, 0, 1))
        best[one, other] = min(error, best.get((one, other), 1.0))
    yield from (
        (clips[one], clips[other], error) for (one, other), error in best.items() if error <= MOST_DIFFERENT
    )


def _candidates(clips: list[Clip]) -> Iterator[tuple[int, int, int]]:
    """Pairs of clips (by place) and the offset in frames at which several of their frames agree exactly."""
    sound = [np.flatnonzero(clip.loud) for clip in clips]
    if not sum(map(len, sound)):
        return
    value = np.concatenate([clip.bits[at] for clip, at in zip(clips, sound, strict=True)])
    of = np.repeat(np.arange(len(clips)), [len(at) for at in sound])
    frame = np.concatenate(sound)
    order = np.argsort(value, kind="stable")
    value, of, frame = value[order], of[order], frame[order]
    found = []
    for step in range(1, NEIGHBOURS + 1):
        agree = np.flatnonzero((value[:-step] == value[step:]) & (of[:-step] != of[step:]))
        found.append(np.stack([of[agree], of[agree + step], frame[agree] - frame[agree + step]], axis=1))
    votes, counts = np.unique(np.concatenate(found), axis=0, return_counts=True)
    for one, other, offset in votes[counts >= FEWEST_AGREEING]:
        yield int(one), int(other), int(offset)


def _difference(one: Clip, other: Clip, offset: int) -> float:
    """Share of different bits where frame `at + offset` of one is frame `at` of the other; 1 if too short."""
    first, second = max(offset, 0), max(-offset, 0)
    length = min(len(one.bits) - first, len(other.bits) - second)
    if length < FEWEST_FRAMES:
        return 1.0
    here, there = slice(first, first + length), slice(second, second + length)
    both = one.loud[here] & other.loud[there]
    if both.sum() < max(FEWEST_FRAMES, SHARE * min(one.loud.sum(), other.loud.sum())):
        return 1.0
    return bit_error(one.bits[here][both], other.bits[there][both])


def _grouped(rows: Rows, pairs: list[tuple[int, int]]) -> Property:
    """Rows that are one recording share a code: identical samples, and the pairs found."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    audio, size = rows.properties["audio"].codes, len(rows.table)
    _, first, twin_of = np.unique(audio, return_index=True, return_inverse=True)
    twins = np.stack([np.arange(size), first[twin_of]], axis=1)[audio >= 0]
    one, other = np.concatenate([twins, np.array(pairs, np.int64).reshape(-1, 2)]).T
    _, codes = connected_components(
        coo_array((np.ones(len(one)), (one, other)), (size, size)), directed=False
    )
    ids = rows.table["id"].groupby(codes).first()
    return Property(np.where(audio >= 0, codes, -1), ids.tolist())


def _clips(store: Store, rows: Rows, jobs: int | None, *, progress: bool) -> Iterator[Clip]:
    row_of = dict(zip(rows.table["id"], range(len(rows.table)), strict=True))
    silent = rows.table["silent"].to_numpy(bool)
    tasks = [Task(shard.path, _target(store, shard.sha256)) for shard in store.shards()]
    bar = "fingerprints" if progress else None
    jobs = 0 if in_one_process(store.path) else jobs
    for table in run_tasks(fingerprints_of, tasks, jobs=jobs, progress=bar, unit="shards"):
        for row in table.to_pylist():
            at = row_of[row["id"]]
            if not silent[at]:
                bits, loud = np.frombuffer(row["bits"], np.uint32), np.frombuffer(row["loud"], bool)
                yield Clip(at, bits, loud)


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
