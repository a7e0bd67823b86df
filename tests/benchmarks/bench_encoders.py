"""End-to-end training: padding, waiting for data, frozen encoders with and without their cache, speed.

Rows are noise of the lengths of speech (log-normal, median 2.8 s, at most 15 s) with two to five tokens a
second. Encoders have random weights: tiny ones of two layers, or with `base` those of WavLM-base and
RoBERTa-base, for a GPU. Padding is counted over an epoch of as many rows as a corpus has.

PYTHONPATH=. .venv/bin/python tests/benchmarks/bench_encoders.py [base] [compile]
"""

from __future__ import annotations

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from common import machine

from merdata_train.data.batching import micro_batches, padded, steps
from merdata_train.data.sequences import SECONDS_PER_POSITION, Clips, Floats, TokenRows
from merdata_train.data.source import Examples
from merdata_train.encoders.encoder import shortest
from merdata_train.encoders.pretrained import import_transformers, load_config, load_extractor
from merdata_train.models.emotion import EmotionModel
from merdata_train.models.inference import loader
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.training.devices import accelerator_of
from merdata_train.training.fit import fit
from merdata_train.training.stages import optimizer_of, set_training

CLASSES = ("anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral")
BASE, COMPILE = "base" in sys.argv[1:], "compile" in sys.argv[1:]
ROWS, STEPS, WORKERS = (2_048, 40, 2) if BASE else (512, 14, 2)
CORPUS = 20_000
TINY = {"hidden_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 128}
FRAMES_A_SECOND, FORWARD_AND_BACKWARD = 50, 6  # operations a weight and position


def save_encoders(folder: Path) -> None:
    transformers = import_transformers()
    audio = transformers.WavLMConfig() if BASE else transformers.WavLMConfig(**TINY, conv_dim=(32,) * 7)
    text = transformers.RobertaConfig() if BASE else transformers.RobertaConfig(**TINY)
    transformers.WavLMModel(audio).save_pretrained(folder / "audio")
    transformers.Wav2Vec2FeatureExtractor(do_normalize=False).save_pretrained(folder / "audio")
    transformers.RobertaModel(text).save_pretrained(folder / "text")


def lengths(rows: int) -> tuple[Floats, Floats]:
    """Seconds and tokens of so many rows."""
    random = np.random.default_rng(0)
    seconds = random.lognormal(np.log(2.8), 0.55, rows).clip(0.4, 15)
    return seconds, np.ceil(seconds * random.uniform(2, 5, rows)) + 2


def rows(recipe: Recipe) -> Examples:
    random = np.random.default_rng(0)
    seconds, sizes = lengths(ROWS)
    clips = [
        torch.from_numpy((random.normal(size=int(16_000 * one)) * 2_000).astype(np.int16)) for one in seconds
    ]
    tokens = [random.integers(10, 5_000, int(size)).astype(np.int32) for size in sizes]
    audio = recipe.encoders()["audio"]
    extractor, fewest = load_extractor(audio.model), shortest(load_config(audio))
    sequences = {
        "audio": Clips(clips, [str(at) for at in range(ROWS)], 15.0, fewest, extractor),
        "text": TokenRows(tokens, 1, [1] * ROWS),
    }
    labels = random.integers(0, len(CLASSES), ROWS)
    there = torch.ones(ROWS, dtype=torch.bool)
    table = pd.DataFrame({"id": range(ROWS), "label": np.array(CLASSES)[labels]})
    table = table.assign(corpus="c", domain="acted", language="en", shard=np.arange(ROWS) // 128)
    tensors = {"has_audio": there, "has_text": there, "labels": torch.from_numpy(labels)}
    return Examples("train", table, CLASSES, tensors, sequences)


def padding() -> None:
    seconds, tokens = lengths(CORPUS)
    costs = np.stack([seconds, tokens * SECONDS_PER_POSITION], axis=1)
    order = np.random.default_rng(1).permutation(CORPUS).tolist()
    random = [order[at : at + 32] for at in range(0, CORPUS, 32)]
    bucketed = [part for step in steps(order, 32, costs, 0) for part in micro_batches(step, costs, 160)]
    for name, some in (("audio", costs[:, :1]), ("audio and text", costs)):
        tell(f"padded for each real second, {name}", f"{padded(bucketed, some):.3f}", "goal 1.10")
        tell(f"the same, {name}, random batches", f"{padded(random, some):.3f}")


def reading(examples: Examples) -> None:
    """What one worker gets ready: it must be more than a GPU takes."""
    batches = steps(range(ROWS), 32, examples.costs, 0)
    began = time.perf_counter()
    for batch in batches:
        examples.__getitems__(batch)
    took = time.perf_counter() - began
    tell("audio seconds a second, read and padded by one worker", f"{examples.costs[:, 0].sum() / took:.0f}")


def training(recipe: Recipe, examples: Examples) -> None:
    """Steps of B1, and what they wait for."""
    accelerator = accelerator_of(recipe)
    stage = recipe.stages[0]
    model = EmotionModel.of(recipe, list(CLASSES)).to(accelerator.device)
    optimizer = optimizer_of(model, stage)
    wrapped, optimizer = accelerator.prepare(model, optimizer)
    if COMPILE:
        wrapped = torch.compile(wrapped, dynamic=True)
    wrapped.train()
    set_training(model, stage)
    planned = steps(range(ROWS), stage.batch_size, examples.costs, 0)[: STEPS + 2]
    micro = [part for step in planned for part in micro_batches(step, examples.costs, stage.batch_seconds)]
    waited = worked = seconds = tokens = 0.0
    batches = iter(loader(examples, micro, WORKERS))
    for at, part in enumerate(micro):
        began = time.perf_counter()
        batch = {name: tensor.to(accelerator.device) for name, tensor in next(batches).items()}
        got = time.perf_counter()
        loss = torch.nn.functional.cross_entropy(wrapped(batch).logits.float(), batch["labels"])
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        synchronise()
        if at < 2:  # the first ones make tables and kernels
            continue
        waited, worked = waited + got - began, worked + time.perf_counter() - got
        seconds += float(batch["audio_lengths"].sum()) / 16_000
        tokens += float(batch["text_lengths"].sum())
        del part
    whole = waited + worked
    tell("a step waits for data", f"{waited / whole:.1%}", f"goal 5 %, {WORKERS} workers")
    tell("audio seconds a second", f"{seconds / whole:.1f}")
    tell("tokens a second", f"{tokens / whole:.0f}")
    sizes = {
        name: sum(one.numel() for one in part.network.encoder.parameters())
        for name, part in model.encoders.items()
    }
    done = FORWARD_AND_BACKWARD * (sizes["audio"] * seconds * FRAMES_A_SECOND + sizes["text"] * tokens)
    tell("TFLOP/s in the encoders' layers", f"{done / worked / 1e12:.3g}", "real positions alone")
    if torch.cuda.is_available():
        tell("memory", f"{torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


def frozen(recipe: Recipe, examples: Examples, folder: Path) -> None:
    """An epoch of B2, whose encoders are frozen, with what the cache holds and without."""
    validation = Examples("validation", examples.rows, CLASSES, examples.tensors, examples.sequences)
    for remark in ("encoders run", "outputs kept"):
        began = time.perf_counter()
        fit(recipe, examples, validation, cache=folder)
        tell(f"frozen epoch, {remark}", f"{time.perf_counter() - began:.2f} s")


def synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def tell(what: str, value: Any, remark: str = "") -> None:
    print(f"| {what} | {value} | {remark} |")


def main() -> None:
    device = torch.cuda.get_device_name() if torch.cuda.is_available() else machine()
    print(f"{'base' if BASE else 'tiny'} encoders, {device}, torch {torch.__version__}\n")
    print("| what | value | |\n|---|---:|---|")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_encoders(folder)
        places = [f"features.{name}.model={folder / name}" for name in ("audio", "text")]
        places += [f"features.{name}.revision=null" for name in ("audio", "text")]
        words = [*places, "features.audio.seconds=15", "stages.0.sampler=null", "stages.0.epochs=1"]
        recipe = load_recipe("source0/B1", words)
        examples = rows(recipe)
        padding()
        reading(examples)
        training(recipe, examples)
        frozen(load_recipe("source0/B2", words), examples, folder / "cache")


if __name__ == "__main__":
    main()
