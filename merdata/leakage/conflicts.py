"""Rows that are one recording and carry different labels."""

from __future__ import annotations

from dataclasses import dataclass

from merdata.leakage.rows import Rows

EXAMPLES = 6


@dataclass(frozen=True)
class Conflicts:
    """Groups of rows with identical samples, and those among them whose labels differ.

    Attributes:
        groups: how many groups of identical audio there are.
        differing: how many of them carry different labels.
        examples: of the latter, `id (label) = id (label)`.
    """

    groups: int
    differing: int
    examples: list[str]


def conflicts(rows: Rows) -> Conflicts:
    """Over the whole store, inside and across corpora."""
    heard = rows.table.dropna(subset=["audio_sha256"])
    twins = heard[heard.duplicated("audio_sha256", keep=False)]
    groups = [group for _, group in twins.groupby("audio_sha256")]
    differing = [group for group in groups if group["label"].nunique(dropna=False) > 1]
    shown = sorted(
        " = ".join(f"{row.id} ({row.label})" for row in group.sort_values("id").itertuples())
        for group in differing
    )
    return Conflicts(len(groups), len(differing), shown[:EXAMPLES])
