"""The architectures that ship: the inert one is known to be, and a new fusion is one file."""

from __future__ import annotations

import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest
import torch

from merdata.labels import label_space
from merdata_train.models.emotion import EmotionModel
from merdata_train.parts.stream import Shape, Stream
from merdata_train.recipe.files import recipe_folder
from merdata_train.recipe.recipe import Recipe, load_recipe
from tests.merdata_train.parts.architectures import WIDTHS, batched, recipe_of, rows_of
from tests.merdata_train.small import shrunk


def model_of(recipe: Recipe, *, sequence: bool) -> EmotionModel:
    """The recipe's model, small, over random sequences of each modality or over one state each."""
    torch.manual_seed(0)
    tree = recipe.model_dump(mode="json")
    unlabelled = {"data": tree["data"]} if recipe.data.unlabelled else {}
    modalities = tree["modalities"]
    small = recipe_of(
        shrunk(tree["model"]), auxiliary=shrunk(tree["auxiliary"]), modalities=modalities, **unlabelled
    )
    classes = list(label_space(recipe.labels).classes)
    model = EmotionModel.of(small, classes)
    shapes = {name: Shape(WIDTHS[name], sequence=sequence) for name in modalities}
    model.assemble(small.model, shapes, small.auxiliaries())
    return model.train()


def silent(model: EmotionModel, longest: int) -> set[str]:
    """Parameters that nothing that the model says gives a gradient.

    But for the bias of keys: it adds the same to all scores of a query, and a softmax does not see it.
    """
    output = model(batched(rows_of(20, longest=longest)) | {"progress": torch.tensor(0.5)})
    said = [output.logits, *output.heads.values()]
    sum((value * torch.randn_like(value)).sum() for value in said).backward()  # type: ignore[union-attr]
    return {
        name
        for name, parameter in model.named_parameters()
        if not name.endswith("key.bias") and (parameter.grad is None or not parameter.grad.abs().max() > 1e-7)
    }


def test_the_released_form_has_parts_that_never_learn() -> None:
    """A softmax over one key is 1, whatever query, key and guide say."""
    found = silent(model_of(load_recipe("source1/pooled"), sequence=False), longest=1)
    kinds = {name.rsplit(".", 1)[0].split(".")[-1] for name in found}
    assert {"query", "key"} <= kinds
    assert any("guide" in name for name in found)
    assert not any("value" in name or "fusion" in name for name in found)


def test_the_fusion_that_the_readme_adds_is_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What its diff adds is a whole module, which builds and fuses."""
    text = (recipe_folder() / "README.md").read_text("utf-8")
    added = text.partition("+++ b/merdata_train/parts/fusions/maximum.py\n")[2].partition("diff --git")[0]
    lines = [line[1:] for line in added.splitlines() if line.startswith("+")]
    (tmp_path / "maximum.py").write_text("\n".join(lines) + "\n", "utf-8")
    spec = spec_from_file_location("maximum", tmp_path / "maximum.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "maximum", module)  # where pydantic looks for the names of hints
    spec.loader.exec_module(module)
    fusion = module.Maximum(kind="maximum").build({name: Shape(2, sequence=False) for name in WIDTHS})
    streams = {
        "audio": Stream.of_vectors(torch.tensor([[1.0, -5.0], [7.0, 7.0]]), torch.tensor([True, False])),
        "text": Stream.of_vectors(torch.tensor([[0.5, 2.0], [3.0, -1.0]]), torch.tensor([True, True])),
    }
    assert fusion(streams).vector.tolist() == [[1.0, 2.0], [3.0, 0.0]]
