"""What a run's model makes of its test rows, kept on request, with their ids.

RUN/embeddings.safetensors   name -> `[n, width]`
RUN/attention.safetensors    `gate.<name>` `[n, width or 1]`; `attention.<layer>.<modality>`, all rows'
                             weights one after another without padding, each `[heads, queries, keys]`, and
                             `attention.<layer>.<modality>.shape` `[n, 3]`
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from merdata import plugin
from merdata_train.data.source import Examples, Source
from merdata_train.errors import RunError
from merdata_train.models.emotion import ModelOutput, open_model
from merdata_train.models.inference import WORKERS
from merdata_train.runs.folder import open_run
from merdata_train.runs.saved import SavedModel
from merdata_train.training.devices import processes

FILE, ATTENTION = "embeddings.safetensors", "attention.safetensors"


def keep_embeddings(folder: Path, *, workers: int = WORKERS) -> Path:
    """Compute and write the embeddings of a scored run's test rows, unless they are there.

    Raises:
        RunError: the folder is not a finished run.
    """
    path = folder / FILE
    if path.exists():
        return path
    saved, test = _opened(folder, workers)
    embeddings = saved.embeddings(test)
    facts = {"ids": json.dumps(test.rows["id"].tolist())}
    with plugin.write_atomically(path) as temporary:
        save_file({name: vectors.contiguous() for name, vectors in embeddings.items()}, temporary, facts)
    return path


def keep_attention(folder: Path, *, workers: int = WORKERS) -> Path:
    """Compute and write the attention between modalities, and the gates, of a scored run's test rows.

    Raises:
        RunError: the folder is not a finished run, or its model has neither.
    """
    path = folder / ATTENTION
    if path.exists():
        return path
    saved, test = _opened(folder, workers)
    tensors, ids = _attention_of(saved.outputs(test), len(test)), test.rows["id"].tolist()
    if not tensors:
        raise RunError(f"the model of {folder} has neither attention between its modalities nor gates")
    with plugin.write_atomically(path) as temporary:
        save_file(tensors, temporary, {"ids": json.dumps(ids)})
    return path


def _attention_of(outputs: Iterable[tuple[list[int], ModelOutput]], n: int) -> dict[str, Tensor]:
    """The tensors of attention.safetensors."""
    gates: dict[str, Tensor] = {}
    weights: dict[str, dict[int, Tensor]] = {}
    for rows, output in outputs:
        for name, gate in output.gates.items():
            gates.setdefault(f"gate.{name}", torch.empty(n, gate.shape[1]))[rows] = gate.float().cpu()
        for name, padded in output.attentions.items():
            queries = name.rpartition(".")[2]
            (keys,) = output.lengths.keys() - {queries}
            sizes = zip(output.lengths[queries].tolist(), output.lengths[keys].tolist(), strict=True)
            own = weights.setdefault(f"attention.{name}", {})
            for row, of_row, (high, wide) in zip(rows, padded.float().cpu(), sizes, strict=True):
                own[row] = of_row[:, :high, :wide].clone()
    tensors = {name: gate.contiguous() for name, gate in gates.items()}
    for name, by_row in weights.items():
        in_order = [by_row[row] for row in range(n)]
        tensors[name] = torch.cat([of_row.flatten() for of_row in in_order])
        tensors[f"{name}.shape"] = torch.tensor([of_row.shape for of_row in in_order])
    return tensors


def _opened(folder: Path, workers: int) -> tuple[SavedModel, Examples]:
    """The model of a run, and its test rows."""
    source = Source(open_run(folder)[0])
    model = open_model(folder / "model").to(processes().device)
    return SavedModel(folder, source, model, workers), source.examples("test")


def read_embeddings(folder: Path) -> tuple[list[str], dict[str, npt.NDArray[np.float32]]]:
    """The ids of the test rows and, by name, their embeddings `[n, width]`; nothing where none were kept.

    Raises:
        RunError: the file is damaged.
    """
    path = folder / FILE
    if not path.exists():
        return [], {}
    try:
        with safe_open(path, framework="numpy") as file:
            vectors = {name: file.get_tensor(name) for name in sorted(file.keys())}
            return json.loads(file.metadata()["ids"]), vectors
    except (OSError, KeyError, TypeError, ValueError, SafetensorError) as error:
        raise RunError(f"{path} is damaged: delete it, and run the suite again") from error
