"""The effective share of each class: how often it is drawn, times the weight of its rows in the loss."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd

from merdata_train.data.samplers import expected_draws
from merdata_train.recipe.recipe import Recipe
from merdata_train.training.losses import row_weights
from merdata_train.training.stages import trained_rows

AS_WANTED = ("none", "balanced_by_corpus")  # the second is uneven by its floor for tiny classes alone
UNEVEN = 0.2  # of a corpus's classes, the share that would have to change for all to be even


def uneven_shares(recipe: Recipe, rows: pd.DataFrame) -> Iterator[str]:
    """A sentence on each stage whose class weights leave a corpus uneven: the corpus that is left most.

    Args:
        recipe: its stages and its class weights.
        rows: corpus, domain, language and label of the train rows.
    """
    kind = recipe.loss.class_weights
    for stage in recipe.stages if kind not in AS_WANTED else ():
        own = trained_rows([stage], rows)
        draws = expected_draws(own, stage.sampler)
        counted = (draws * row_weights(own, draws, kind)).groupby([own["corpus"], own["label"]]).sum()
        shares = counted / counted.groupby("corpus").transform("sum")
        distance = (shares - 1 / shares.groupby("corpus").transform("size")).abs().groupby("corpus").sum() / 2
        if distance.max() > UNEVEN:
            corpus = str(distance.idxmax())
            prior = own.loc[own["corpus"] == corpus, "label"].value_counts(normalize=True)
            told = ", ".join(f"{label} {share:.0%}" for label, share in shares[corpus].items())
            yield (
                f"stage {stage.name}: the class weights are those of all corpora together and leave {corpus} "
                f"most uneven ({prior.index[0]} is {prior.iloc[0]:.0%} of its rows, and its classes count "
                f"{told}): set loss.class_weights=balanced_by_corpus"
            )
