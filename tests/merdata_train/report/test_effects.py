"""Main effects of a factorial suite, against means that scikit-learn's scores give."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import balanced_accuracy_score

from merdata_train.report.effects import effects_grid, effects_of
from merdata_train.report.read import Entry, Matrix
from merdata_train.runs.folder import ScoredRun
from merdata_train.runs.suite import Suite

CLASSES = ("anger", "joy", "neutral")
AXES: dict[str, list[str]] = {"attention": ["none", "standard", "VGA"], "contrast": ["no MICL", "MICL"]}
SUITE = Suite.model_validate(
    {
        "name": "factorial", "title": "Factors", "metrics": ["uar"], "recipe": "-", "seeds": [0, 1],
        "axes": {factor: {level: {} for level in levels} for factor, levels in AXES.items()},
        "reference": "standard no MICL",
    }
)  # fmt: skip


def predictions(quality: float, seed: int) -> pd.DataFrame:
    """240 rows of twelve speakers, of which about a share is right."""
    random = np.random.default_rng(seed)
    gold = np.random.default_rng(9).choice(CLASSES, 240)
    said = np.where(random.random(240) < quality, gold, random.choice(CLASSES, 240))
    speakers = [f"c/{row % 12}" for row in range(240)]
    ids = [f"c/{row}" for row in range(240)]
    return pd.DataFrame(
        {"id": ids, "corpus": "c", "domain": "acted", "cluster": speakers, "label": gold, "predicted": said}
    )


def matrix() -> tuple[Matrix, dict[tuple[str, str], float]]:
    """All cells with two seeds, contrast adding a little and VGA much; and the mean UAR of each cell."""
    entries, means = [], {}
    for number, (attention, contrast) in enumerate(product(*AXES.values())):
        quality = 0.3 + 0.3 * (attention == "VGA") + 0.02 * (contrast == "MICL")
        uars = []
        for seed in (0, 1):
            rows = predictions(quality, 10 * number + seed)
            metrics = cast(Any, {"split_hash": "0" * 64, "sets": {}})
            run = ScoredRun(Path(f"{number}{seed}"), metrics, rows, [], CLASSES, rows)
            entries.append(Entry(f"{attention} {contrast}", seed, 0, "", run))
            uars.append(balanced_accuracy_score(rows["label"], rows["predicted"]))
        means[attention, contrast] = float(np.mean(uars))
    return Matrix(SUITE, entries, []), means


def test_an_effect_is_the_mean_over_the_cells_of_a_level_minus_that_of_the_reference_level() -> None:
    made, means = matrix()
    effects = {(effect.factor, effect.level): effect for effect in effects_of(made)}
    assert list(effects) == [(factor, level) for factor, levels in AXES.items() for level in levels]
    for place, (factor, reference) in enumerate({"attention": "standard", "contrast": "no MICL"}.items()):
        expected = {
            level: np.mean([uar for levels, uar in means.items() if levels[place] == level])
            for level in AXES[factor]
        }
        for level, mean in expected.items():
            effect = effects[factor, level]
            assert effect.cells == (2 if factor == "attention" else 3)
            assert effect.scores["uar"] == pytest.approx(mean)
            if level == reference:
                assert effect.against == {}
                continue
            found = effect.against["uar"]
            assert found["difference"] == pytest.approx(mean - expected[reference])
            low, high = found["interval"] or (1.0, -1.0)
            assert low < found["difference"] < high
            assert found["significant"] == (level == "VGA")
    grid = effects_grid(made, list(effects.values()))
    assert [row[:3] for row in grid.rows][:3] == [[*("attention", level, "2")] for level in AXES["attention"]]
    assert grid.rows[1][-1] == "reference"


def test_a_suite_without_all_its_cells_or_with_one_factor_has_no_main_effects() -> None:
    made, _ = matrix()
    assert effects_of(Matrix(SUITE, made.entries[:-2], [])) == []
    one = SUITE.model_copy(update={"axes": {"attention": SUITE.axes["attention"]}, "reference": None})
    entries = [Entry(entry.cell.split()[0], *list(vars(entry).values())[1:]) for entry in made.entries]
    assert effects_of(Matrix(one, entries, [])) == []
