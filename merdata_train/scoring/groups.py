"""Scores by gender, language and speaker: whom a model serves worse than others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd

from merdata_train.scoring.metrics import METRICS, brackets, confusions, intervals, named, scores
from merdata_train.scoring.results import Account, GroupScores, PerturbedScores

GROUPS = ("gender", "language", "speaker")
FEWEST_ROWS = 30  # a group with fewer test rows is left out: its scores would be noise


def by_group(rows: pd.DataFrame, classes: Sequence[str]) -> dict[str, dict[str, GroupScores]]:
    """Scores of each group that has enough test rows; no kind of group with fewer than two of them.

    Args:
        rows: predictions: id, corpus, label, predicted, cluster, and the columns of GROUPS.
        classes: names, in the order of the model's head.

    Returns:
        gender, language, speaker -> value -> scores. A speaker is `corpus/speaker`. Intervals resample
        clusters; for a speaker who is one cluster, they resample rows.
    """
    named_apart = rows.assign(speaker=rows["corpus"] + "/" + rows["speaker"].astype(str))
    kinds = {kind: dict(_scored(named_apart, kind, classes)) for kind in GROUPS}
    return {kind: groups for kind, groups in kinds.items() if len(groups) > 1}


def bounded(scored: GroupScores | Account | PerturbedScores) -> list[str]:
    """The metrics as text, each with its interval in brackets."""
    spans = scored["intervals"] or {}
    return [f"{scored['scores'][name]:.3f}" + brackets(spans.get(name)) for name in METRICS]


def _scored(rows: pd.DataFrame, kind: str, classes: Sequence[str]) -> Iterator[tuple[str, GroupScores]]:
    for value, own in rows.groupby(kind, sort=True):
        if len(own) < FEWEST_ROWS:
            continue
        unit = "cluster" if own["cluster"].nunique() > 1 or kind != "speaker" else "id"
        counts = confusions(own["label"].tolist(), own["predicted"].tolist(), own[unit].tolist(), classes)
        yield (
            str(value),
            {
                "n": len(own),
                "scores": named(scores(counts.sum(axis=0))),
                "intervals": intervals(counts),
            },
        )
