"""Which rows an epoch draws: every one once, or weighted by corpus and class, or a mix of given shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import RandomSampler, WeightedRandomSampler

from merdata_train.recipe.data import Balance, Sampler

FLOOR = 0.1  # of an even share: a class with fewer rows than that is drawn as if it had as many


def order(rows: pd.DataFrame, sampler: Sampler | None, seed: int) -> Iterator[int]:
    """The rows of an epoch, by number.

    Args:
        rows: corpus, domain and label of the train rows.
        sampler: of the stage; None for every row once.
        seed: of the epoch.
    """
    generator = torch.Generator().manual_seed(seed)
    if sampler is None:
        return iter(RandomSampler(range(len(rows)), generator=generator))
    weights: Sequence[float] = weights_of(rows, sampler).tolist()
    return iter(WeightedRandomSampler(weights, len(rows), generator=generator))


def expected_draws(rows: pd.DataFrame, sampler: Sampler | None) -> pd.Series[float]:
    """How often an epoch draws each row, on average; the sum is the number of rows."""
    if sampler is None:
        return pd.Series(1.0, index=rows.index)
    weights = pd.Series(weights_of(rows, sampler).numpy(), index=rows.index)
    return weights * (len(rows) / weights.sum())


def weights_of(rows: pd.DataFrame, sampler: Sampler) -> Tensor:
    """The weight of each row in the draw, float64 `[rows]`."""
    if sampler.mix:
        group = _named_group(rows, sampler.mix)
        weights = group.map(sampler.mix) / group.groupby(group).transform("size")
        return torch.tensor(weights.fillna(0.0).to_numpy(float))
    weights = balanced(rows, sampler.balance) if sampler.balance else pd.Series(1.0, index=rows.index)
    weights = weights * _named_group(rows, sampler.upweight).map(sampler.upweight).fillna(1.0)
    return torch.tensor(weights.to_numpy(float))


def balanced(rows: pd.DataFrame, balance: Balance) -> pd.Series[float]:
    """Weights that even out corpora and, inside each, its classes.

    For a row of corpus c and class l, with N_c rows and K_c classes of c, N_k|c rows of its class k and
    m_k = max(N_k|c, N_c / (10 K_c)), the weight is
    N_c^(1 - corpus) m_l^-class / sum_k(N_k|c m_k^-class). With both exponents at 1 every corpus has the same
    share of the draws and, inside it, every class; the floor keeps a handful of rows from being drawn
    hundreds of times each. At 0 corpora, or classes, keep their sizes.
    """
    corpus = rows.groupby("corpus")["label"]
    size, classes = corpus.transform("size"), corpus.transform("nunique")
    of_class = rows.groupby(["corpus", "label"])["label"].transform("size")
    weight = of_class.clip(lower=FLOOR * size / classes) ** -balance.class_
    return size ** (1 - balance.corpus) * weight / weight.groupby(rows["corpus"]).transform("sum")


def _named_group(rows: pd.DataFrame, names: dict[str, float]) -> pd.Series[str]:
    """What a sampler calls each row: its corpus where that is named, else its domain."""
    return rows["corpus"].where(rows["corpus"].isin(names), rows["domain"])
