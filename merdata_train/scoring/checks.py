"""The protocol guard: what a saved run must hold before its numbers are shown.

Each check is on what was written, not on the code that should have written it: the weights are those of the
epoch that validation chose, no test row took part in the choice, and the labels' order is the model's.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from merdata_train.errors import ProtocolError

SAME = 1e-9
NEAR = 0.02  # the same weights on another machine: a few rows whose two best classes tie may turn
SHOWN = 3


def last_stage(history: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The epochs of the last stage, whose best one a run saves; each stage counts its epochs from 0."""
    first = max(at for at, epoch in enumerate(history) if epoch["epoch"] == 0)
    return list(history[first:])


def best_epoch(history: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    """The epoch that selection chooses: the first with the highest value in the last stage."""
    return max(last_stage(history), key=lambda epoch: epoch["selected"])


def check_selected(
    history: Sequence[Mapping[str, Any]], metric: str, found: Mapping[str, float], where: object
) -> None:
    """The saved weights are those of the best validation epoch.

    Args:
        history: an entry an epoch, with the four `validation` metrics and the value that was `selected` by.
        metric: that of the selection.
        found: the four metrics of the saved weights on the same validation rows.
        where: named in the error.

    Raises:
        ProtocolError: they are those of another epoch, or give other predictions than the trained ones did.
    """
    best = best_epoch(history)
    distance = _distance(best, found)
    if distance <= SAME:
        return
    other = next((one for one in last_stage(history) if _distance(one, found) <= SAME), None)
    if other is not None:
        raise ProtocolError(
            f"{where}: its weights are those of epoch {other['epoch']}, but validation {metric} chose epoch "
            f"{best['epoch']} of stage {best['stage']}: train it again with --fresh"
        )
    if distance > NEAR:
        raise ProtocolError(
            f"{where}: its weights score a validation {metric} of {found[metric]:.4f}, the chosen epoch "
            f"{best['epoch']} had {best['validation'][metric]:.4f}: the weights, the order of the "
            "labels or the validation rows are not those of the training; train it again with --fresh"
        )


def _distance(epoch: Mapping[str, Any], found: Mapping[str, float]) -> float:
    return max(abs(float(epoch["validation"][name]) - found[name]) for name in found)


def check_unseen(test: Collection[str], selection: Collection[str], where: object) -> None:
    """No test row is among those that chose the epoch.

    Raises:
        ProtocolError: some are.
    """
    shared = sorted(set(test) & set(selection))
    if shared:
        raise ProtocolError(
            f"{where}: {len(shared)} test rows took part in selection ({', '.join(shared[:SHOWN])}): "
            "its numbers say nothing; train it again on a protocol that keeps them apart"
        )


def check_labels(predictions: pd.DataFrame, classes: Sequence[str], where: object) -> None:
    """`predicted` is the class, by name, of the highest probability of its row.

    Raises:
        ProtocolError: it is not, as where one list of labels has another order than the other.
    """
    missing = [name for name in classes if f"p_{name}" not in predictions]
    if missing:
        raise ProtocolError(f"{where}: its predictions have no probability of {', '.join(missing)}")
    values = predictions[[f"p_{name}" for name in classes]].to_numpy()
    place = predictions["predicted"].map({name: at for at, name in enumerate(classes)})
    if place.isna().any():
        raise ProtocolError(
            f"{where}: it predicts {predictions['predicted'][place.isna()].iloc[0]!r}, no class"
        )
    said = values[np.arange(len(values)), place.to_numpy(int)]
    wrong = int((said < values.max(axis=1)).sum())
    if wrong:
        raise ProtocolError(
            f"{where}: {wrong} of {len(values)} predicted labels are not those of the highest probability: "
            "the order of the labels was swapped; evaluate it again"
        )
