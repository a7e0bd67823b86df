"""What is known of public encoders: what they were trained on, and how large they are (`encoders.yaml`)."""

from __future__ import annotations

from fnmatch import fnmatch
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from merdata_train.recipe.features import Encoder


@cache
def encoders() -> dict[str, dict[str, Any]]:
    """Pattern of names -> labels, audio, evidence, parameters."""
    table: dict[str, dict[str, Any]] = yaml.safe_load(
        (files(__package__) / "encoders.yaml").read_text("utf-8")
    )
    return table


def entry(name: str) -> dict[str, Any]:
    """What is known of an encoder by its name, with or without its owner; empty if nothing is."""
    own = name.rpartition("/")[2].lower()
    return next((facts for pattern, facts in encoders().items() if fnmatch(own, pattern)), {})


def parameters(encoder: Encoder) -> float | None:
    """Weights of an encoder without its table of tokens, or about; None if that is not known."""
    millions = entry(encoder.model).get("millions")
    if millions is not None:
        return float(millions) * 1e6
    weights = Path(encoder.model) / "model.safetensors"
    return weights.stat().st_size / 4 if weights.is_file() else None
