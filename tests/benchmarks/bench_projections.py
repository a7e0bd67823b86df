"""Which norm, projection and feed-forward generalise to unseen speakers, beside scikit-learn.

The real RAVDESS folder (8 actors), alone and with TESS and EmoDB: seven classes, MFCC and hashed transcripts,
four speaker-disjoint folds, three seeds. The table has the UAR of the validation rows, by which a default may
be chosen, and that of the test rows; both pooled over folds, averaged over seeds, with the 95 % interval of
resampled clips.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_projections.py [PART OF A NAME]...
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC

import merdata
from merdata.plugin import normalise
from merdata_train.data.rows import COLUMNS
from merdata_train.data.source import Examples
from merdata_train.features.hashing import hashed
from merdata_train.features.mfcc import mean_std
from merdata_train.models.inference import predict
from merdata_train.recipe.features import Hashing, Mfcc
from merdata_train.recipe.recipe import load_recipe
from merdata_train.training.fit import fit
from tests.benchmarks.common import REAL, machine

FOLDS, SEEDS, RESAMPLES = 4, (0, 1, 2), 2_000
EMODB = {"W": "anger", "E": "disgust", "A": "fear", "F": "joy", "T": "sadness", "N": "neutral"}
RECIPES = {"gated": "source0/A0", "tokens": "source0/A1"}
CHOICES = {
    "gated": {"norm": ("layer", "none"), "project": ("linear", "mlp", "swiglu"), "mix": ("swiglu", "gelu")},
    "tokens": {"norm": ("none", "layer"), "project": ("swiglu", "linear", "mlp"), "ffn": ("swiglu", "gelu")},
}
DESCRIBED = {"gated": "norm=layer project=linear mix=swiglu", "tokens": "norm=none project=swiglu ffn=swiglu"}
Guesses = tuple[list[str], list[str]]  # of validation rows and of test rows
System = Callable[[Examples, Examples, Examples, int], Guesses]


def main(chosen: list[str]) -> None:
    torch.set_num_threads(1)
    rows = real_rows()
    print(machine())
    for name, part in {"RAVDESS": rows[rows["corpus"] == "ravdess"], "RAVDESS + TESS + EmoDB": rows}.items():
        print(f"\n| {name}, n {len(part)} | validation UAR | test UAR |\n|---|---|---|", flush=True)
        for system, train in systems():
            if chosen and not any(word in system for word in chosen):
                continue
            print(f"| {system} | {' | '.join(measured(train, part))} |", flush=True)


def real_rows() -> pd.DataFrame:
    """Labelled clips with corpus, speaker, group (of the folds), text, label and their MFCC vector."""
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store"
        for corpus in ("ravdess", "tess"):
            merdata.build([corpus], REAL / corpus, store)
        opened = merdata.open_store(store)
        table = opened.rows(COLUMNS)
        rows = table.to_pandas().assign(label=opened.relabel(table, merdata.label_space("mer7")))
        audio = {
            id: mean_std(samples, Mfcc()) for shard in opened.shards() for id, samples in audio_of(shard)
        }
    rows["vector"] = rows["id"].map(audio)
    rows = pd.concat([rows[rows["label"].notna()], pd.DataFrame(emodb())], ignore_index=True)
    for _, own in rows.groupby("corpus"):
        speakers = sorted(own["speaker"].unique())
        group = {speaker: number * FOLDS // len(speakers) for number, speaker in enumerate(speakers)}
        rows.loc[own.index, "group"] = own["speaker"].map(group)
    return rows


def audio_of(shard: merdata.Shard) -> Iterator[tuple[str, npt.NDArray[np.float32]]]:
    yield from merdata.read_audio(shard.path)


def emodb() -> Iterator[dict[str, Any]]:
    for path in sorted((REAL / "emodb" / "wav").glob("*.wav")):
        name = path.stem
        if name[5] in EMODB:
            samples = normalise(path.read_bytes(), name).samples.astype(np.float32) / np.float32(32_768)
            yield {
                "id": f"emodb/{name}",
                "corpus": "emodb",
                "speaker": f"emodb/{name[:2]}",
                "text": name[2:5],
                "label": EMODB[name[5]],
                "vector": mean_std(samples, Mfcc()),
            }


def systems() -> Iterator[tuple[str, System]]:
    yield from ((name, with_sklearn(make)) for name, make in CLASSIFIERS.items())
    for kind in CHOICES:
        for values in product(*CHOICES[kind].values()):
            words = [f"{key}={value}" for key, value in zip(CHOICES[kind], values, strict=True)]
            name = f"{kind}: {' '.join(words)}"
            described = " (as described)" if " ".join(words) == DESCRIBED[kind] else ""
            yield name + described, with_recipe(RECIPES[kind], [f"model.{word}" for word in words])


def with_recipe(name: str, words: list[str]) -> System:
    def train(train: Examples, validation: Examples, test: Examples, seed: int) -> Guesses:
        recipe = load_recipe(name, [*words, f"seed={seed}"])
        model, _ = fit(recipe, train, validation)
        return guesses(predict(model, validation), train.classes), guesses(
            predict(model, test), train.classes
        )

    return train


CLASSIFIERS: dict[str, Callable[[int], list[Any]]] = {
    "logistic regression": lambda _: [
        LogisticRegression(C=c, class_weight="balanced", max_iter=2_000) for c in (0.001, 0.01, 0.1, 1.0)
    ],
    "SVM": lambda _: [SVC(C=c, class_weight="balanced") for c in (0.3, 1.0, 3.0, 10.0)],
    "MLP": lambda seed: [
        MLPClassifier((128,), alpha=alpha, max_iter=300, random_state=seed) for alpha in (1e-4, 1e-2, 1.0)
    ],
}


def with_sklearn(make: Callable[[int], list[Any]]) -> System:
    """The candidate that is best on the validation rows."""

    def train(train: Examples, validation: Examples, test: Examples, seed: int) -> Guesses:
        best: tuple[float, Guesses] = (-1.0, ([], []))
        for candidate in make(seed):
            fitted = make_pipeline(StandardScaler(), candidate).fit(stacked(train), train.rows["label"])
            own = fitted.predict(stacked(validation)).tolist()
            value = float(recall_score(validation.rows["label"], own, average="macro", zero_division=0))
            if value > best[0]:
                best = value, (own, fitted.predict(stacked(test)).tolist())
        return best[1]

    return train


def stacked(examples: Examples) -> npt.NDArray[np.float32]:
    return np.hstack([examples.tensors["audio_vec"].numpy(), examples.tensors["text_vec"].numpy()])


def measured(train: System, rows: pd.DataFrame) -> list[str]:
    """The UAR of validation and test rows with their intervals."""
    pooled: list[list[pd.DataFrame]] = [[], []]
    for seed in SEEDS:
        guessed: list[list[pd.DataFrame]] = [[], []]
        for fold in range(FOLDS):
            test, validation = rows["group"] == fold, rows["group"] == (fold + 1) % FOLDS
            parts = [rows[~test & ~validation], rows[validation], rows[test]]
            splits = zip(("train", "validation", "test"), parts, strict=True)
            for kept, part, own in zip(
                guessed,
                parts[1:],
                train(*(examples(split, part) for split, part in splits), seed),
                strict=True,
            ):
                kept.append(pd.DataFrame({"id": part["id"], "label": part["label"], "guess": own}))
        for kept, folds in zip(pooled, guessed, strict=True):
            kept.append(pd.concat(folds).sort_values("id", ignore_index=True))
    return [interval(seeds) for seeds in pooled]


def examples(split: str, rows: pd.DataFrame) -> Examples:
    classes = tuple(merdata.label_space("mer7").classes)
    rows = rows.reset_index(drop=True)
    there = torch.ones(len(rows), dtype=torch.bool)
    tensors = {
        "audio_vec": torch.from_numpy(np.stack(rows["vector"].to_list())),
        "text_vec": torch.from_numpy(hashed(rows["text"].tolist(), Hashing())),
        "has_audio": there,
        "has_text": there,
        "labels": torch.tensor([classes.index(label) for label in rows["label"]]),
    }
    kept = rows[["id", "corpus", "speaker", "label"]].assign(domain="acted", language="en", dialogue=None)
    return Examples(split, kept, classes, tensors)


def guesses(probabilities: torch.Tensor, classes: tuple[str, ...]) -> list[str]:
    return [classes[number] for number in probabilities.argmax(dim=-1).tolist()]


def interval(seeds: list[pd.DataFrame]) -> str:
    """The mean over seeds, and its interval by resampling clips."""
    random = np.random.default_rng(0)
    gold = seeds[0]["label"].to_numpy()
    right = np.stack([(seed["guess"] == seed["label"]).to_numpy(float) for seed in seeds]).mean(axis=0)

    def uar(chosen: npt.NDArray[np.int64]) -> float:
        return float(pd.Series(right[chosen]).groupby(gold[chosen]).mean().mean())

    drawn = [uar(random.integers(0, len(gold), len(gold))) for _ in range(RESAMPLES)]
    low, high = np.quantile(drawn, [0.025, 0.975])
    return f"{uar(np.arange(len(gold))):.3f} [{low:.3f}, {high:.3f}]"


if __name__ == "__main__":
    main(sys.argv[1:])
