"""How much disk space a build needs, estimated in advance from the sources' sizes and a few headers."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from math import isfinite
from pathlib import Path

from merdata.audio.decoders import seconds_of
from merdata.builder.task import PlannedRow, ShardTask
from merdata.errors import StoreError
from merdata.io.places import is_remote, to_read
from merdata.utterance import SAMPLE_RATE

SAMPLED = 16  # sources of each kind whose header is read
ROW_BYTES = 2_000  # metadata of a row in its shard, its journal and its ledger
MOST_GROWTH = 16  # of a clip, times the size of its source: speech coded at 16 kbit/s
BYTES_A_SECOND = 2 * SAMPLE_RATE
SizedFile = tuple[Path, int]


def check_space(store: Path, tasks: Sequence[ShardTask]) -> None:
    """Fail before the build starts if its shards will not fit.

    Raises:
        StoreError: the disk is too small; says what is needed and what is free.
    """
    if is_remote(store):
        return  # a bucket has no limit
    free = shutil.disk_usage(_existing(store)).free
    if sum(_at_most(row) for task in tasks for row in task.rows) < free:
        return  # without opening a header
    needed = bytes_needed(tasks)
    if needed > free:
        raise StoreError(
            f"the build needs about {_size(needed)} on the disk of {store}, and {_size(free)} are free: "
            "free some space, or choose another --store"
        )


def bytes_needed(tasks: Iterable[ShardTask]) -> int:
    """About how much space the shards take; those that they replace are kept until all are made."""
    sources: dict[tuple[str, str], list[SizedFile]] = {}
    rows = spans = 0
    for task in tasks:
        for row in task.rows:
            rows += 1
            if not row.stays:
                continue
            if row.utterance.end is not None:
                spans += _at_most(row)
            elif row.size and row.utterance.source:
                path = task.root / row.utterance.source
                sources.setdefault((task.corpus, path.suffix.lower()), []).append((path, row.size))
    return rows * ROW_BYTES + spans + round(sum(map(_clip_bytes, sources.values())))


def _at_most(row: PlannedRow) -> int:
    """A bound on the bytes of a row's clip: exact for a span, and else by the size of its source."""
    span = row.utterance.span
    if span and span.end is not None:
        seconds = span.end - span.start
        return round(seconds * BYTES_A_SECOND) if isfinite(seconds) and seconds > 0 else 0
    return (row.size or 0) * MOST_GROWTH


def _clip_bytes(sources: list[SizedFile]) -> float:
    """Bytes of the clips of one corpus and kind, from the seconds per byte of some of them."""
    some = sources[:: max(1, len(sources) // SAMPLED)]
    known = [(seconds, size) for path, size in some if (seconds := seconds_of(to_read(path))) is not None]
    rate = sum(seconds for seconds, _ in known) / sum(size for _, size in known) if known else 0
    return rate * BYTES_A_SECOND * sum(size for _, size in sources)


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.exists())


def _size(size: int) -> str:
    return f"{size / 1e6:,.0f} MB"
