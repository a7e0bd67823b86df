"""From miniature corpora to test rows with frozen tiny encoders: do both modalities beat either, and chance?

UAR differences on the test rows with 95 % intervals, resampling dialogues and speakers. Three minutes on one
thread.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_learning.py
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import torch

import merdata
from merdata.corpora.miniature import miniatures, write_corpus
from merdata_train.data.frozen import encoded
from merdata_train.data.source import Source
from merdata_train.encoders.pretrained import import_transformers
from merdata_train.models.inference import predict
from merdata_train.recipe.recipe import load_recipe
from merdata_train.scoring.metrics import confusion
from merdata_train.scoring.statistics import paired
from merdata_train.training.fit import fit
from tests.merdata_train.encoders.tiny import SIZES, save_text_encoder

MODALITIES = ("[audio, text]", "[audio]", "[text]")
# What a network with random weights says of a row lies in its first states; on these a head learns to read.
# Gated fusion bears a learning rate of 0.003; at that rate the Transformer ends as one class.
HEAD = [
    "model={kind: tokens, width: 64, layers: 2, heads: 4, dropout: 0.2}",
    "stages.0={epochs: 80, patience: 80, batch_size: 32, lr: 0.0005, weight_decay: 0, sampler: null}",
    "stages.0.freeze=[audio_encoder.network, text_encoder.network]",
    "stages.0.plateau.patience=15",
    "features.audio.layers=0",
    "features.audio.seconds=2.5",
    "features.text.layers=0",
    "features.text.pool=mean",
    "loss.label_smoothing=0",
    "modality_dropout=0",
]


def save_encoders(folder: Path, store: merdata.Store) -> list[str]:
    transformers = import_transformers()
    torch.manual_seed(0)
    sizes = SIZES | {"hidden_size": 64, "initializer_range": 0.02}
    near = {"num_conv_pos_embeddings": 16, "num_conv_pos_embedding_groups": 4}
    config = transformers.WavLMConfig(**sizes, **near, conv_dim=(64,) * 7)
    transformers.WavLMModel(config).save_pretrained(folder / "audio")
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder / "audio")
    texts = [text for text in store.rows(["text"])["text"].to_pylist() if text]
    save_text_encoder(folder / "text", texts, hidden_size=512, num_hidden_layers=1, initializer_range=0.02)
    names = ("audio", "text")
    places = [f"features.{name}.model={folder / name}" for name in names]
    return [*places, *(f"features.{name}.revision=null" for name in names)]


def learn(store: merdata.Store, folder: Path) -> None:
    """Train the three models and print what they differ by."""
    places = save_encoders(folder, store)
    counts = {}
    print("| system | over | UAR difference | 95 % interval |\n|---|---|---:|---|")
    for modalities in MODALITIES:
        words = [f"store={store.path}", *places, *HEAD, f"modalities={modalities}"]
        recipe = load_recipe("source0/B2", words)
        source = Source(recipe)
        train, validation = source.examples("train"), source.examples("validation")
        model, _ = fit(recipe, train, validation, cache=folder)
        test = source.examples("test")
        found = predict(model, encoded(model.encoders, test, folder)).argmax(dim=-1)
        named = np.array(test.classes)[found.numpy()]
        clusters = test.rows["dialogue"].fillna(test.rows["corpus"] + test.rows["speaker"]).to_numpy()
        groups = [clusters == one for one in np.unique(clusters)]
        labels = test.rows["label"]
        counts[modalities] = np.stack(
            [confusion(labels[group], named[group], test.classes) for group in groups]
        )
        constant = np.zeros_like(counts[modalities])
        constant[..., -1] = counts[modalities].sum(axis=-1)
        tell(modalities, "always one class", constant, counts[modalities])
    for alone in MODALITIES[1:]:
        tell(MODALITIES[0], alone, counts[alone], counts[MODALITIES[0]])


def tell(name: str, over: str, one: np.ndarray, other: np.ndarray) -> None:
    found = paired(one[None], other[None])["uar"]
    low, high = found["interval"]
    print(f"| {name} | {over} | {found['difference']:.3f} | [{low:.3f}, {high:.3f}] |", flush=True)


def main() -> None:
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        for name in miniatures():
            write_corpus(name, folder / "corpora" / name)
        merdata.build(["all"], folder / "corpora", folder / "store")
        merdata.split(folder / "store")
        learn(merdata.open_store(folder / "store"), folder)


if __name__ == "__main__":
    main()
