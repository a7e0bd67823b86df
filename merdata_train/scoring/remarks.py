"""What the model card says of scores: what tables do not show, and the ladder of perturbed test rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from typing_extensions import TypedDict

from merdata_train.scoring.coverage import on_half
from merdata_train.scoring.groups import bounded
from merdata_train.scoring.metrics import TITLES, brackets
from merdata_train.scoring.results import Difference, Scores, Step

UAR = list(TITLES).index("uar")
Facts = dict[str, Any]


class Ladder(TypedDict):
    """What the card reads of robustness.json."""

    clean: dict[str, Scores]
    steps: list[Step]


def remarks(sets: Facts) -> Iterator[str]:
    """What the tables do not show: which differences are noise, and how well probabilities are calibrated."""
    for name, account in sets.items():
        if account.get("resolvable"):
            least = account["resolvable"]["uar"]
            yield f"{name}: a difference of less than {least:.3f} in UAR is within the noise of its rows."
        if account.get("calibration"):
            calibration = account["calibration"]
            before, after = calibration["before"], calibration["after"]
            temperature = calibration["temperature"]
            yield (
                f"{name}: expected calibration error {before['ece']:.3f}, Brier score {before['brier']:.3f}; "
                f"{after['ece']:.3f} and {after['brier']:.3f} at the temperature {temperature:.2f}, fitted "
                "on validation."
            )
        if account.get("coverage"):
            half = on_half(account["coverage"])
            yield (
                f"{name}: accuracy {half['accuracy']:.3f} on the half of the rows that the model is surest "
                f"of; area under the curve of risk over coverage {account['coverage']['aurc']:.3f}."
            )


def ladders(found: Ladder, tests: Iterable[str]) -> Iterator[tuple[str, list[list[str]]]]:
    """Test set -> perturbation, level with its unit, UAR, and how far it is from the clean one."""
    for name in tests:
        if name in found["clean"] and found["steps"]:
            rows = [["none", "", f"{found['clean'][name]['uar']:.3f}", ""]]
            for step in found["steps"]:
                own = step["sets"][name]
                level = f"{step['level']} {step['unit']}"
                rows.append(
                    [step["kind"], level, bounded(own)[UAR], _difference(own["against_clean"]["uar"])]
                )
            yield name, rows


def _difference(found: Difference) -> str:
    return f"{found['difference']:+.3f}" + brackets(found["interval"], "+.3f")


def plain(scores: Facts) -> list[str]:
    return [f"{scores[name]:.3f}" if name in scores else "" for name in TITLES]
