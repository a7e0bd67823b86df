"""What a run is called: the recipe's name and a hash of everything that defines the run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from merdata import plugin
from merdata_train.data.source import Source
from merdata_train.encoders.pretrained import pinned
from merdata_train.recipe.recipe import Recipe
from merdata_train.recipe.stage import Stage
from merdata_train.runs.lineage import recorded_id
from merdata_train.training.stages import initial_weights

CODE_VERSION = 5  # raise it whenever the same recipe and rows would give another model


def folder_name(recipe: Recipe, source: Source) -> str:
    """The folder of a recipe's run.

    Args:
        recipe: its stages start from folders, not from names (`initial.with_initial`).
        source: may be that of another seed or fold of the recipe.
    """
    return f"{recipe.name.replace('/', '-')}-{_id(recipe, source)}"


def starts_of(stage: Stage) -> list[str]:
    """Names of recipes or folders that a stage, or modules of it, may start from."""
    return [*stage.wholes(), *(start.from_ for start in stage.starts())]


def _id(recipe: Recipe, source: Source) -> str:
    """Hash of what defines a run: recipe, rows, split, code and the runs that it starts from.

    The place of the store is not part of it.
    """
    known = {name: pinned(part) for name, part in recipe.encoders().items()}
    features = recipe.features.model_copy(update=known)
    recipe = recipe.model_copy(update={"features": features})
    resolved = recipe.model_dump(mode="json", exclude={"store": True, "stages": {"__all__": {"init"}}})
    resolved["fold"] = source.protocol.fold_number(recipe.fold)
    initial = [
        [_initial_id(Path(folder)) for folder in starts_of(stage)]
        + [start.modules for start in stage.starts()]
        for stage in recipe.stages
    ]
    parts = [CODE_VERSION, resolved, source.data_hash, source.protocol.hash, initial]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:8]


def _initial_id(folder: Path) -> str:
    """The id of the run in a folder, also of one that is planned; of a model without a run, its weights."""
    recorded = recorded_id(folder)
    if recorded is None and folder.exists():
        return plugin.file_sha256(initial_weights(str(folder)))
    return recorded or folder.name.rpartition("-")[2]
