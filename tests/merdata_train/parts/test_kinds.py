"""A new kind of part is one file: nothing else names it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch
from pydantic import TypeAdapter

from merdata_train.parts import fusions
from merdata_train.parts.kinds import kinds, union
from merdata_train.parts.model import Model
from merdata_train.parts.models import MODELS
from merdata_train.parts.stream import Shape, Stream

FILE = '''
"""The product of the modalities' vectors."""

from typing import Literal

import torch

from merdata_train.parts.model import FusesVectors
from merdata_train.parts.schemas import Fused, FusionModule
from merdata_train.parts.stream import Shapes, Streams


class Product(FusesVectors):
    """The product of vectors of one width, 0 for a missing one."""

    kind: Literal["product"]

    def build(self, shapes: Shapes) -> FusionModule:
        return _Multiplied(shapes)


class _Multiplied(FusionModule):
    def __init__(self, shapes: Shapes) -> None:
        super().__init__()
        (self.width,) = {shape.width for shape in shapes.values()}

    def forward(self, streams: Streams) -> Fused:
        return Fused(torch.stack([stream.known for stream in streams.values()]).prod(dim=0))
'''


def test_a_new_fusion_is_one_file_and_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "product.py").write_text(FILE, "utf-8")
    monkeypatch.setattr(fusions, "__path__", [*fusions.__path__, str(tmp_path)])
    found = kinds(fusions, Model)  # type: ignore[type-abstract]
    monkeypatch.delitem(sys.modules, "merdata_train.parts.fusions.product")
    assert set(found) == {*MODELS, "product"}
    model: Model = TypeAdapter(union(found)).validate_python({"kind": "product"})
    vectors = {name: torch.randn(3, 4) for name in ("audio", "text")}
    there = torch.ones(3, dtype=torch.bool)
    fusion = model.build({name: Shape(4, sequence=False) for name in vectors})
    fused = fusion({name: Stream.of_vectors(vector, there) for name, vector in vectors.items()})
    assert torch.allclose(fused.vector, vectors["audio"] * vectors["text"])


def test_two_files_of_one_kind_are_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "again.py").write_text(FILE.replace('"product"', '"gated"'), "utf-8")
    monkeypatch.setattr(fusions, "__path__", [*fusions.__path__, str(tmp_path)])
    with pytest.raises(TypeError, match="both called 'gated'"):
        kinds(fusions, Model)  # type: ignore[type-abstract]
    monkeypatch.delitem(sys.modules, "merdata_train.parts.fusions.again")
