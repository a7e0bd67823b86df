"""Losses and weights: each is its formula, and what counts is what is drawn."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from merdata_train.data.samplers import expected_draws
from merdata_train.recipe.data import Sampler
from merdata_train.recipe.loss import CrossEntropy, Focal, LogitAdjusted
from merdata_train.recipe.recipe import load_recipe
from merdata_train.training.fit import fit
from merdata_train.training.losses import WeightedLoss, class_prior, row_weights
from tests.merdata_train.conftest import CLASSES, SMALL, make_examples

ROWS = pd.DataFrame(
    [("meld", "neutral")] * 470
    + [("meld", "joy")] * 170
    + [("meld", "disgust")] * 3
    + [("tess", "neutral")] * 40
    + [("tess", "joy")] * 40
    + [("tess", "disgust")] * 40,
    columns=["corpus", "label"],
).assign(domain=lambda rows: rows["corpus"].map({"meld": "conversational", "tess": "acted"}))
EVERY_ROW = expected_draws(ROWS, None)


def counted(rows: pd.DataFrame, draws: pd.Series[float], kind: str) -> pd.Series[float]:
    """(corpus, label) -> share of the weighted draws of its corpus."""
    shares = (draws * row_weights(rows, draws, kind)).groupby([rows["corpus"], rows["label"]]).sum()
    return shares / shares.groupby("corpus").transform("sum")


def test_balanced_weights_are_scikit_learns() -> None:
    labels = ROWS["label"].to_numpy()
    classes = np.unique(labels)
    expected = dict(zip(classes, compute_class_weight("balanced", classes=classes, y=labels), strict=True))
    assert row_weights(ROWS, EVERY_ROW, "balanced").to_numpy() == pytest.approx(
        [expected[la] for la in labels]
    )


def test_balanced_by_corpus_counts_every_class_of_every_corpus_evenly() -> None:
    shares = counted(ROWS, EVERY_ROW, "balanced_by_corpus")
    assert shares["tess"].to_numpy() == pytest.approx(np.full(3, 1 / 3))
    assert shares["meld", "joy"] == pytest.approx(shares["meld", "neutral"])
    # Three rows among 643 are below the floor of a tenth of an even share.
    assert shares["meld", "disgust"] == pytest.approx(3 / (643 / 30) / (2 + 3 / (643 / 30)))


def test_corpora_keep_their_sizes_under_balanced_by_corpus() -> None:
    weights = row_weights(ROWS, EVERY_ROW, "balanced_by_corpus").groupby(ROWS["corpus"]).sum()
    assert weights["tess"] == pytest.approx(120)
    assert weights["meld"] == pytest.approx(643, rel=0.3)


@pytest.mark.parametrize("kind", ["balanced", "balanced_by_corpus"])
def test_weights_follow_what_is_drawn(kind: str) -> None:
    """Even draws need no weights: nothing is corrected twice."""
    even = ROWS[ROWS["corpus"] == "tess"]
    sampler = Sampler.model_validate({"balance": {"corpus": 1, "class": 1}})
    assert row_weights(even, expected_draws(even, sampler), kind).to_numpy() == pytest.approx(np.ones(120))
    uneven = ROWS[(ROWS["corpus"] == "meld") & (ROWS["label"] != "disgust")]
    assert row_weights(uneven, expected_draws(uneven, sampler), kind).to_numpy() == pytest.approx(
        np.ones(640)
    )
    assert row_weights(uneven, expected_draws(uneven, None), kind).std() > 0.5


def test_rows_that_are_never_drawn_weigh_nothing() -> None:
    draws = expected_draws(ROWS, Sampler(mix={"tess": 1}))
    for kind in ("balanced", "balanced_by_corpus", "effective_number"):
        weights = row_weights(ROWS, draws, kind)
        assert np.isfinite(weights).all(), kind
        assert counted(ROWS, draws, kind)["tess"].to_numpy() == pytest.approx(np.full(3, 1 / 3)), kind


def test_effective_numbers_are_those_of_cui() -> None:
    weights = row_weights(ROWS, EVERY_ROW, "effective_number")
    sizes = ROWS["label"].map(ROWS["label"].value_counts())
    expected = (1 - 0.999) / (1 - 0.999**sizes)
    assert (weights / expected).to_numpy() == pytest.approx(np.full(len(ROWS), weights[0] / expected[0]))
    assert weights.mean() == pytest.approx(1)


LOGITS = torch.randn(6, 3, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2])
WEIGHTS = torch.tensor([1.0, 2.0, 3.0, 1.0, 0.5, 0.0])
PRIOR = torch.tensor([0.7, 0.2, 0.1])


def test_label_smoothing_is_not_weighted_by_class() -> None:
    loss = WeightedLoss(CrossEntropy(label_smoothing=0.1), PRIOR)(LOGITS, LABELS, WEIGHTS)
    log = LOGITS.log_softmax(dim=-1)
    rows = -(0.9 * log[range(6), LABELS] + 0.1 * log.mean(dim=-1))
    assert loss.item() == pytest.approx(float((WEIGHTS * rows).sum() / WEIGHTS.sum()))


def test_focal_loss_is_its_formula() -> None:
    config = Focal(kind="focal", gamma=2.0, label_smoothing=0)
    log = LOGITS.log_softmax(dim=-1)[range(6), LABELS]
    expected = -((1 - log.exp()) ** 2 * log).mean()
    assert WeightedLoss(config, PRIOR)(LOGITS, LABELS, torch.ones(6)).item() == pytest.approx(expected.item())


def test_logit_adjustment_is_its_formula() -> None:
    config = LogitAdjusted(kind="logit_adjusted", tau=1.5, label_smoothing=0)
    adjusted = (LOGITS + 1.5 * PRIOR.log()).log_softmax(dim=-1)[range(6), LABELS]
    loss = WeightedLoss(config, PRIOR)(LOGITS, LABELS, torch.ones(6))
    assert loss.item() == pytest.approx(-adjusted.mean().item())


def test_the_prior_is_that_of_the_draws_and_never_0() -> None:
    sampler = Sampler.model_validate({"balance": {"corpus": 1, "class": 1}})
    tess = ROWS[ROWS["corpus"] == "tess"]
    prior = class_prior(tess, expected_draws(tess, sampler), ("neutral", "joy", "disgust", "fear"))
    assert prior.tolist() == pytest.approx([1 / 3, 1 / 3, 1 / 3, 1 / 120])


@pytest.mark.parametrize(
    "line",
    [
        "loss={kind: focal, gamma: 2.0}",
        "loss={kind: logit_adjusted}",
        "loss.class_weights=effective_number",
        "loss.class_weights=balanced",
    ],
)
def test_each_is_one_line_of_a_recipe(line: str) -> None:
    recipe = load_recipe("source0/A1", [*SMALL, "stages.0.epochs=6", line])
    model, history = fit(recipe, make_examples(), make_examples(60, "validation", 1))
    assert max(epoch["selected"] for epoch in history) > 0.6
    assert model.classes == list(CLASSES)
