"""Texts that a recogniser heard, in the place of those that a corpus gives."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence

import merdata
from merdata import plugin

SHORT = 12  # characters of a commit or a hash


def recognised(store: merdata.Store, layer: str, corpora: Sequence[str]) -> dict[str, str | None]:
    """id -> text of a layer of transcripts; None where no words were heard.

    Raises:
        StoreError: the layer lacks a corpus or is of other rows; the message names the command.
    """
    heard = merdata.transcripts(store, layer, corpora)
    return {
        id: text or None for id, text in zip(heard["id"].to_pylist(), heard["text"].to_pylist(), strict=True)
    }


def said_of(store: merdata.Store, layer: str) -> str:
    """What made the texts of a layer, in a sentence."""
    header = plugin.layer_header(store, layer.removeprefix("asr/"))
    model = f" by {header['model']} ({header['revision'][:SHORT]})" if header else ""
    return f"The texts are not the corpora's: they were recognised{model}, layer {layer}."


def texts_hash(texts: Mapping[str, str | None]) -> str:
    """SHA-256 over ids and texts."""
    return hashlib.sha256(json.dumps(list(texts.items())).encode()).hexdigest()
