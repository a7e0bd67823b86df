"""Architectures: shapes, size, missing modalities by mask, saving and opening without a loss."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from merdata_train.models.emotion import EmotionModel
from merdata_train.models.standardise import Standardise
from merdata_train.parts.layers import SwiGLU
from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.evaluate import open_model
from tests.merdata_train.conftest import make_examples

CLASSES = ["anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral"]
each = pytest.mark.parametrize(
    "name",
    [
        "source0/A0",
        "source0/A1",
        "source0/A1-audio",
        "source0/A1-text",
        "source0/A0-described",
        "source0/A1-described",
    ],
)


def model_of(name: str, *overrides: str) -> EmotionModel:
    torch.manual_seed(0)
    return EmotionModel.of(load_recipe(name, overrides), CLASSES).eval()


def batch(n: int = 5) -> dict[str, torch.Tensor]:
    found = make_examples(n).tensors
    return found | {"has_audio": torch.ones(n, dtype=torch.bool)}


@each
def test_logits_and_embeddings(name: str) -> None:
    model = model_of(name)
    output = model(batch())
    assert output.logits.shape == (5, 7)
    assert output.embeddings["fusion"].shape == (5, 128 if "A0" in name else 256)


def test_the_token_transformer_has_about_4_2_million_parameters() -> None:
    described, ours = (
        sum(parameter.numel() for parameter in model_of(name).parameters())
        for name in ("source0/A1-described", "source0/A1")
    )
    assert described == pytest.approx(4.2e6, rel=0.25)
    assert ours < described


@each
def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = model_of(name).train()
    model(batch(32)).logits.square().sum().backward()
    silent = [
        key
        for key, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert not silent


@pytest.mark.parametrize("name", ["source0/A0", "source0/A1"])
@pytest.mark.parametrize("missing", ["audio", "text"])
def test_what_a_missing_modality_holds_does_not_matter(name: str, missing: str) -> None:
    model, rows = model_of(name), batch()
    rows[f"has_{missing}"] = torch.zeros(5, dtype=torch.bool)
    other = rows | {f"{missing}_vec": torch.randn_like(rows[f"{missing}_vec"]) * 100}
    assert torch.equal(model(rows).logits, model(other).logits)
    present = "text" if missing == "audio" else "audio"
    changed = rows | {f"{present}_vec": torch.randn_like(rows[f"{present}_vec"])}
    assert not torch.allclose(model(rows).logits, model(changed).logits)


@pytest.mark.parametrize("name", ["source0/A0", "source0/A1"])
@pytest.mark.parametrize("modalities", ["[audio]", "[audio, text]"])
def test_what_a_row_without_any_modality_holds_does_not_matter(name: str, modalities: str) -> None:
    model = model_of(name, f"modalities={modalities}")
    none = {f"has_{modality}": torch.zeros(5, dtype=torch.bool) for modality in ("audio", "text")}
    rows = batch() | none
    other = rows | {key: torch.randn_like(rows[key]) for key in ("audio_vec", "text_vec")}
    with torch.inference_mode():
        assert torch.equal(model(rows).logits, model(other).logits)


@each
def test_a_row_does_not_depend_on_its_batch(name: str) -> None:
    model, rows = model_of(name), batch(9)
    whole = model(rows).logits
    alone = torch.cat(
        [model({key: value[at : at + 1] for key, value in rows.items()}).logits for at in range(9)]
    )
    assert torch.allclose(whole, alone, atol=1e-5)


def test_a_row_without_any_modality_is_still_scored() -> None:
    rows = batch() | {
        "has_audio": torch.zeros(5, dtype=torch.bool),
        "has_text": torch.zeros(5, dtype=torch.bool),
    }
    for name in ("source0/A0", "source0/A1"):
        assert model_of(name)(rows).logits.isfinite().all()


@each
def test_saved_and_opened_it_says_the_same(name: str, tmp_path: Path) -> None:
    model = model_of(name)
    if "audio" in model.modalities:
        model.standardise["audio"].fit(batch(50)["audio_vec"])
    model.save_pretrained(tmp_path / "model")
    files = {path.name for path in (tmp_path / "model").iterdir()}
    assert {"config.json", "model.safetensors"} <= files
    assert not any(path.endswith((".bin", ".pt", ".pkl")) for path in files)
    again = open_model(tmp_path / "model").eval()
    assert again.classes == CLASSES
    assert again.modalities == model.modalities
    assert torch.equal(again(batch()).logits, model(batch()).logits)


def test_standardise_is_the_scaler_of_scikit_learn() -> None:
    from sklearn.preprocessing import StandardScaler

    rows = torch.randn(50, 4) * 3 + 2
    rows[:, 2] = 5.0
    standardise = Standardise(4)
    standardise.fit(rows)
    expected = StandardScaler().fit_transform(rows.double().numpy())
    assert torch.allclose(standardise(rows).double(), torch.from_numpy(expected), atol=1e-5)


@pytest.mark.parametrize("dead", [1e-33, 1e-9])
def test_a_dimension_that_hardly_varies_takes_no_gradient_from_the_others(dead: float) -> None:
    """As two of MiniLM's 384, whose weights are 5e-33: divided by their deviation they were all gradient."""
    rows = torch.randn(50, 4)
    rows[:, 1] *= dead
    by_rows, by_states = Standardise(4), Standardise(4)
    by_rows.fit(rows)
    by_states.fit_states([rows[:20], rows[20:]])
    for standardise in (by_rows, by_states):
        moving = rows.clone().requires_grad_()
        standardise(moving).square().sum().backward()
        assert moving.grad is not None
        assert moving.grad.abs().max() < 20
        assert standardise.scale[1] == 1


def test_swiglu_is_its_formula() -> None:
    block = SwiGLU(3, 5, 2, dropout=0.0)
    x = torch.randn(4, 3)
    w1, w2, w3 = block.gate, block.value, block.out
    expected = w3(torch.nn.functional.silu(w1(x)) * w2(x))
    assert torch.equal(block(x), expected)
