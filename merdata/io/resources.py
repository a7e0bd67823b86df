"""The folders that ship beside the packages: cards/ as merdata.cards, recipes/ as merdata_train.recipes."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path


def card_text(name: str) -> str:
    """A file of cards/, such as `dataset.md.j2` or `corpora/ravdess.md`."""
    try:
        return (files("merdata.cards") / name).read_text("utf-8")
    except ModuleNotFoundError:  # a checkout, or an editable installation of one
        return (Path(__file__).parents[2] / "cards" / name).read_text("utf-8")
