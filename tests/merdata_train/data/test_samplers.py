"""Which rows an epoch draws, which modalities they keep, and how processes share them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from merdata.builder.plan import choose, foresee, make_plan
from merdata_train.data.samplers import expected_draws, order
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


FULL_SIZE = ("ravdess", "emovdb", "iemocap", "esd", "meld")


@pytest.fixture(scope="module")
def full_size(full_tree: Callable[[str], Path], tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """corpus, domain and label of every labelled row of the real file lists: 57,000 rows of 44 to 35,000."""
    folder = tmp_path_factory.mktemp("full")
    for corpus in FULL_SIZE:
        (folder / corpus).symlink_to(full_tree(corpus))
    counted = foresee(make_plan(choose(list(FULL_SIZE), folder), folder / "store"))["corpora"]
    rows = [
        (facts["corpus"], facts["domain"], label, count)
        for facts in counted
        for labels in facts["labels"].values()
        for label, count in labels.items()
        if label != "dropped"
    ]
    table = pd.DataFrame(rows, columns=["corpus", "domain", "label", "rows"])
    return table.loc[table.index.repeat(table["rows"]), ["corpus", "domain", "label"]].reset_index(drop=True)


def shares(rows: pd.DataFrame, sampler: Sampler, epochs: int = 3) -> pd.Series[float]:
    """(corpus, label) -> share of the draws of some epochs."""
    drawn = np.concatenate([list(order(rows, sampler, seed)) for seed in range(epochs)])
    return rows.iloc[drawn].groupby(["corpus", "label"]).size() / len(drawn)


def test_balance_draws_every_corpus_and_every_class_in_it_evenly(full_size: pd.DataFrame) -> None:
    found = shares(full_size, Sampler.model_validate({"balance": {"corpus": 1, "class": 1}}))
    error = 4 * (0.2 * 0.8 / (3 * len(full_size))) ** 0.5
    for corpus, own in found.groupby("corpus"):
        assert own.sum() == pytest.approx(1 / 5, abs=error), corpus
        rows = full_size[full_size["corpus"] == corpus]
        size = rows.groupby("label").size()
        classes = size.index[size >= len(rows) / (10 * len(size))]  # above the floor
        within = own.droplevel("corpus")[classes] / own.sum()
        even = (1 - own.droplevel("corpus").drop(classes).sum() / own.sum()) / len(classes)
        assert within.to_numpy() == pytest.approx(np.full(len(classes), even), abs=5 * error), corpus


def test_a_handful_of_rows_is_not_drawn_hundreds_of_times(full_size: pd.DataFrame) -> None:
    """IEMOCAP has two rows of disgust among 7,500."""
    rows = full_size[full_size["corpus"] == "iemocap"]
    disgust = (rows["label"] == "disgust").sum()
    assert disgust == 2
    draws = expected_draws(rows, Sampler.model_validate({"balance": {"corpus": 1, "class": 1}}))
    classes = rows["label"].nunique()
    assert 10 < draws[rows["label"] == "disgust"].max() < 14  # 10 K / K', of which K' classes are even
    assert draws.groupby(rows["label"]).sum()["neutral"] == pytest.approx(len(rows) / classes, rel=0.4)


@pytest.mark.parametrize(("corpus", "klass"), [(1, 0), (0, 1), (0, 0)])
def test_an_exponent_of_0_leaves_sizes_as_they_are(corpus: int, klass: int, full_size: pd.DataFrame) -> None:
    draws = expected_draws(full_size, Sampler.model_validate({"balance": {"corpus": corpus, "class": klass}}))
    of_corpus = draws.groupby(full_size["corpus"]).sum() / len(full_size)
    size = full_size.groupby("corpus").size() / len(full_size)
    assert of_corpus.to_numpy() == pytest.approx(np.full(5, 0.2) if corpus else size.to_numpy())
    for name, own in full_size.groupby("corpus"):
        drawn = draws[own.index].groupby(own["label"]).sum() / draws[own.index].sum()
        natural = own["label"].value_counts(normalize=True).sort_index()
        if klass == 0:
            assert drawn.to_numpy() == pytest.approx(natural.to_numpy()), name
        else:
            assert drawn.std() < natural.std() or natural.std() == 0, name


def test_a_weight_multiplies_balanced_shares(full_size: pd.DataFrame) -> None:
    sampler = Sampler.model_validate({"balance": {}, "upweight": {"meld": 4}})
    draws = expected_draws(full_size, sampler).groupby(full_size["corpus"]).sum() / len(full_size)
    assert draws["meld"] == pytest.approx(4 / 8)
    assert draws[["ravdess", "esd"]].to_numpy() == pytest.approx([1 / 8, 1 / 8])


def test_a_domain_can_be_weighted_and_its_corpora_apart() -> None:
    shares = drawn(Sampler(upweight={"conversational": 6}), "corpus")
    assert shares["meld"] == pytest.approx(1800 / 1900, abs=0.02)
    shares = drawn(Sampler(upweight={"acted": 2, "tess": 4}), "corpus")
    assert shares["tess"] == pytest.approx(240 / 620, abs=0.02)
    assert shares["ravdess"] == pytest.approx(80 / 620, abs=0.02)


def test_upweight_multiplies_the_chance_of_a_corpus() -> None:
    shares = drawn(Sampler(upweight={"tess": 4}), "corpus")
    assert shares["tess"] == pytest.approx(240 / 580, abs=0.02)


def test_a_mix_gives_the_stated_shares() -> None:
    mix = Sampler(mix={"meld": 0.75, "acted": 0.25})
    shares = drawn(mix, "corpus")
    assert shares["meld"] == pytest.approx(0.75, abs=0.02)
    assert shares["tess"] + shares["ravdess"] == pytest.approx(0.25, abs=0.02)
    assert set(drawn(Sampler(mix={"ravdess": 1}), "corpus")) == {"ravdess"}


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
