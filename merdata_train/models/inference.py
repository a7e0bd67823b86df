"""Predictions for examples, in batches that do not depend on the machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, cast

import torch
from torch import Tensor
from torch.utils.data import DataLoader

from merdata.plugin import process_folder
from merdata_train.data.batching import EVALUATION_SECONDS, batches, micro_batches
from merdata_train.data.source import Examples
from merdata_train.models.emotion import EmotionModel, ModelOutput

EVALUATION_BATCH = 1_024
WORKERS = 2  # processes that read recordings


def predict(model: EmotionModel, examples: Examples, workers: int = 0) -> Tensor:
    """Class probabilities, float64 `[n, classes]`, in the order of the examples."""
    probabilities = torch.empty(len(examples), len(model.classes), dtype=torch.float64)
    for rows, output in outputs(model, examples, workers):
        probabilities[rows] = output.logits.double().softmax(dim=-1).cpu()
    return probabilities


def embed(model: EmotionModel, examples: Examples, workers: int = 0) -> dict[str, Tensor]:
    """The model's embeddings by name, float32 `[n, width]`, in the order of the examples."""
    embeddings: dict[str, Tensor] = {}
    for rows, output in outputs(model, examples, workers):
        for name, vectors in output.embeddings.items():
            whole = embeddings.setdefault(name, torch.empty(len(examples), vectors.shape[1]))
            whole[rows] = vectors.float().cpu()
    return embeddings


def outputs(
    model: EmotionModel, examples: Examples, workers: int = 0
) -> Iterator[tuple[list[int], ModelOutput]]:
    """What the model says of each batch, without gradients, with the numbers of its examples."""
    device = next(model.parameters()).device
    model.eval()
    rows = _in_order(examples)
    for batch_rows, batch in zip(rows, loader(examples, rows, workers), strict=True):
        with torch.inference_mode():
            output = model({name: tensor.to(device) for name, tensor in batch.items()})
        yield batch_rows, output


def _in_order(examples: Examples) -> list[list[int]]:
    everything = range(len(examples))
    if examples.sequences:
        return list(micro_batches(everything, examples.costs, EVALUATION_SECONDS))
    return batches(everything, EVALUATION_BATCH)


def loader(examples: Examples, rows: Sequence[Sequence[int]], workers: int) -> Iterable[dict[str, Tensor]]:
    """The batches of some rows; recordings are read and padded by workers, ahead of their use."""
    if not examples.sequences:
        return (examples.__getitems__(batch_rows) for batch_rows in rows)
    if workers:
        process_folder()
    # A generator of its own: what the loader draws for its workers must not move the training's numbers.
    return DataLoader(
        cast(Any, examples),
        batch_sampler=cast(Any, rows),
        num_workers=workers,
        collate_fn=_as_it_is,
        pin_memory=torch.cuda.is_available(),
        generator=torch.Generator(),
    )


def _as_it_is(batch: Any) -> Any:
    return batch
