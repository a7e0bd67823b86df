"""What is known of public encoders: what they were trained on, and how large they are (`encoders.yaml`)."""

from __future__ import annotations

from fnmatch import fnmatch
from functools import cache
from importlib.resources import files
from pathlib import Path

import yaml
from typing_extensions import TypedDict

from merdata_train.recipe.features import Encoder


class EncoderFacts(TypedDict, total=False):
    """An entry of `encoders.yaml`, which says what each key means."""

    labels: list[str]
    audio: list[str]
    evidence: str
    millions: float
    window: float


@cache
def encoders() -> dict[str, EncoderFacts]:
    """Pattern of names -> what is known of the encoders that have one."""
    table: dict[str, EncoderFacts] = yaml.safe_load((files(__package__) / "encoders.yaml").read_text("utf-8"))
    return table


def entry(name: str) -> EncoderFacts:
    """What is known of an encoder by its name, with or without its owner; empty if nothing is."""
    own = name.rpartition("/")[2].lower()
    return next((facts for pattern, facts in encoders().items() if fnmatch(own, pattern)), EncoderFacts())


def parameters(encoder: Encoder) -> float | None:
    """Weights of an encoder without its table of tokens, or about; None if that is not known."""
    millions = entry(encoder.model).get("millions")
    if millions is not None:
        return float(millions) * 1e6
    weights = Path(encoder.model) / "model.safetensors"
    return weights.stat().st_size / 4 if weights.is_file() else None
