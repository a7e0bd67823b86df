"""Any recipe, small: narrow parts, few layers, few rows a step, an epoch a stage; its shape stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.suite import load_suite

SMALL: dict[str, Any] = {"width": 8, "hidden": 8, "heads": 2, "ffn_mult": 1, "layers": 1}


def shrunk(part: Any) -> Any:
    """A part of a recipe, as JSON, with small numbers in the place of its own."""
    if isinstance(part, list):
        return [shrunk(value) for value in part]
    if not isinstance(part, dict):
        return part
    return {key: _number(key, value) for key, value in part.items()}


def _number(key: str, value: Any) -> Any:
    if key in SMALL and value:
        return [SMALL[key]] if isinstance(value, list) else SMALL[key]
    return shrunk(value)


def small_words(name: str, audio: Path, text: Path, *, epochs: int = 1) -> list[str]:
    """Overrides that make a recipe small.

    Args:
        name: of the recipe.
        audio, text: folders of encoders with two layers, in the place of pretrained ones.
        epochs: of the first stage; the others have one.
    """
    recipe = load_recipe(name)
    tree = recipe.model_dump(mode="json")
    words = [f"{key}={json.dumps(shrunk(tree[key]))}" for key in ("model", "auxiliary")]
    for modality, encoder in recipe.encoders().items():
        place = {"audio": audio, "text": text}[modality]
        layers = [1, 2] if isinstance(encoder.layers, tuple) else encoder.layers
        own = {"model": str(place), "revision": None, "layers": 2 if isinstance(layers, int) else layers}
        words += [f"features.{modality}.{key}={json.dumps(value)}" for key, value in own.items()]
        words += ["features.audio.seconds=0.5"] if modality == "audio" else []
    return [
        *words,
        *(f"stages.{at}.epochs={epochs if at == 0 else 1}" for at in range(len(recipe.stages))),
        *(f"stages.{at}.batch_size=8" for at in range(len(recipe.stages))),
    ]


def small_suite(name: str, folder: Path, audio: Path, text: Path) -> Path:
    """A suite that ships, in a file, each cell from a small copy of its recipe in `folder`."""
    suite = load_suite(name).model_dump(mode="json")
    for cell in [suite, *(cell for axis in suite["axes"].values() for cell in axis.values())]:
        if cell["recipe"]:
            cell["recipe"] = str(_small_recipe(cell["recipe"], folder, audio, text))
    path = folder / f"suite-{name}.yaml"  # a recipe may have its name
    path.write_text(yaml.safe_dump(suite, sort_keys=False), "utf-8")
    return path


def _small_recipe(name: str, folder: Path, audio: Path, text: Path) -> Path:
    path = folder / f"{name.replace('/', '-')}.yaml"
    recipe = load_recipe(name, small_words(name, audio, text))
    path.write_text(yaml.safe_dump(recipe.model_dump(mode="json"), sort_keys=False), "utf-8")
    return path
