"""Comparison of runs on the same test rows: paired cluster bootstrap, Holm's correction over all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import pandas as pd

from merdata_train.errors import ProtocolError, RunError
from merdata_train.runs.folder import ScoredRun, evaluation_sets
from merdata_train.scoring.metrics import METRICS, confusions
from merdata_train.scoring.statistics import ALPHA, Ints, cohens_g, holm, paired

SHOWN = 3


def compare(runs: Sequence[ScoredRun]) -> dict[str, Any]:
    """Every pair of runs on every evaluation set that they share.

    Returns:
        `runs` (what each is) and `sets`: `n`, `clusters` and `pairs`, each with `one`, `other`, the effect
        size `cohens_g` and, by metric, what `paired` finds, with `p_holm` over the pairs of that metric and
        set.

    Raises:
        RunError: there are not two runs.
        ProtocolError: two runs were not scored on the same rows with the same labels.
    """
    if len({run.name for run in runs}) < max(2, len(runs)):
        raise RunError("compare needs two runs or more, each named once")
    for run in runs[1:]:
        check_same_rows(runs[0], run)
    names = [name for name, rows in evaluation_sets(runs[0].predictions) if len(rows)]
    return {"runs": [_facts(run) for run in runs], "sets": {name: _compare_on(runs, name) for name in names}}


def check_same_rows(one: ScoredRun, other: ScoredRun, test: str = "overall") -> None:
    """Both were scored on the same ids of an evaluation set, with the same gold labels.

    Raises:
        ProtocolError: they were not: a difference between them would be one of rows, not of models.
    """
    gold = [run.on(test).set_index("id")["label"] for run in (one, other)]
    alone = sorted(set(gold[0].index) ^ set(gold[1].index))
    if alone:
        raise ProtocolError(
            f"{one.name} and {other.name} were scored on different rows ({len(gold[0]):,} and "
            f"{len(gold[1]):,}; only one has {', '.join(alone[:SHOWN])}): compare runs of one protocol, "
            "fold and choice of corpora"
        )
    differ = gold[0].index[gold[0] != gold[1].reindex(gold[0].index)]
    if len(differ):
        raise ProtocolError(
            f"{one.name} and {other.name} have different gold labels for {len(differ):,} rows "
            f"({', '.join(differ[:SHOWN])}): they were made under different label policies"
        )


def _facts(run: ScoredRun) -> dict[str, Any]:
    kept = ("recipe", "protocol", "fold", "split_hash", "seed", "selection")
    return {"run": run.name} | {name: run.metrics[name] for name in kept}


def _compare_on(runs: Sequence[ScoredRun], evaluation_set: str) -> dict[str, Any]:
    tables = [run.on(evaluation_set).sort_values("id", ignore_index=True) for run in runs]
    counts = [by_cluster(rows, runs[0].classes) for rows in tables]
    pairs = []
    for one, other in combinations(range(len(runs)), 2):
        found = {"one": runs[one].name, "other": runs[other].name}
        effect = {"cohens_g": cohens_g(_discordance(tables[one], tables[other]))}
        pairs.append(found | effect | {"metrics": paired(counts[one][None], counts[other][None])})
    correct_pairs([pair["metrics"] for pair in pairs])
    return {"n": len(tables[0]), "clusters": len(counts[0]), "pairs": pairs}


def by_cluster(rows: pd.DataFrame, classes: Sequence[str]) -> Ints:
    """Confusion counts `[clusters, C, C]` of predictions, clusters in sorted order."""
    return confusions(rows["label"].tolist(), rows["predicted"].tolist(), rows["cluster"].tolist(), classes)


def correct_pairs(pairs: Sequence[dict[str, dict[str, Any]]]) -> None:
    """Add `p_holm` and `significant` to what `paired` found, over all pairs of a metric."""
    for metric in METRICS:
        tested = [pair[metric] for pair in pairs if pair[metric]["p"] is not None]
        for one, p in zip(tested, holm([one["p"] for one in tested]), strict=True):
            one |= {"p_holm": p, "significant": p < ALPHA}


def _discordance(one: pd.DataFrame, other: pd.DataFrame) -> Ints:
    right = [
        ["right" if hit else "wrong" for hit in rows["label"] == rows["predicted"]] for rows in (one, other)
    ]
    return confusions(right[0], right[1], one["cluster"].tolist(), ("right", "wrong"))
