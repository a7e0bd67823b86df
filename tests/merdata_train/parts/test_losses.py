"""Auxiliary losses: each equals a few lines of numpy written from its formula."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from merdata_train.parts.auxiliaries import AUXILIARIES
from merdata_train.parts.auxiliary import Read, Widths
from merdata_train.parts.heads import Discriminator, Projector
from merdata_train.parts.losses.contrastive import InfoNceTerm, SupConTerm
from merdata_train.parts.losses.domain import CoralTerm, DannTerm, MmdTerm
from merdata_train.parts.losses.vad import Vad, VadTerm

RANDOM = np.random.default_rng(0)
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 0, 3])
SOURCE, TARGET = RANDOM.normal(size=(7, 4)), RANDOM.normal(size=(5, 4)) + 0.5
MIXED = {"is_target": torch.tensor([False] * 7 + [True] * 5), "labels": torch.tensor([0] * 7 + [-100] * 5)}


def unit(*shape: int) -> np.ndarray:
    values = RANDOM.normal(size=shape)
    return values / np.linalg.norm(values, axis=-1, keepdims=True)


def both_domains(*, gradients: bool = False) -> Tensor:
    return torch.tensor(np.concatenate([SOURCE, TARGET]), dtype=torch.float32, requires_grad=gradients)


def test_infonce_is_its_formula_in_both_directions() -> None:
    text, audio = unit(6, 5), unit(6, 5)
    scores = np.exp(text @ audio.T / 0.07)
    there = -np.log(np.diag(scores) / scores.sum(axis=1)).mean()
    back = -np.log(np.diag(scores) / scores.sum(axis=0)).mean()
    read = torch.tensor(np.stack([text, audio], axis=1), dtype=torch.float32)
    lacking = torch.cat([read, torch.zeros(1, 2, 5)])  # a row without the modalities does not count
    for rows in (read, lacking):
        loss = InfoNceTerm(0.07)(rows, {"labels": torch.zeros(len(rows), dtype=torch.long)})
        assert loss.item() == pytest.approx((there + back) / 2, rel=1e-4)


def test_supcon_is_the_outer_form_and_leaves_out_anchors_without_positives() -> None:
    views = unit(8, 5)
    scores = views @ views.T / 0.1
    losses = []
    for anchor in range(8):
        others = [row for row in range(8) if row != anchor]
        positives = [row for row in others if LABELS[row] == LABELS[anchor]]
        if positives:
            total = np.log(np.exp(scores[anchor, others]).sum())
            losses.append(-np.mean([scores[anchor, row] - total for row in positives]))
    assert len(losses) == 7
    loss = SupConTerm(0.1)(torch.tensor(views, dtype=torch.float32)[:, None], {"labels": LABELS})
    assert loss.item() == pytest.approx(np.mean(losses), rel=1e-4)


@pytest.mark.parametrize("bandwidth", ["mean", "median"])
def test_mmd_is_that_of_five_kernels(bandwidth: str) -> None:
    rows = np.concatenate([SOURCE, TARGET])
    squared = ((rows[:, None] - rows[None]) ** 2).sum(-1)
    others = squared[~np.eye(12, dtype=bool)]
    scale = others.mean() if bandwidth == "mean" else np.sort(others)[(len(others) - 1) // 2]
    kernel = sum(np.exp(-squared / (scale * 2.0**power)) for power in (-2, -1, 0, 1, 2))
    expected = kernel[:7, :7].mean() + kernel[7:, 7:].mean() - 2 * kernel[:7, 7:].mean()
    read = both_domains(gradients=True)
    loss = MmdTerm(bandwidth)(read, MIXED)  # type: ignore[arg-type]
    assert loss.item() == pytest.approx(expected, rel=1e-4)
    loss.backward()
    assert read.grad is not None and read.grad[7:].any(dim=1).all()  # the target moves too


def test_coral_is_the_distance_of_covariances() -> None:
    apart = np.cov(SOURCE.T) - np.cov(TARGET.T)
    read = both_domains(gradients=True)
    loss = CoralTerm()(read, MIXED)
    assert loss.item() == pytest.approx((apart**2).sum() / (4 * 4**2), rel=1e-4)
    loss.backward()
    assert read.grad is not None and read.grad[7:].any()


def test_dann_sums_the_means_of_both_domains() -> None:
    logits = RANDOM.normal(size=12)
    expected = np.log1p(np.exp(logits[:7])).mean() + np.log1p(np.exp(-logits[7:])).mean()
    assert DannTerm()(torch.tensor(logits), MIXED).item() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("progress", [0.0, 0.25, 1.0])
def test_the_gradient_is_reversed_as_far_as_the_stage_is(progress: float) -> None:
    torch.manual_seed(0)
    head = Discriminator(4, (8,), 0.0, gamma=10.0)
    fused = torch.randn(6, 4, requires_grad=True)
    head(Read(fused, {}, {}, {}, progress)).sum().backward()
    assert fused.grad is not None
    reversed_, fused.grad = fused.grad.clone(), None
    head.layers(fused).sum().backward()
    factor = 2 / (1 + math.exp(-10 * progress)) - 1
    assert torch.allclose(reversed_, -factor * fused.grad, atol=1e-6)
    assert head.layers[0].weight.grad.any()


def test_ccc_is_its_formula_over_rated_rows() -> None:
    ratings = RANDOM.uniform(1, 5, size=(9, 3))
    said = RANDOM.uniform(-1, 1, size=(9, 3))
    ratings[4, 1] = np.nan
    rated = np.arange(9) != 4
    wanted, own = (ratings[rated] - 3) / 2, said[rated]
    coefficients = [
        2 * np.cov(x, y, ddof=0)[0, 1] / (x.var() + y.var() + (x.mean() - y.mean()) ** 2)
        for x, y in zip(own.T, wanted.T, strict=True)
    ]
    batch = {"ratings": torch.tensor(ratings), "labels": torch.zeros(9, dtype=torch.long)}
    read = torch.tensor(said, requires_grad=True)
    term = VadTerm(None, "ccc")
    assert term.size(batch) == 8
    loss = term(read, batch)
    assert loss.item() == pytest.approx(1 - np.mean(coefficients), rel=1e-4)
    loss.backward()
    assert read.grad is not None and not read.grad[4].any()


def test_rows_without_ratings_say_nothing() -> None:
    read = torch.zeros(3, 3, requires_grad=True)
    batch = {"ratings": torch.full((3, 3), math.nan), "labels": torch.zeros(3, dtype=torch.long)}
    for distance in ("mse", "ccc"):
        loss = VadTerm(None, distance)(read, batch)  # type: ignore[arg-type]
        assert loss.item() == 0 and loss.requires_grad


def test_prototypes_reach_the_classes_by_name() -> None:
    points = {
        "anger": (-0.666, 0.73, 0.314),
        "neutral": (-0.062, -0.632, -0.286),
        "sadness": (-0.896, -0.424, -0.672),
    }
    for order in (["anger", "sadness", "neutral"], ["neutral", "anger", "sadness"]):
        term = Vad(kind="vad").term(order)
        batch = {"labels": torch.arange(3)}
        read = torch.tensor([points[name] for name in order])
        assert term(read, batch).item() == pytest.approx(0, abs=1e-12)
        assert term(read + 0.5, batch).item() == pytest.approx(0.25)
    assert Vad(kind="vad", prototypes={"calm": (0.1, 0.2, 0.3)}).term(["calm"])
    with pytest.raises(ValueError, match="for calm: give it in `prototypes`"):
        Vad(kind="vad").term(["anger", "calm"])


def test_the_targets_labels_are_never_looked_at() -> None:
    batch = {"labels": torch.tensor([0, -100]), "is_target": torch.tensor([False, True])}
    term = Vad(kind="vad").term(["anger"])
    assert term.size(batch) == 1
    read = torch.tensor([[-0.666, 0.73, 0.314], [9.0, 9.0, 9.0]])
    assert term(read, batch).item() == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("of", ["pooled", "branches", "fused"])
def test_a_projector_gives_vectors_of_length_1_and_0_for_a_missing_modality(of: str) -> None:
    torch.manual_seed(0)
    widths = Widths(6, {"audio": 4, "text": 5}, {"audio": 3, "text": 3})
    head = Projector(of, widths, 7, batch_norm=True)  # type: ignore[arg-type]
    there = {"audio": torch.tensor([True, True, False, True]), "text": torch.ones(4, dtype=torch.bool)}
    own = {
        name: {key: torch.randn(4, width) for key, width in getattr(widths, name).items()}
        for name in ("branches", "pooled")
    }
    made = head(Read(torch.randn(4, 6), own["branches"], own["pooled"], there, 0.0)).norm(dim=-1)
    expected = (
        torch.ones(4, 1) if of == "fused" else torch.stack([there["audio"], there["text"]], dim=1).float()
    )
    assert torch.allclose(made, expected, atol=1e-5)


def test_every_kind_is_told_of() -> None:
    assert set(AUXILIARIES) == {"vad", "infonce", "supcon", "dann", "mmd", "coral"}
    assert {name for name, kind in AUXILIARIES.items() if kind(kind=name).sees_whole_step} == {
        "infonce",
        "supcon",
        "dann",
        "mmd",
        "coral",
    }
