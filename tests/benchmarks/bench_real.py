"""Unseen speakers in real recordings: recipes as shipped against scikit-learn on the same features and rows.

Each fold tests speakers that neither train nor validation has. scikit-learn's models (logistic regression,
SVM, multi-layer perceptron) read the same vectors as the recipes, standardised on train rows, and choose the
strength of regularisation on the same validation rows. Scores are of the pooled folds, averaged over seeds;
intervals resample speakers (paired for differences). `best of scikit-learn` takes, in each fold and seed, the
one of the three with the highest validation UAR.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_real.py [--corpora ravdess tess emodb] [--folds 4]
    [--recipes source0/A0 source0/A1] [--seeds 0 1 2] [KEY=VALUE ...]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.base import ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import merdata
from merdata_train.data.source import Examples, Source
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import load_recipe
from merdata_train.scoring.statistics import Ints, mean_intervals, mean_scores, paired
from merdata_train.scoring.units import by_unit
from merdata_train.training.fit import fit
from tests.benchmarks.common import REAL, machine

CHOSEN = "best of scikit-learn"
STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
Seeds = dict[int, list[pd.DataFrame]]  # seed -> predictions of each fold
Rows = dict[str, Seeds]  # by system
Parts = dict[str, Examples]  # by split


def build(corpora: list[str], folds: int, folder: Path) -> tuple[Path, str]:
    """A store of real recordings with speaker folds, and the name of its protocol.

    A corpus with two speakers (TESS) needs --folds 2: validation is then a tenth of train's sentences.
    """
    try:
        merdata.get_corpus(corpora[-1])
    except merdata.CorpusNotFound as error:
        raise SystemExit(f"{error} (EMO-DB: pip install --no-deps tests/ninth_corpus)") from error
    for name in corpora:
        merdata.build([name], REAL / name, folder / "store", jobs=1)
    made = merdata.split(folder / "store", "kfold", corpora=corpora, by="speaker", folds=folds)
    return folder / "store", made.name


def candidates() -> Iterator[tuple[str, list[ClassifierMixin]]]:
    """What scikit-learn is tried with, whatever the seed: name, and the model at each strength."""
    yield (
        "logistic regression",
        [LogisticRegression(C=c, class_weight="balanced", max_iter=2_000) for c in STRENGTHS],
    )
    yield "SVM", [SVC(C=c, class_weight="balanced") for c in (*STRENGTHS[2:], 100.0)]


def perceptrons(seed: int) -> tuple[str, list[ClassifierMixin]]:
    """The candidate that depends on a seed."""
    return "MLP", [
        MLPClassifier((256,), alpha=a, max_iter=300, random_state=seed) for a in (1e-4, 1e-1, 1.0, 10.0)
    ]


def vectors(examples: Examples) -> npt.NDArray[np.float32]:
    """What the recipes read: audio and text, side by side."""
    names = [name for name in ("audio_vec", "text_vec") if name in examples.tensors]
    return np.concatenate([examples.tensors[name].numpy() for name in names], axis=1)


def with_scikit_learn(
    parts: Parts, name: str, models: list[ClassifierMixin]
) -> tuple[str, npt.NDArray[np.object_], float]:
    """Name, predictions of the test rows and validation UAR of the strength that validation finds best."""
    features = {split: vectors(examples) for split, examples in parts.items()}
    gold = {split: examples.rows["label"].to_numpy() for split, examples in parts.items()}
    fitted = [
        make_pipeline(StandardScaler(), model).fit(features["train"], gold["train"]) for model in models
    ]
    scored = [
        balanced_accuracy_score(gold["validation"], model.predict(features["validation"])) for model in fitted
    ]
    best = int(np.argmax(scored))
    return name, fitted[best].predict(features["test"]), scored[best]


def with_recipe(name: str, place: list[str]) -> tuple[Parts, npt.NDArray[np.object_]]:
    """The rows of a recipe and its predictions of those of test."""
    recipe = load_recipe(name, place)
    source = Source(recipe)
    parts = {split: source.examples(split, jobs=1) for split in ("train", "validation", "test")}
    model, _ = fit(recipe, parts["train"], parts["validation"])
    best = predict(model, parts["test"]).argmax(dim=-1).numpy()
    return parts, np.array(parts["test"].classes, dtype=object)[best]


def predictions(recipes: list[str], words: list[str], folds: list[int], seeds: list[int]) -> Rows:
    """The test rows of every fold as each system predicts them."""
    systems: Rows = defaultdict(lambda: defaultdict(list))
    for fold in folds:
        steady: list[tuple[str, npt.NDArray[np.object_], float]] = []
        for seed in seeds:
            for recipe_name in recipes:
                parts, named = with_recipe(recipe_name, [*words, f"fold={fold}", f"seed={seed}"])
                systems[recipe_name][seed].append(predicted_rows(parts["test"], named))
            steady = steady or [with_scikit_learn(parts, *candidate) for candidate in candidates()]
            compared = [*steady, with_scikit_learn(parts, *perceptrons(seed))]
            for name, named, _ in compared:
                systems[name][seed].append(predicted_rows(parts["test"], named))
            chosen = max(compared, key=lambda candidate: candidate[2])[1]
            systems[CHOSEN][seed].append(predicted_rows(parts["test"], chosen))
            print(f"fold {fold}, seed {seed} done", file=sys.stderr, flush=True)
    return systems


def predicted_rows(test: Examples, predicted: npt.NDArray[np.object_]) -> pd.DataFrame:
    cluster = test.rows["corpus"] + "/" + test.rows["speaker"].astype(str)
    return test.rows[["id", "corpus", "label"]].assign(predicted=predicted, cluster=cluster)


def table(systems: Rows, classes: tuple[str, ...], corpus: str | None) -> None:
    """UAR with interval, and its difference from the best of scikit-learn, over all rows or a corpus's."""
    counts = {name: counts_of(seeds, classes, corpus) for name, seeds in systems.items()}
    rows, clusters = int(counts[CHOSEN][0].sum()), counts[CHOSEN].shape[1]
    print(f"\n{corpus or 'all'}: n {rows:,}, {clusters} speakers\n")
    print(f"| system | UAR | minus {CHOSEN} |\n|---|---|---|")
    for name, by_seed in counts.items():
        value = float(mean_scores(by_seed.sum(axis=1))["uar"])
        bounds = mean_intervals(by_seed)
        difference = paired(counts[CHOSEN], by_seed)["uar"]
        compared = "" if name == CHOSEN else bounded(difference["difference"], difference["interval"], "+.3f")
        print(f"| {name} | {bounded(value, bounds['uar'] if bounds else None, '.3f')} | {compared} |")


def counts_of(seeds: Seeds, classes: tuple[str, ...], corpus: str | None = None) -> Ints:
    """Confusion counts `[seeds, speakers, C, C]` of the pooled folds, of all rows or of a corpus's."""
    pooled = [pd.concat(folds) for folds in seeds.values()]
    kept = [rows if corpus is None else rows[rows["corpus"] == corpus] for rows in pooled]
    return np.stack([by_unit(rows, classes) for rows in kept])


def bounded(value: float, bounds: list[float] | None, form: str) -> str:
    """A value with its interval in brackets."""
    return f"{value:{form}}" + (f" [{bounds[0]:{form}}, {bounds[1]:{form}}]" if bounds else "")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--corpora", nargs="+", default=["ravdess"])
    parser.add_argument("--recipes", nargs="+", default=["source0/A0", "source0/A1"])
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--folds", type=int, default=4)
    parser.add_argument("overrides", nargs="*", default=[])
    asked = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        store, protocol = build(asked.corpora, asked.folds, Path(temporary))
        words = [f"store={store}", f"protocol={protocol}", *asked.overrides]
        source = Source(load_recipe(asked.recipes[0], [*words, "fold=1"]))
        systems = predictions(asked.recipes, words, source.protocol.folds, asked.seeds)
        print(f"{machine()}; {', '.join(asked.corpora)}; {asked.folds} speaker folds, seeds {asked.seeds}")
        print(f"split {source.protocol.hash[:12]}; {' '.join(asked.overrides) or 'as shipped'}")
        for corpus in (None, *(asked.corpora if len(asked.corpora) > 1 else ())):
            table(systems, source.space.classes, corpus)


if __name__ == "__main__":
    main()
