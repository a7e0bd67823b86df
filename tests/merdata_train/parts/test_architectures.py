"""Every architecture: padding and missing modalities move nothing, every parameter learns, models reopen."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from merdata_train.errors import RecipeError
from merdata_train.models.emotion import EmotionModel, open_model
from merdata_train.parts.model import BLOCKS, INTERACTIONS
from merdata_train.parts.models import MODELS as KINDS
from tests.merdata_train.parts.architectures import CLASSES, MODELS, batched, model_of, recipe_of, rows_of

each = pytest.mark.parametrize("name", MODELS)


def logits_of(model: EmotionModel, batch: dict[str, torch.Tensor]) -> torch.Tensor:
    with torch.inference_mode():
        logits: torch.Tensor = model(batch).logits
    return logits


def test_the_table_has_every_kind_of_part() -> None:
    used = {model["kind"] for model in MODELS.values()}
    branches = [model["branches"]["audio"] for model in MODELS.values() if "branches" in model]
    blocks = {block["kind"] for branch in branches for block in branch}
    assert used == set(KINDS)
    assert blocks == set(BLOCKS)
    assert {model["interaction"]["kind"] for model in MODELS.values() if "interaction" in model} == set(
        INTERACTIONS
    )


@each
def test_padding_and_other_rows_move_no_prediction(name: str) -> None:
    rows = rows_of(12)
    model = model_of(name)
    model.train()(batched(rows))  # the statistics of batch norm are no longer 0 and 1
    model.eval()
    alone = torch.cat([logits_of(model, row) for row in rows])
    together = logits_of(model, batched(rows, more=9))
    mixed = logits_of(model, batched([rows[row] for row in (11, 3, 7)]))
    assert (together - alone).abs().max() <= 1e-5
    assert (mixed - alone[[11, 3, 7]]).abs().max() <= 1e-5
    assert (alone - alone[0]).abs().max() > 1e-3


@each
def test_statistics_of_training_are_those_of_real_states(name: str) -> None:
    """In training too: what lies behind a row's end, or in a modality that it lacks, changes nothing."""
    rows = rows_of(12)
    model = model_of(name).train()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout | torch.nn.MultiheadAttention):
            module.train(False)
    short, long = batched(rows), batched(rows, more=5)
    for key in ("audio", "text"):
        long[f"{key}_states"][~long[f"has_{key}"]] *= -3
    assert torch.allclose(model(short).logits, model(long).logits, atol=1e-4)


@each
def test_every_parameter_gets_a_gradient(name: str) -> None:
    model = model_of(name).train()
    model(batched(rows_of(20))).logits.square().sum().backward()
    silent = [
        key
        for key, parameter in model.named_parameters()
        if parameter.grad is None or not parameter.grad.any()
    ]
    assert not silent


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ({"kind": "eaaf"}, "model: eaaf fuses two modalities of one width: give each a branch that ends"),
        ({"kind": "concat", "interaction": {"kind": "cross_attention"}}, "not audio 6 and text 8"),
        ({"kind": "global_attention"}, "model: global_attention needs branches of one width"),
    ],
)
def test_parts_that_do_not_fit_together_are_refused_in_a_sentence(
    model: dict[str, Any], message: str
) -> None:
    with pytest.raises(RecipeError) as error:
        EmotionModel.of(recipe_of(model), CLASSES)
    assert message in str(error.value)


def test_a_step_of_one_row_has_no_statistics_of_its_own() -> None:
    model = model_of("conv_bilstm").train()
    row = rows_of(1)[0]
    row["audio_states"], row["audio_lengths"] = row["audio_states"][:, :1], torch.tensor([1])
    row["text_states"], row["text_lengths"] = row["text_states"][:, :1], torch.tensor([1])
    assert model(row).logits.isfinite().all()


def test_a_model_of_parts_is_saved_and_opened_whole(tmp_path: Path) -> None:
    model = EmotionModel.of(recipe_of(MODELS["mer_han_add_pooled"]), CLASSES).eval()
    model.save_pretrained(tmp_path / "model")
    again = open_model(tmp_path / "model").eval()
    (row,) = rows_of(1)
    row |= {"text_vec": torch.randn(1, 8)}
    assert torch.equal(logits_of(again, row), logits_of(model, row))
