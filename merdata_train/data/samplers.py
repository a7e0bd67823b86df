"""Which rows an epoch draws: every one once, or weighted by corpus and class, or a mix of given shares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import pandas as pd
import torch
from torch import Tensor
from torch.utils.data import RandomSampler, WeightedRandomSampler

from merdata_train.errors import RecipeError
from merdata_train.recipe.data import Sampler


def order(rows: pd.DataFrame, sampler: Sampler | None, seed: int) -> Iterator[int]:
    """The rows of an epoch, by number.

    Args:
        rows: corpus, domain and label of the train rows.
        sampler: of the stage; None for every row once.
        seed: of the epoch.

    Raises:
        RecipeError: the sampler names a corpus or domain that does not exist.
    """
    generator = torch.Generator().manual_seed(seed)
    if sampler is None:
        return iter(RandomSampler(range(len(rows)), generator=generator))
    weights: Sequence[float] = weights_of(rows, sampler).tolist()
    return iter(WeightedRandomSampler(weights, len(rows), generator=generator))


def weights_of(rows: pd.DataFrame, sampler: Sampler) -> Tensor:
    """The weight of each row, float64 `[rows]`.

    Raises:
        RecipeError: the sampler names a corpus or domain that does not exist.
    """
    _refuse_unknown(rows, [*sampler.upweight, *sampler.mix])
    if sampler.mix:
        group = rows["corpus"].where(rows["corpus"].isin(sampler.mix), rows["domain"])
        weights = group.map(sampler.mix) / group.groupby(group).transform("size")
        return torch.tensor(weights.fillna(0.0).to_numpy(float))
    weights = pd.Series(1.0, index=rows.index)
    if sampler.balance:
        of_corpus = rows.groupby("corpus")["label"].transform("size")
        of_class = rows.groupby(["corpus", "label"])["label"].transform("size")
        weights = weights / of_corpus**sampler.balance.corpus / of_class**sampler.balance.class_
    weights = weights * rows["corpus"].map(sampler.upweight).fillna(1.0)
    return torch.tensor(weights.to_numpy(float))


def _refuse_unknown(rows: pd.DataFrame, names: list[str]) -> None:
    known = sorted({*rows["corpus"], *rows["domain"]})
    unknown = sorted(set(names) - set(known))
    if unknown:
        raise RecipeError(f"sampler: no train row is of {', '.join(unknown)}; there are {', '.join(known)}")
