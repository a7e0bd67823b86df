"""The checks that a saved run must pass before its numbers are shown.

Each check reads what was written and does not trust the code that wrote it: the weights are those of the
epoch that validation chose, no test row took part in the choice, and the labels' order is the model's.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pandas as pd

from merdata_train.errors import ProtocolError
from merdata_train.scoring.results import Epoch, Scores

SAME = 1e-9
NEAR = 0.02  # the same weights on another machine: a few rows whose two best classes tie may change
SHOWN = 3


def last_stage(history: Sequence[Epoch]) -> list[Epoch]:
    """The epochs of the last stage, whose best one a run saves; each stage counts its epochs from 0."""
    first = max(number for number, epoch in enumerate(history) if epoch["epoch"] == 0)
    return list(history[first:])


def best_epoch(history: Sequence[Epoch]) -> Epoch:
    """The epoch that selection chooses: the first of the last stage that no other is better than."""
    return max(last_stage(history), key=rank)


def rank(epoch: Epoch) -> tuple[float, float]:
    """What epochs are compared by: the value that chooses and, where it ties, the lower loss.

    Histories from before losses decided ties do not have them: there the first epoch is chosen.
    """
    return epoch["selected"], -epoch.get("selected_loss", 0.0)


def check_selected(history: Sequence[Epoch], metric: str, scored: Scores, where: object) -> None:
    """The saved weights are those of the best validation epoch.

    Args:
        history: one entry per epoch.
        metric: that of the selection.
        scored: the four metrics of the saved weights on the same validation rows.
        where: named in the error.

    Raises:
        ProtocolError: they are those of another epoch, or give other predictions than the trained ones did.
    """
    best = best_epoch(history)
    distance = _distance(best, scored)
    if distance <= SAME:
        return
    other = next((epoch for epoch in last_stage(history) if _distance(epoch, scored) <= SAME), None)
    if other is not None:
        raise ProtocolError(
            f"{where}: its weights are those of epoch {other['epoch']}, but validation {metric} chose epoch "
            f"{best['epoch']} of stage {best['stage']}: train it again with --fresh"
        )
    if distance > NEAR:
        shown = metric if metric in scored else "accuracy"
        raise ProtocolError(
            f"{where}: its weights score a validation {shown} of {scored[shown]:.4f}, the chosen epoch "
            f"{best['epoch']} had {best['validation'][shown]:.4f}: the weights, the order of the "
            "labels or the validation rows are not those of the training; train it again with --fresh"
        )


def _distance(epoch: Epoch, scored: Scores) -> float:
    return max(abs(epoch["validation"][name] - value) for name, value in scored.items())


def check_unseen(test: Collection[str], seen: Collection[str], where: object) -> None:
    """No test row is among those that the model was trained or selected on.

    Raises:
        ProtocolError: some are.
    """
    shared = sorted(set(test) & set(seen))
    if shared:
        raise ProtocolError(
            f"{where}: {len(shared)} test rows took part in training or selection "
            f"({', '.join(shared[:SHOWN])}): its test scores mean nothing; "
            "train it again on a protocol that keeps them apart"
        )


def check_labels(predictions: pd.DataFrame, classes: Sequence[str], where: object) -> None:
    """`predicted` is the class, by name, of the highest probability of its row.

    Raises:
        ProtocolError: it is not, for example because two lists of labels differ in order.
    """
    missing = [name for name in classes if f"p_{name}" not in predictions]
    if missing:
        raise ProtocolError(f"{where}: its predictions have no probability of {', '.join(missing)}")
    values = predictions[[f"p_{name}" for name in classes]].to_numpy()
    number = predictions["predicted"].map({name: position for position, name in enumerate(classes)})
    if number.isna().any():
        raise ProtocolError(
            f"{where}: it predicts {predictions['predicted'][number.isna()].iloc[0]!r}, which is not one of "
            f"its classes ({', '.join(classes)}): evaluate it again"
        )
    probability = values[np.arange(len(values)), number.to_numpy(int)]
    wrong = int((probability < values.max(axis=1)).sum())
    if wrong:
        raise ProtocolError(
            f"{where}: {wrong} of {len(values)} predicted labels are not those of the highest probability: "
            "the order of the labels was swapped; evaluate it again"
        )
