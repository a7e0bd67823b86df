"""The outputs of a frozen encoder, computed once for each shard and kept on disk.

A file's name is the hash of all that its numbers depend on: the network's weights, what is read of it, and
the rows. So an encoder that a stage has trained is another one, and the same rows are found again under
another protocol, seed or recipe. Rows with the same content (a sentence that many speakers read) are computed
once.

<folder>/<hash>.safetensors   features `[rows, width]`, or `[all frames, layers, width]` with offsets
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from tqdm import tqdm

from merdata import plugin
from merdata_train.data.batching import EVALUATION_SECONDS, micro_batches
from merdata_train.data.sequences import Sequences, States
from merdata_train.data.source import Examples
from merdata_train.encoders.encoder import PretrainedEncoder
from merdata_train.errors import disk_errors

VERSION = 2  # raise it whenever the same weights and rows would give other numbers
Tensors = dict[str, Tensor]


def encoded(
    encoders: dict[str, PretrainedEncoder],
    examples: Examples,
    folder: Path | None,
    share: int = 0,
    shares: int = 1,
) -> Examples:
    """Examples with the outputs of frozen encoders in place of their inputs.

    Args:
        encoders: modality -> its frozen encoder.
        examples: with the sequences of these modalities.
        folder: where outputs are kept; None to keep none.
        share: which of the processes this is: it begins with its own share of what is missing.
        shares: how many processes there are.

    Raises:
        StoreError: the folder cannot be written.
    """
    for name, encoder in encoders.items():
        examples = _encoded(name, encoder, examples, folder, share, shares)
    return examples


def _encoded(
    name: str, encoder: PretrainedEncoder, examples: Examples, folder: Path | None, share: int, shares: int
) -> Examples:
    rows = examples.sequences[name]
    shards = examples.rows["shard"].to_numpy()
    groups = [np.flatnonzero(shards == shard).tolist() for shard in np.unique(shards)]
    files = _files(encoder, rows, groups, folder)
    missing = [number for number, file in enumerate(files) if file is None or not file.is_file()]
    computed: dict[int, Tensors] = {}
    label = f"frozen {name} encoder"
    with tqdm(
        total=sum(len(groups[number]) for number in missing),
        desc=label,
        unit="rows",
        disable=not sys.stderr.isatty(),
    ) as bar:
        for number in [*missing[share::shares], *missing]:
            file = files[number]
            if number in computed or (file is not None and file.is_file()):
                continue
            computed[number] = _outputs(encoder, rows, groups[number])
            if file is not None:
                with plugin.write_atomically(file) as temporary, disk_errors():
                    save_file(computed.pop(number), temporary)
            bar.update(len(groups[number]))
    kept = [computed[number] if file is None else load_file(file) for number, file in enumerate(files)]
    return _placed(name, examples, groups, kept)


def _files(
    encoder: PretrainedEncoder, rows: Sequences, groups: Sequence[list[int]], folder: Path | None
) -> list[Path | None]:
    if folder is None:
        return [None] * len(groups)
    weights = hashlib.sha256()
    for name, tensor in sorted(encoder.network.state_dict().items()):
        weights.update(name.encode())
        weights.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    told = encoder.config.model_dump(exclude={"model", "revision"}) | {"states": encoder.learns_to_read}
    if encoder.learns_to_read:
        told.pop("pool")
    shared = json.dumps([VERSION, weights.hexdigest(), told], sort_keys=True).encode()
    names = [hashlib.sha256(b"\0".join([shared, *(rows.key(row) for row in group)])) for group in groups]
    return [folder / f"{name.hexdigest()}.safetensors" for name in names]


def _outputs(encoder: PretrainedEncoder, rows: Sequences, group: Sequence[int]) -> Tensors:
    """The outputs of some rows, in their order; each content once."""
    first = {rows.key(row): row for row in reversed(group)}
    distinct = sorted(first.values())
    place = {row: number for number, row in enumerate(distinct)}
    order = [place[first[rows.key(row)]] for row in group]
    outputs: list[Tensor] = [torch.empty(0)] * len(distinct)
    for row, output in _run(encoder, rows, distinct):
        outputs[place[row]] = output
    if not encoder.learns_to_read:
        return {"features": torch.stack(outputs)[order]}
    lengths = [len(outputs[number]) for number in order]
    return {
        "features": torch.cat([outputs[number] for number in order]),
        "offsets": torch.tensor(np.cumsum([0, *lengths])),
    }


def _run(encoder: PretrainedEncoder, rows: Sequences, chosen: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
    device = next(encoder.parameters()).device
    encoder.eval()
    with torch.inference_mode():
        for rows_of_batch in micro_batches(chosen, rows.seconds[:, None], EVALUATION_SECONDS):
            batch: dict[str, Any] = {
                key: value.to(device) for key, value in rows.batch("", rows_of_batch).items()
            }
            states, lengths = encoder.states(batch["_values"], batch["_lengths"], batch.get("_starts"))
            if encoder.learns_to_read:
                outputs = [row[:length] for row, length in zip(states, lengths.tolist(), strict=True)]
            else:
                outputs = list(encoder.read(states, lengths))
            yield from zip(rows_of_batch, (output.float().cpu().clone() for output in outputs), strict=True)


def _placed(name: str, examples: Examples, groups: Sequence[list[int]], kept: Sequence[Tensors]) -> Examples:
    """The outputs in the order of the examples."""
    order = np.argsort(np.concatenate([np.array(group) for group in groups]), kind="stable")
    others = {key: value for key, value in examples.sequences.items() if key != name}
    if "offsets" not in kept[0]:
        vectors = torch.cat([shard["features"] for shard in kept])[order]
        return replace(examples, tensors=examples.tensors | {f"{name}_vec": vectors}, sequences=others)
    states = [
        row for shard in kept for row in torch.tensor_split(shard["features"], shard["offsets"][1:-1].cpu())
    ]
    return replace(examples, sequences=others | {name: States([states[row] for row in order])})
