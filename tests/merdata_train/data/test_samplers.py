"""Which rows an epoch draws, which modalities they keep, and how processes share them."""

from __future__ import annotations

from collections import Counter

import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merdata_train.data.samplers import order, weights_of
from merdata_train.errors import RecipeError
from merdata_train.recipe.data import Sampler
from merdata_train.training.moddrop import drop_modalities

ROWS = pd.DataFrame(
    [("meld", "conversational", "joy")] * 60
    + [("meld", "conversational", "neutral")] * 240
    + [("tess", "acted", "joy")] * 30
    + [("tess", "acted", "neutral")] * 30
    + [("ravdess", "acted", "joy")] * 40,
    columns=["corpus", "domain", "label"],
)


def drawn(sampler: Sampler | None, by: str, epochs: int = 60) -> dict[str, float]:
    """Share of each value of a column among the rows of many epochs."""
    counts: Counter[str] = Counter()
    for seed in range(epochs):
        counts.update(ROWS[by].iloc[list(order(ROWS, sampler, seed))])
    return {name: count / (epochs * len(ROWS)) for name, count in counts.items()}


def test_without_a_sampler_every_row_comes_once() -> None:
    assert sorted(order(ROWS, None, 3)) == list(range(len(ROWS)))


def test_an_epoch_is_as_long_as_the_rows_and_repeats_with_its_seed() -> None:
    sampler = Sampler(upweight={"meld": 4})
    one = list(order(ROWS, sampler, 5))
    assert len(one) == len(ROWS)
    assert one == list(order(ROWS, sampler, 5)) != list(order(ROWS, sampler, 6))


def test_balance_evens_out_corpora_and_classes() -> None:
    sampler = Sampler.model_validate({"balance": {"corpus": 1, "class": 1}})
    weights = pd.Series(weights_of(ROWS, sampler).numpy())
    for key, expected in (((0), 1 / 300 / 60), ((60), 1 / 300 / 240), ((300), 1 / 60 / 30)):
        assert weights[key] == pytest.approx(expected)
    within = weights.groupby([ROWS["corpus"], ROWS["label"]]).sum()
    assert within["meld", "joy"] == pytest.approx(within["meld", "neutral"])


def test_upweight_multiplies_the_chance_of_a_corpus() -> None:
    shares = drawn(Sampler(upweight={"tess": 4}), "corpus")
    assert shares["tess"] == pytest.approx(240 / 580, abs=0.02)


def test_a_mix_gives_the_stated_shares() -> None:
    mix = Sampler(mix={"meld": 0.75, "acted": 0.25})
    shares = drawn(mix, "corpus")
    assert shares["meld"] == pytest.approx(0.75, abs=0.02)
    assert shares["tess"] + shares["ravdess"] == pytest.approx(0.25, abs=0.02)
    assert set(drawn(Sampler(mix={"ravdess": 1}), "corpus")) == {"ravdess"}


def test_an_unknown_corpus_is_named() -> None:
    with pytest.raises(RecipeError, match="no train row is of mosei; there are acted, conversational"):
        weights_of(ROWS, Sampler(mix={"mosei": 1}))


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 1000), st.floats(0, 0.99))
def test_modality_dropout_takes_one_and_never_the_last(seed: int, probability: float) -> None:
    torch.manual_seed(seed)
    there = torch.rand(64, 2) < 0.7
    batch = {"has_audio": there[:, 0], "has_text": there[:, 1], "audio_vec": torch.ones(64, 3)}
    kept = drop_modalities(batch, ["audio", "text"], probability)
    after = torch.stack([kept["has_audio"], kept["has_text"]], dim=1)
    assert not (after & ~there).any()
    lost = there.sum(dim=1) - after.sum(dim=1)
    assert ((lost == 0) | ((lost == 1) & (there.sum(dim=1) == 2))).all()
    assert torch.equal(kept["audio_vec"], batch["audio_vec"])


def test_modality_dropout_has_its_probability_and_takes_each_evenly() -> None:
    torch.manual_seed(0)
    batch = {f"has_{name}": torch.ones(20_000, dtype=torch.bool) for name in ("audio", "text")}
    kept = drop_modalities(batch, ["audio", "text"], 0.2)
    for name in ("audio", "text"):
        assert (~kept[f"has_{name}"]).float().mean().item() == pytest.approx(0.1, abs=0.01)
    assert not (~kept["has_audio"] & ~kept["has_text"]).any()
