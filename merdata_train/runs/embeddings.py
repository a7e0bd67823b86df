"""The embeddings of a run's test rows, kept on request: embeddings.safetensors, and their ids."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from merdata import plugin
from merdata_train.data.source import Source
from merdata_train.errors import RunError
from merdata_train.models.emotion import open_model
from merdata_train.models.inference import WORKERS
from merdata_train.runs.folder import open_run
from merdata_train.runs.saved import SavedModel
from merdata_train.training.devices import processes

FILE = "embeddings.safetensors"


def keep_embeddings(folder: Path, *, workers: int = WORKERS) -> Path:
    """Compute and write the embeddings of a scored run's test rows, unless they are there.

    Raises:
        RunError: the folder is not a finished run.
    """
    path = folder / FILE
    if path.exists():
        return path
    recipe, _ = open_run(folder)
    source = Source(recipe)
    model = open_model(folder / "model").to(processes().device)
    test = source.examples("test")
    embeddings = SavedModel(folder, source, model, workers).embeddings(test)
    facts = {"ids": json.dumps(test.rows["id"].tolist())}
    with plugin.write_atomically(path) as temporary:
        save_file({name: vectors.contiguous() for name, vectors in embeddings.items()}, temporary, facts)
    return path


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
