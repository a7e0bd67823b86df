"""Groups that no split may cut (speakers, sessions, sentences), dealt out so that the parts are alike.

The best of many random deals is taken: the one whose parts are most like the corpus in gender, language and
label, have every class, and have the size that their number of groups suggests.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

CANDIDATES = 2_000
CANDIDATE_GROUPS = 4_000_000  # candidates times groups: with thousands of sentences fewer deals are enough
BALANCED = ("gender", "language", "label")

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Profile:
    """Groups of a corpus, and how many rows of each gender, language and label each one has.

    Attributes:
        groups: sorted names.
        rows: `[groups]`, rows of each.
        counts: `[groups, values]`, rows of each that have each value of gender, language and label.
        labels: number of the last columns of `counts` that are labels.
    """

    groups: tuple[str, ...]
    rows: Floats
    counts: Floats
    labels: int


def profile(rows: pd.DataFrame, group: pd.Series[str]) -> Profile:
    """The profile of rows whose groups are `group` (aligned with `rows`, without gaps)."""
    of_row, names = pd.factorize(group, sort=True)
    blocks = [_one_hot_counts(of_row, rows[name], len(names)) for name in BALANCED]
    sizes = np.bincount(of_row, minlength=len(names)).astype(float)
    return Profile(tuple(names), sizes, np.hstack(blocks), blocks[-1].shape[1])


def _one_hot_counts(of_row: Ints, values: pd.Series[str], groups: int) -> Floats:
    codes, kinds = pd.factorize(values.fillna("unknown"), sort=True)
    counts = np.zeros((groups, len(kinds)))
    np.add.at(counts, (of_row, codes), 1)
    return counts


def deal(profile: Profile, sizes: Sequence[int], key: str) -> dict[str, int]:
    """group -> number of its part, for the groups that are dealt out; the others are not in it.

    Args:
        profile: the groups.
        sizes: how many groups each part takes.
        key: names the choice (seed and corpus): the same key deals the same way.
    """
    digest = hashlib.sha256(key.encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
    groups = len(profile.groups)
    candidates = max(1, min(CANDIDATES, CANDIDATE_GROUPS // groups))
    orders = random.permuted(np.tile(np.arange(groups), (candidates, 1)), axis=1)
    bounds = np.cumsum([0, *sizes])
    parts = [orders[:, start:end] for start, end in pairwise(bounds)]
    distance = np.sum([_imbalance(profile, part) for part in parts], axis=0)
    best = int(np.argmin(distance.round(9)))  # the first of the best
    return {profile.groups[group]: number for number, part in enumerate(parts) for group in part[best]}


def _imbalance(profile: Profile, parts: Ints) -> Floats:
    """How far each part (`[candidates, groups of the part]`) is from the whole corpus.

    The distance between the values' shares, plus that between the part's size and what its number of groups
    suggests; a class that the part lacks counts as a distance of 1.
    """
    whole = profile.counts.sum(axis=0) / profile.rows.sum()
    rows = profile.rows[parts].sum(axis=1)
    counts = profile.counts[parts].sum(axis=1)
    lacking = (counts[:, -profile.labels :] == 0).sum(axis=1)
    size = rows / profile.rows.sum() - parts.shape[1] / len(profile.rows)
    distance: Floats = np.abs(counts / rows[:, None] - whole).sum(axis=1) + np.abs(size) + lacking
    return distance
