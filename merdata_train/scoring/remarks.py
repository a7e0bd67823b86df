"""What the model card says of scores: what tables do not show, and the ladder of perturbed test rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from typing_extensions import TypedDict

from merdata_train.scoring.coverage import on_half
from merdata_train.scoring.groups import bounded
from merdata_train.scoring.metrics import TITLES, brackets
from merdata_train.scoring.results import Difference, Scores, SetAccount, Step

UAR = list(TITLES).index("uar")


class Ladder(TypedDict):
    """What the card reads of robustness.json."""

    clean: dict[str, Scores]
    steps: list[Step]


def remarks(sets: Mapping[str, SetAccount]) -> Iterator[str]:
    """What the tables do not show: which differences are noise, and how well probabilities are calibrated."""
    for name, account in sets.items():
        if account["resolvable"]:
            least = account["resolvable"]["uar"]
            yield f"{name}: a difference of less than {least:.3f} in UAR is within the noise of its rows."
        calibration = account["calibration"]
        before, after = calibration["before"], calibration["after"]
        yield (
            f"{name}: expected calibration error {before['ece']:.3f}, Brier score {before['brier']:.3f}; "
            f"{after['ece']:.3f} and {after['brier']:.3f} at the temperature "
            f"{calibration['temperature']:.2f}, fitted on validation."
        )
        if "coverage" in account:
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


def plain(scores: Scores) -> list[str]:
    return [f"{scores[name]:.3f}" if name in scores else "" for name in TITLES]
