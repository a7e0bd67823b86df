"""Comparison of runs on the same test rows: paired cluster bootstrap, Holm's correction over all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from pathlib import Path

import pandas as pd

from merdata_train.errors import ProtocolError, RunError
from merdata_train.runs.folder import ScoredRun, evaluation_sets, load_scored
from merdata_train.scoring.metrics import METRICS, confusions
from merdata_train.scoring.results import ComparedSet, Comparison, Differences, Pair, RunFacts
from merdata_train.scoring.statistics import ALPHA, Ints, cohens_g, holm, paired
from merdata_train.scoring.units import by_unit, units_of

SHOWN = 3


def compare(runs: Sequence[ScoredRun | Path | str]) -> Comparison:
    """Every pair of runs on every evaluation set that they share.

    Args:
        runs: folders of evaluated runs, or runs that `load_scored` read.

    Returns:
        What each run is, and for each evaluation set `n`, `clusters` and the `pairs`; `p_holm` is Holm's
        correction over the pairs of one metric and set.

    Raises:
        RunError: there are fewer than two runs, or a folder does not hold an evaluated run.
        ProtocolError: two runs were not scored on the same rows with the same labels.
    """
    scored = [run if isinstance(run, ScoredRun) else load_scored(Path(run)) for run in runs]
    if len({run.name for run in scored}) < max(2, len(scored)):
        raise RunError("compare needs two runs or more, each named once")
    for run in scored[1:]:
        check_same_rows(scored[0], run)
    names = [name for name, rows in evaluation_sets(scored[0].predictions) if len(rows)]
    return {
        "runs": [_facts(run) for run in scored],
        "sets": {name: _compare_on(scored, name) for name in names},
    }


def check_same_rows(first: ScoredRun, second: ScoredRun, test: str = "overall") -> None:
    """Both were scored on the same ids of an evaluation set, with the same gold labels.

    Raises:
        ProtocolError: they were not: a difference between them would be one of rows, not of models.
    """
    gold = [run.on(test).set_index("id")["label"] for run in (first, second)]
    alone = sorted(set(gold[0].index) ^ set(gold[1].index))
    if alone:
        raise ProtocolError(
            f"{first.name} and {second.name} were scored on different rows ({len(gold[0]):,} and "
            f"{len(gold[1]):,}; only one has {', '.join(alone[:SHOWN])}): compare runs of one protocol, "
            "fold and choice of corpora"
        )
    differ = gold[0].index[gold[0] != gold[1].reindex(gold[0].index)]
    if len(differ):
        raise ProtocolError(
            f"{first.name} and {second.name} have different gold labels for {len(differ):,} rows "
            f"({', '.join(differ[:SHOWN])}): their stores were built with different label policies"
        )


def _facts(run: ScoredRun) -> RunFacts:
    metrics = run.metrics
    return {
        "run": run.name,
        "recipe": metrics["recipe"],
        "protocol": metrics["protocol"],
        "fold": metrics["fold"],
        "fold_name": metrics["fold_name"],
        "split_hash": metrics["split_hash"],
        "seed": metrics["seed"],
        "selection": metrics["selection"],
    }


def _compare_on(runs: Sequence[ScoredRun], evaluation_set: str) -> ComparedSet:
    tables = [run.on(evaluation_set).sort_values("id", ignore_index=True) for run in runs]
    counts = [by_unit(rows, runs[0].classes) for rows in tables]
    pairs: list[Pair] = [
        {
            "one": runs[first].name,
            "other": runs[second].name,
            "cohens_g": cohens_g(_discordance(tables[first], tables[second])),
            "metrics": paired(counts[first][None], counts[second][None]),
        }
        for first, second in combinations(range(len(runs)), 2)
    ]
    correct_pairs([pair["metrics"] for pair in pairs])
    return {"n": len(tables[0]), "clusters": len(counts[0]), "pairs": pairs}


def correct_pairs(pairs: Sequence[Differences]) -> None:
    """Add `p_holm` and `significant` to the result of `paired`, over all pairs of a metric."""
    for metric in METRICS:
        tested = {number: pair[metric]["p"] for number, pair in enumerate(pairs)}
        known = {number: p for number, p in tested.items() if p is not None}
        for number, p in zip(known, holm(list(known.values())), strict=True):
            pairs[number][metric]["p_holm"] = p
            pairs[number][metric]["significant"] = p < ALPHA


def _discordance(first: pd.DataFrame, second: pd.DataFrame) -> Ints:
    right = [
        ["right" if hit else "wrong" for hit in rows["label"] == rows["predicted"]]
        for rows in (first, second)
    ]
    return confusions(right[0], right[1], units_of(first).tolist(), ("right", "wrong"))
