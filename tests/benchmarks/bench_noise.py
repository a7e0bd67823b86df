"""Does noise on train rows help with noisy recordings of new speakers?

The real RAVDESS folder in speaker folds: a recipe as it ships, and the same with `augment.noise`. Both are
scored on the test recordings as they are and on a noisy copy, in which every recording has one of the four
kinds of noise (the babble is of other test recordings). Scores are of the pooled folds, averaged over seeds;
intervals resample speakers, paired for the difference.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_noise.py [--recipe source0/A0] [--folds 4]
    [--seeds 0 1 2]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import numpy as np
import torch

from merdata_train.data.augment import Augmenter
from merdata_train.data.inputs import Inputs
from merdata_train.data.source import Examples, Source
from merdata_train.features.cache import audio_samples
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import load_recipe
from merdata_train.scoring.statistics import mean_intervals, mean_scores, paired
from merdata_train.training.fit import fit
from tests.benchmarks.bench_real import Rows, bounded, build, counts_of, predicted_rows
from tests.benchmarks.common import machine

CLEAN_TRAINING, NOISY_TRAINING = "augment=null", "augment.noise={probability: 0.5, snr_db: [5, 20]}"
NOISE_OF_TEST = "augment.noise={probability: 1, snr_db: [5, 20]}"
NOISE_SEED = 20_260  # of the noisy copy, which is the same for all models


def noisy_copy(test: Examples, name: str, words: list[str]) -> Examples:
    """Test rows, each recording with one of the kinds of noise."""
    source = Source(load_recipe(name, [*words, NOISE_OF_TEST]))
    samples = audio_samples(source.store, source.store.shards(sorted(set(test.rows["corpus"]))), jobs=1)
    return Augmenter(Inputs(source.recipe, samples, texts={}, tokenizer=None))(test, NOISE_SEED)


def predictions(name: str, words: list[str], folds: list[int], seeds: list[int]) -> dict[str, Rows]:
    """Test recordings -> training -> seed -> predictions of each fold."""
    systems: dict[str, Rows] = {kind: defaultdict(lambda: defaultdict(list)) for kind in ("clean", "noisy")}
    for fold in folds:
        place = [*words, f"fold={fold}"]
        test = Source(load_recipe(name, place)).examples("test", jobs=1)
        copies = {"clean": test, "noisy": noisy_copy(test, name, place)}
        for training in (CLEAN_TRAINING, NOISY_TRAINING):
            source = Source(load_recipe(name, [*place, training]))
            train, validation = (source.examples(split, jobs=1) for split in ("train", "validation"))
            for seed in seeds:
                model, _ = fit(load_recipe(name, [*place, training, f"seed={seed}"]), train, validation)
                for kind, copy in copies.items():
                    best = predict(model, copy).argmax(dim=-1).numpy()
                    named = np.array(test.classes, dtype=object)[best]
                    systems[kind][training][seed].append(predicted_rows(test, named))
        print(f"fold {fold} done", file=sys.stderr, flush=True)
    return systems


def table(systems: dict[str, Rows], classes: tuple[str, ...]) -> None:
    """UAR of both trainings on both copies, and what the augmentation adds."""
    print("| test recordings | as they are | with `augment.noise` | difference |\n|---|---|---|---|")
    for kind, trainings in systems.items():
        plain, augmented = (counts_of(trainings[name], classes) for name in (CLEAN_TRAINING, NOISY_TRAINING))
        cells = []
        for counts in (plain, augmented):
            bounds = mean_intervals(counts)
            value = float(mean_scores(counts.sum(axis=1))["uar"])
            cells.append(bounded(value, bounds["uar"] if bounds else None, ".3f"))
        gain = paired(plain, augmented)["uar"]
        print(f"| {kind} | {' | '.join(cells)} | {bounded(gain['difference'], gain['interval'], '+.3f')} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--recipe", default="source0/A0")
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        store, protocol = build(["ravdess"], asked.folds, Path(temporary))
        words = [f"store={store}", f"protocol={protocol}"]
        source = Source(load_recipe(asked.recipe, [*words, "fold=1"]))
        systems = predictions(asked.recipe, words, source.protocol.folds, asked.seeds)
        rows = sum(len(fold) for fold in systems["clean"][CLEAN_TRAINING][asked.seeds[0]])
        print(f"{machine()}; {asked.recipe} on ravdess, n {rows}; {asked.folds} speaker folds")
        print(f"split {source.protocol.hash[:12]}; seeds {asked.seeds}\n")
        table(systems, source.space.classes)


if __name__ == "__main__":
    main()
