"""Which norm, projection, feed-forward and batch generalise to unseen speakers, by validation rows alone.

Real recordings in speaker folds. Of the speakers who validate a fold, one half chooses the epoch (with
scikit-learn, the strength of regularisation) and the other is scored, then the other way round: no score is
of the rows that chose it, and no test row is read. UAR over the pooled halves and folds, averaged over seeds;
intervals resample speakers. Each combination of the choices of a recipe is a row of the table.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_projections.py [--corpora ravdess emodb] [--folds 4]
    [--seeds 0 1 2] [--jobs 1] [--recipe source0/A1 KEY=VALUE,VALUE...]
"""

from __future__ import annotations

import argparse
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from joblib import Parallel, delayed
from sklearn.base import ClassifierMixin

from merdata_train.data.source import Examples, Source
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import load_recipe
from merdata_train.scoring.statistics import mean_intervals, mean_scores
from merdata_train.training.fit import fit
from tests.benchmarks.bench_real import (
    Parts,
    Seeds,
    bounded,
    build,
    candidates,
    counts_of,
    perceptrons,
    predicted_rows,
    with_scikit_learn,
)
from tests.benchmarks.common import machine

Choices = dict[str, dict[str, list[str]]]  # recipe -> key -> values
CHOICES: Choices = {
    "source0/A0": {
        "model.norm": ["none", "layer"],
        "model.project": ["linear", "mlp", "swiglu"],
        "model.mix": ["gelu", "swiglu"],
    },
    "source0/A1": {
        "model.norm": ["none", "layer"],
        "model.project": ["linear", "mlp", "swiglu"],
        "model.ffn": ["gelu", "swiglu"],
    },
}
System = Callable[[Parts, int], npt.NDArray[np.object_]]  # predictions of parts["test"] with a seed


def halves(validation: Examples) -> Iterator[tuple[Examples, Examples]]:
    """Validation rows in two halves by speaker, each way round: those that choose, those that are scored."""
    speakers = validation.rows["corpus"] + "/" + validation.rows["speaker"].astype(str)
    odd = speakers.map({name: number % 2 for number, name in enumerate(sorted(set(speakers)))}).to_numpy(bool)
    for keep in (odd, ~odd):
        yield validation.only(keep), validation.only(~keep)


def systems(choices: Choices, place: list[str]) -> Iterator[tuple[str, System]]:
    """What is compared, by name."""
    for name, models in candidates():
        yield name, partial(with_models, name, models)
    yield "MLP", with_perceptrons
    for recipe, values_of in choices.items():
        for values in product(*values_of.values()):
            own = [f"{key}={value}" for key, value in zip(values_of, values, strict=True)]
            yield " ".join([recipe, *own]), partial(with_recipe, recipe, [*place, *own])


def with_models(
    name: str, models: list[ClassifierMixin], parts: Parts, _seed: int
) -> npt.NDArray[np.object_]:
    return with_scikit_learn(parts, name, models)[1]


def with_perceptrons(parts: Parts, seed: int) -> npt.NDArray[np.object_]:
    return with_scikit_learn(parts, *perceptrons(seed))[1]


def with_recipe(name: str, words: list[str], parts: Parts, seed: int) -> npt.NDArray[np.object_]:
    torch.set_num_threads(1)
    model, _ = fit(load_recipe(name, [*words, f"seed={seed}"]), parts["train"], parts["validation"])
    best = predict(model, parts["test"]).argmax(dim=-1).numpy()
    return np.array(parts["test"].classes, dtype=object)[best]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpora", nargs="+", default=["ravdess"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--recipe", nargs="+", metavar="NAME")
    parser.add_argument("--jobs", type=int, default=1)
    asked = parser.parse_args()
    choices = chosen(*asked.recipe) if asked.recipe else CHOICES
    torch.set_num_threads(1)
    parallel = Parallel(asked.jobs, "multiprocessing")
    with tempfile.TemporaryDirectory() as temporary:
        store, protocol = build(asked.corpora, asked.folds, Path(temporary))
        place = [f"store={store}", f"protocol={protocol}"]
        sources = [
            Source(load_recipe(next(iter(choices)), [*place, f"fold={fold}"]))
            for fold in range(1, asked.folds + 1)
        ]
        train, validation = (
            [source.examples(split, jobs=1) for source in sources] for split in ("train", "validation")
        )
        print(f"{machine()}; {', '.join(asked.corpora)}; {asked.folds} speaker folds, seeds {asked.seeds}")
        print(f"split {sources[0].protocol.hash[:12]}; n {sum(map(len, validation))}\n")
        print("| system | UAR of validation rows |\n|---|---|")
        for name, system in systems(choices, place):
            rows = list(zip(train, validation, strict=True))
            print(f"| {name} | {measured(system, rows, asked.seeds, parallel)} |", flush=True)


def chosen(recipe: str, *words: str) -> Choices:
    """The choices of the command line, KEY=VALUE,VALUE."""
    pairs = (word.partition("=") for word in words)
    return {recipe: {key: values.split(",") for key, _, values in pairs}}


def measured(
    system: System, rows: list[tuple[Examples, Examples]], seeds: list[int], parallel: Parallel
) -> str:
    """The UAR of a system with its interval.

    Args:
        system: what is scored.
        rows: train and validation rows of each fold.
        seeds: of training.
        parallel: what runs the folds, halves and seeds.
    """
    tasks = [
        (seed, {"train": train, "validation": chooses, "test": rest})
        for seed in seeds
        for train, validation in rows
        for chooses, rest in halves(validation)
    ]
    scored: Seeds = defaultdict(list)
    for (seed, parts), named in zip(
        tasks, parallel(delayed(system)(parts, seed) for seed, parts in tasks), strict=True
    ):
        scored[seed].append(predicted_rows(parts["test"], named))
    counts = counts_of(scored, rows[0][0].classes)
    bounds = mean_intervals(counts)
    value = float(mean_scores(counts.sum(axis=1))["uar"])
    return bounded(value, bounds["uar"] if bounds else None, ".3f")


if __name__ == "__main__":
    main()
