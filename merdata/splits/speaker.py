"""Speaker-disjoint splits, balanced by gender, label and language.

Speakers who share a session (the two of an IEMOCAP dialogue) stay together: a turn's answer is no test of it.
Each corpus is split by itself, from a seed of its own: adding another corpus moves none of its speakers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from merdata.splits.protocol import TEST, TRAIN, VALIDATION

RATIOS = {TRAIN: 0.8, VALIDATION: 0.1, TEST: 0.1}
FEWEST_SPEAKERS = 3
SPEAKERS_FOR_BOTH_GENDERS = 6  # from here on validation and test can hold a speaker of each gender
CANDIDATES = 2_000
BALANCED = ("gender", "language", "label")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """Speakers of a corpus and how many rows of each gender, language and label each one has.

    Attributes:
        speakers: sorted names.
        rows: `[speakers]`, rows of each.
        shares: `[speakers, values]`, rows of each that have each value of gender, language and label.
        genders: of each speaker, or None.
    """

    speakers: tuple[str, ...]
    rows: Floats
    shares: Floats
    genders: tuple[str | None, ...]


def split_speakers(rows: pa.Table, corpus: str, seed: int) -> dict[str, str] | None:
    """speaker -> split for one corpus's rows, or None where there are too few speakers for three splits.

    The best of many random assignments: the one whose validation and test rows resemble the whole corpus
    most in gender, language and label, and whose sizes are nearest to RATIOS.
    """
    profile = _profile(rows)
    if len(profile.speakers) < FEWEST_SPEAKERS:
        return None
    validation, test = _sizes(profile)
    digest = hashlib.sha256(f"{seed} {corpus}".encode()).digest()
    random = np.random.Generator(np.random.PCG64(int.from_bytes(digest[:8], "big")))
    orders = np.array([random.permutation(len(profile.speakers)) for _ in range(CANDIDATES)])
    in_test, in_validation = orders[:, :test], orders[:, test : test + validation]
    distance = _imbalance(profile, in_test) + _imbalance(profile, in_validation)
    best = int(np.argmin(distance.round(9)))  # the first of the best
    split_of = dict.fromkeys(profile.speakers, TRAIN)
    split_of |= {profile.speakers[index]: TEST for index in in_test[best]}
    split_of |= {profile.speakers[index]: VALIDATION for index in in_validation[best]}
    return split_of


def _profile(rows: pa.Table) -> Profile:
    columns = {name: rows[name].to_pylist() for name in ("speaker", *BALANCED)}
    speakers = tuple(sorted(set(columns["speaker"])))
    index = {speaker: at for at, speaker in enumerate(speakers)}
    of_row = np.array([index[speaker] for speaker in columns["speaker"]])
    blocks = [_one_hot_counts(of_row, columns[name], len(speakers)) for name in BALANCED]
    gender_of = dict(zip(columns["speaker"], columns["gender"], strict=True))
    return Profile(
        speakers,
        np.bincount(of_row, minlength=len(speakers)).astype(float),
        np.hstack(blocks),
        tuple(gender_of[speaker] for speaker in speakers),
    )


def _one_hot_counts(of_row: npt.NDArray[np.int64], values: Sequence[object], speakers: int) -> Floats:
    kinds = sorted({str(value) for value in values})
    counts = np.zeros((speakers, len(kinds)))
    columns = np.array([kinds.index(str(value)) for value in values])
    np.add.at(counts, (of_row, columns), 1)
    return counts


def _sizes(profile: Profile) -> tuple[int, int]:
    """Numbers of speakers in validation and test."""
    speakers = len(profile.speakers)
    both = speakers >= SPEAKERS_FOR_BOTH_GENDERS and len(set(profile.genders)) > 1
    fewest = 2 if both else 1
    validation, test = (max(fewest, round(RATIOS[split] * speakers)) for split in (VALIDATION, TEST))
    return validation, test


def _imbalance(profile: Profile, parts: npt.NDArray[np.int64]) -> Floats:
    """How far each part (`[candidates, speakers of the part]`) is from the whole corpus.

    The distance of the values' shares, and of the part's size from what its number of speakers suggests.
    """
    whole = profile.shares.sum(axis=0) / profile.rows.sum()
    rows = profile.rows[parts].sum(axis=1)
    shares = profile.shares[parts].sum(axis=1) / rows[:, None]
    size = rows / profile.rows.sum() - parts.shape[1] / len(profile.rows)
    distance: Floats = np.abs(shares - whole).sum(axis=1) + np.abs(size)
    return distance
