"""Examples without a store, and small recipes for the one that `tests/conftest.py` builds."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch

import merdata
from merdata_train.data.source import Examples
from merdata_train.features.cache import audio_features, audio_samples
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.features import Mfcc
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.training.validation import all_metrics, with_predictions
from tests.conftest import Once
from tests.merdata_train.encoders.tiny import save_audio_encoder, save_text_encoder

# The tests run in two processes on two cores: more threads would only wait for each other.
torch.set_num_threads(1)

Tiny = list[str]
FEW = ["data.corpora=[meld, ravdess]", "features.audio.seconds=0.5", "features.text.max_tokens=48"]
HEAD = ["model.width=16", "model.layers=1", "model.heads=2"]
CLASSES = ("anger", "joy", "neutral")
SMALL = [
    "model.width=32",
    "model.layers=1",
    "model.heads=4",
    "stages.0.epochs=4",
    "stages.0.batch_size=64",
    "stages.0.lr=1e-3",
]


def uar(model: EmotionModel, examples: Examples) -> float:
    return all_metrics(with_predictions(model, examples), examples.classes)["uar"]


def make_examples(n: int = 240, split: str = "train", seed: int = 0, shift: float = 1.0) -> Examples:
    """Rows whose audio and text both tell the class, each in part."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, len(CLASSES), n)
    means = np.random.default_rng(7).normal(size=(len(CLASSES), 160 + 768))
    vectors = (shift * means[labels] + random.normal(size=(n, 160 + 768)) * 3).astype(np.float32)
    rows = pd.DataFrame(
        {
            "id": [f"c/{split}{row}" for row in range(n)],
            "corpus": "c",
            "domain": "acted",
            "language": "en",
            "speaker": [f"s{row % 7}" for row in range(n)],
            "dialogue": None,
            "label": [CLASSES[label] for label in labels],
        }
    )
    tensors = {
        "audio_vec": torch.from_numpy(vectors[:, :160]),
        "text_vec": torch.from_numpy(vectors[:, 160:]),
        "has_audio": torch.from_numpy(random.random(n) > 0.1),
        "has_text": torch.ones(n, dtype=torch.bool),
        "labels": torch.from_numpy(labels),
    }
    return Examples(split, rows, CLASSES, tensors)


@pytest.fixture(scope="session")
def store(store: merdata.Store, once: Once, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """As the session's, with its features: here they take a second, and other processes seconds to start."""

    def fill(folder: Path) -> None:
        filled = merdata.open_store(shutil.copytree(store.path, folder))
        audio_features(filled, filled.shards(), Mfcc(), jobs=1)
        audio_samples(filled, filled.shards(["meld", "ravdess"]), jobs=1)

    path = tmp_path_factory.mktemp("featured") / "store"
    return merdata.open_store(shutil.copytree(once("featured", fill), path))


@pytest.fixture
def small(store: merdata.Store) -> Recipe:
    """A1, small enough for a test, on the session's store."""
    return load_recipe("source0/A1", [f"store={store.path}", *SMALL])


@pytest.fixture(scope="session")
def tiny(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Words that put tiny encoders and few, short rows in the place of a recipe's."""
    folder = tmp_path_factory.mktemp("encoders")
    texts = [text for text in store.rows(["text"])["text"].to_pylist() if text]
    audio = save_audio_encoder(folder / "wavlm")
    text = save_text_encoder(folder / "roberta", texts)
    own = {"audio": audio, "text": text}
    places = [
        word
        for name, path in own.items()
        for word in (f"features.{name}.model={path}", f"features.{name}.revision=null")
    ]
    return [f"store={store.path}", *places, *HEAD, *FEW]


@pytest.fixture(scope="session")
def folded(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """As the session's store, with the protocols of the suites beside the default one. Read only."""
    path = tmp_path_factory.mktemp("folded") / "store"
    shutil.copytree(store.path, path)
    merdata.split(path, protocol="loco")
    merdata.split(path, protocol="kfold", corpora=["iemocap"])
    merdata.split(path, protocol="kfold", corpora=["ravdess"])
    merdata.split(path, protocol="kfold", corpora=["ravdess"], folds=4)
    merdata.split(path, protocol="random", corpora=["ravdess"], ratios=(0.5, 0.25, 0.25))
    merdata.split(path, protocol="fewshot", corpora=["cremad"], whole=["iemocap"])
    merdata.split(path, protocol="random", corpora=["tess"], ratios=(0.7, 0.15, 0.15))
    merdata.split(path, protocol="kfold", corpora=["tess"], by="text")
    for kind in ("one-speaker", "one-speaker+text"):
        merdata.split(path, protocol=kind, corpora=["tess"])
    return merdata.open_store(path)


@pytest.fixture(scope="session")
def silenced(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of MELD's texts, with silence in the place of its clips. Read only."""
    folder = tmp_path_factory.mktemp("silenced")
    shutil.copytree(corpora / "meld", folder / "meld", ignore=shutil.ignore_patterns("*.mp4"))
    merdata.build(["meld"], folder / "meld", folder / "store", on_bad_audio="silence", jobs=0)
    merdata.split(folder / "store")
    return folder / "store"


@pytest.fixture(scope="session")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the session's runs. Read only."""
    return tmp_path_factory.mktemp("runs")


@pytest.fixture(scope="session")
def trained(store: merdata.Store, runs: Path) -> Path:
    """The folder of a small A1, trained and evaluated. Read only."""
    return _scored(store, runs, "stages.0.epochs=12")


@pytest.fixture(scope="session")
def reseeded(store: merdata.Store, runs: Path) -> Path:
    """As `trained`, with another seed and fewer epochs. Read only."""
    return _scored(store, runs, "seed=1")


def _scored(store: merdata.Store, runs: Path, *overrides: str) -> Path:
    from merdata_train.runs.evaluate import evaluate
    from merdata_train.runs.run import run

    folder = run(load_recipe("source0/A1", [f"store={store.path}", *SMALL, *overrides]), runs)
    evaluate(folder)
    return folder
