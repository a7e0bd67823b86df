"""The outputs of a frozen encoder, computed once for each shard and kept on disk.

A file's name is the hash of all that its numbers depend on: the network's weights and what is read of it,
then the rows. So an encoder that a stage has trained is another one, and the same rows are found again under
another protocol, seed or recipe. Rows with the same content (a sentence that many speakers read) are computed
once.

Padding moves no output, but the size of a batch may move its last digit: so a file is for the rows that were
computed together. Where every row costs the same (Whisper) rows are computed one by one, and each is found
again in any file of its encoder, whatever the split put beside it.

<folder>/<encoder>-<rows>.safetensors   features `[rows, width]`, or `[all frames, layers, width]` with
                                        offsets; keys `[rows, 32]`, the hash of what each row holds
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

VERSION = 3  # raise it whenever the same weights and rows would give other numbers
KEY_BYTES = 32
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
    shelf = _Shelf(encoder, rows, folder)
    shards = examples.rows["shard"].to_numpy()
    groups = [shelf.lacking(np.flatnonzero(shards == shard).tolist()) for shard in np.unique(shards)]
    missing = [group for group in groups if group and not shelf.has(group)]
    with tqdm(
        total=sum(len(group) for group in missing),
        desc=f"frozen {name} encoder",
        unit="rows",
        disable=not sys.stderr.isatty(),
    ) as bar:
        for group in [*missing[share::shares], *missing]:
            if not shelf.has(group):
                shelf.add(group)
                bar.update(len(group))
    return _placed(name, examples, shelf.outputs(groups))


class _Shelf:
    """What is kept of an encoder's outputs, and what is missing.

    Attributes:
        known: what a row holds -> its output, of the rows that were computed one by one before.
    """

    def __init__(self, encoder: PretrainedEncoder, rows: Sequences, folder: Path | None) -> None:
        self.encoder, self.rows, self.folder = encoder, rows, folder
        self.keys = [hashlib.sha256(rows.key(row)).digest() for row in range(len(rows.rows))]
        self.name = "" if folder is None else _name(encoder)
        self.computed: dict[str, Tensors] = {}
        self.known: dict[bytes, Tensor] = {}
        if folder is not None and rows.cost_alike:
            for file in sorted(folder.glob(f"{self.name}-*.safetensors")):
                self.known |= _by_key(load_file(file))

    def lacking(self, rows: Sequence[int]) -> list[int]:
        """Of some rows those that must be computed, or read from the file of just these rows."""
        return [row for row in rows if self.keys[row] not in self.known]

    def has(self, rows: Sequence[int]) -> bool:
        """Whether these rows were computed together."""
        if self.folder is None:
            return self._hash(rows) in self.computed
        return self._file(rows, self.folder).is_file()

    def add(self, rows: Sequence[int]) -> None:
        """Compute rows and keep them."""
        keys = torch.frombuffer(bytearray(self._keys(rows)), dtype=torch.uint8).view(-1, KEY_BYTES)
        tensors = _outputs(self.encoder, self.rows, rows) | {"keys": keys}
        if self.folder is None:
            self.computed[self._hash(rows)] = tensors
            return
        with plugin.write_atomically(self._file(rows, self.folder)) as temporary, disk_errors():
            save_file(tensors, temporary)

    def outputs(self, groups: Sequence[list[int]]) -> list[Tensor]:
        """The output of every row, once each group has been computed."""
        own: dict[int, Tensor] = {}
        for group in filter(None, groups):
            own |= zip(group, _rows(self._kept(group)), strict=True)
        return [own[row] if row in own else self.known[key] for row, key in enumerate(self.keys)]

    def _kept(self, rows: Sequence[int]) -> Tensors:
        if self.folder is None:
            return self.computed[self._hash(rows)]
        return load_file(self._file(rows, self.folder))

    def _keys(self, rows: Sequence[int]) -> bytes:
        return b"".join(self.keys[row] for row in rows)

    def _hash(self, rows: Sequence[int]) -> str:
        return hashlib.sha256(self._keys(rows)).hexdigest()

    def _file(self, rows: Sequence[int], folder: Path) -> Path:
        return folder / f"{self.name}-{self._hash(rows)}.safetensors"


def _name(encoder: PretrainedEncoder) -> str:
    """The hash of an encoder's weights and of what is read of it."""
    weights = hashlib.sha256()
    for name, tensor in sorted(encoder.network.state_dict().items()):
        weights.update(name.encode())
        weights.update(tensor.detach().cpu().contiguous().numpy().tobytes())
    told = encoder.config.model_dump(exclude={"model", "revision"}) | {"states": encoder.learns_to_read}
    if encoder.learns_to_read:
        told.pop("pool")
    shared = json.dumps([VERSION, weights.hexdigest(), told], sort_keys=True).encode()
    return hashlib.sha256(shared).hexdigest()


def _rows(tensors: Tensors) -> list[Tensor]:
    """The outputs of a file, row by row."""
    if "offsets" in tensors:
        return list(torch.tensor_split(tensors["features"], tensors["offsets"][1:-1].cpu()))
    return list(tensors["features"])


def _by_key(tensors: Tensors) -> dict[bytes, Tensor]:
    keys = (bytes(key) for key in tensors["keys"].numpy())
    return dict(zip(keys, _rows(tensors), strict=True))


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
        most = 0.0 if rows.cost_alike else EVALUATION_SECONDS
        for rows_of_batch in micro_batches(chosen, rows.seconds[:, None], most):
            batch: dict[str, Any] = {
                key: value.to(device) for key, value in rows.batch("", rows_of_batch).items()
            }
            states, lengths = encoder.states(batch["_values"], batch["_lengths"], batch.get("_starts"))
            if encoder.learns_to_read:
                outputs = [row[:length] for row, length in zip(states, lengths.tolist(), strict=True)]
            else:
                outputs = list(encoder.read(states, lengths))
            yield from zip(rows_of_batch, (output.float().cpu().clone() for output in outputs), strict=True)


def _placed(name: str, examples: Examples, outputs: list[Tensor]) -> Examples:
    """The examples with outputs in the place of an encoder's inputs."""
    others = {key: value for key, value in examples.sequences.items() if key != name}
    if outputs[0].dim() == 1:
        tensors = examples.tensors | {f"{name}_vec": torch.stack(outputs)}
        return replace(examples, tensors=tensors, sequences=others)
    return replace(examples, sequences=others | {name: States(outputs)})
