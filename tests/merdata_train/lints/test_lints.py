"""Every lint finds the fault it is for, planted here, and is silent without it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor, nn

import merdata
from merdata_train.data.source import Examples, Source
from merdata_train.encoders import registry
from merdata_train.errors import LintError
from merdata_train.lints import lints
from merdata_train.lints.crossed import crossed_text
from merdata_train.lints.lints import (
    LINTS,
    Training,
    context_without_dialogues,
    coverage,
    seen_by_encoder,
)
from merdata_train.lints.probe import observe
from merdata_train.lints.shares import uneven_shares
from merdata_train.models.emotion import EmotionModel, ModelOutput
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.runs.run import run
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import CLASSES, SMALL, make_examples


@pytest.fixture(scope="module")
def recipe(store: merdata.Store) -> Recipe:
    return load_recipe("source0/A1", [f"store={store.path}", *SMALL, "data.corpora=[ravdess,meld]"])


@pytest.fixture(scope="module")
def source(recipe: Recipe) -> Source:
    return Source(recipe)


@pytest.fixture(scope="module")
def parts(source: Source) -> tuple[Examples, Examples]:
    return source.examples("train"), source.examples("validation")


def training(recipe: Recipe, source: Source, parts: tuple[Examples, Examples], **changes: Any) -> Training:
    facts = {
        "model": EmotionModel.of(recipe, list(parts[0].classes)),
        "train": parts[0],
        "validation": parts[1],
    }
    return Training(**{"recipe": recipe, "source": source, **facts, **changes})


def found(name: str, training: Training) -> list[str]:
    return list(LINTS[name][1](training))


class Attending(nn.Module):
    """Scaled dot-product attention of the text over the audio, written out; the audio is `keys` vectors."""

    def __init__(self, keys: int, idle: bool = False) -> None:
        super().__init__()
        self.keys, self.classes = keys, list(CLASSES)
        self.query, self.key, self.value = (nn.Linear(width, 16) for width in (768, 160, 160))
        self.head = nn.Linear(16, len(CLASSES))
        if idle:
            self.idle = nn.Linear(16, 16)

    def forward(self, batch: Mapping[str, Tensor]) -> ModelOutput:
        audio = batch["audio_vec"][:, None].expand(-1, self.keys, -1)
        audio = audio * torch.arange(1, self.keys + 1)[:, None]
        scores = self.query(batch["text_vec"])[:, None] @ self.key(audio).mT
        mixed = (scores.softmax(dim=-1) @ self.value(audio))[:, 0]
        return ModelOutput(self.head(mixed), {})


def batch() -> dict[str, Tensor]:
    return make_examples().__getitems__(range(16))


def test_attention_over_a_single_key_is_found() -> None:
    assert observe(Attending(keys=1), batch()).single_key == ["the model"]
    assert observe(Attending(keys=2), batch()).single_key == []


@pytest.mark.parametrize(("keys", "single"), [(1, ["0"]), (3, [])])
def test_a_single_key_is_found_in_torchs_attention(keys: int, single: list[str]) -> None:
    class Fused(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.add_module("0", nn.MultiheadAttention(160, 4, batch_first=True))
            self.head = nn.Linear(160, len(CLASSES))

        def forward(self, batch: Mapping[str, Tensor]) -> ModelOutput:
            vectors = batch["audio_vec"][:, None].expand(-1, keys, -1)
            attended, _ = self.get_submodule("0")(vectors, vectors, vectors, need_weights=False)
            return ModelOutput(self.head(attended[:, 0]), {})

    assert observe(Fused(), batch()).single_key == single


def test_a_single_key_leaves_queries_and_keys_without_gradient() -> None:
    """What the scores are made of never learns."""
    still = observe(Attending(keys=1), batch()).without_gradient
    assert still == ["query.weight", "query.bias", "key.weight", "key.bias"]
    assert "query.weight" not in observe(Attending(keys=2), batch()).without_gradient


def test_parameters_without_gradient_are_found(
    recipe: Recipe, source: Source, parts: tuple[Examples, Examples]
) -> None:
    assert found("no-gradient", training(recipe, source, parts)) == []
    model = EmotionModel.of(recipe, list(parts[0].classes))
    model.forgotten = nn.Linear(3, 3)
    (says,) = found("no-gradient", training(recipe, source, parts, model=model))
    assert "2 parameters get no gradient in one step (forgotten.weight, forgotten.bias)" in says


def test_frozen_parameters_need_no_gradient() -> None:
    model = Attending(keys=2, idle=True)
    model.idle.requires_grad_(False)
    assert not any(name.startswith("idle") for name in observe(model, batch()).without_gradient)


def test_observing_changes_nothing() -> None:
    model = Attending(keys=2)
    before, state = (
        {name: tensor.clone() for name, tensor in model.state_dict().items()},
        torch.get_rng_state(),
    )
    model.eval()
    observe(model, batch())
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())
    assert torch.equal(state, torch.get_rng_state())
    assert not model.training
    assert all(parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("name", ["source0/A0", "source0/A1", "source0/A1-text", "source0/A1-audio"])
def test_the_models_of_family_a_are_without_fault(name: str) -> None:
    recipe = load_recipe(name)
    seen = observe(EmotionModel.of(recipe, list(CLASSES)), batch())
    assert (seen.single_key, seen.without_gradient) == ([], [])


def test_another_order_of_the_classes_in_the_model_is_found(
    recipe: Recipe, source: Source, parts: tuple[Examples, Examples]
) -> None:
    assert found("class-order", training(recipe, source, parts)) == []
    turned = EmotionModel.of(recipe, list(reversed(parts[0].classes)))
    (says,) = found("class-order", training(recipe, source, parts, model=turned))
    assert says.startswith("the classes of the model are neutral, surprise")


def test_another_order_of_the_classes_in_a_corpus_stops_the_run(recipe: Recipe, tmp_path: Path) -> None:
    """Sad and neutral swapped in one corpus."""
    store = merdata.open_store(shutil.copytree(recipe.store, tmp_path / "store"))
    shard = store.shards(["ravdess"])[0]
    table = pq.read_table(shard.path)
    facts = json.loads(table.schema.metadata[b"huggingface"])
    names = facts["info"]["features"]["label"]["names"]
    sad, neutral = names.index("sadness"), names.index("neutral")
    names[sad], names[neutral] = names[neutral], names[sad]
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(facts)}), shard.path)
    with pytest.raises(LintError, match=rf"the classes of ravdess \({shard.relative}\) are"):
        run(recipe.model_copy(update={"store": str(store.path)}), tmp_path / "runs")
    assert not (tmp_path / "runs").exists()


def test_a_modality_that_a_corpus_lacks_is_found() -> None:
    train = make_examples()
    train.tensors["has_audio"][:] = True
    assert not list(coverage(train))
    train.rows["corpus"] = ["meld"] * 100 + ["tess"] * 140
    train.tensors["has_audio"][:96] = False
    (says,) = coverage(train)
    assert says.startswith("audio is missing in 96% of meld:")


MIX = pd.DataFrame(
    [("meld", "conversational", "neutral")] * 470
    + [("meld", "conversational", "joy")] * 530
    + [("meld", "conversational", "disgust")] * 27
    + [("tess", "acted", label) for label in ("neutral", "joy", "disgust")] * 20,
    columns=["corpus", "domain", "label"],
).assign(language="en")


def test_weights_over_corpora_of_different_priors_are_found() -> None:
    """A corpus of even classes gets 20 rows x .31 of neutral and 20 x 4.6 of disgust from MELD's prior."""
    recipe = load_recipe("source0/A1", ["loss.class_weights=balanced"])
    (says,) = uneven_shares(recipe, MIX)
    assert "leave tess most uneven" in says
    weights = {label: 1 / (MIX["label"] == label).sum() for label in ("disgust", "joy", "neutral")}
    for label, weight in weights.items():
        assert f"{label} {weight / sum(weights.values()):.0%}" in says


@pytest.mark.parametrize(
    "words", [["loss.class_weights=balanced_by_corpus"], ["loss.class_weights=none"], ["data.corpora=[tess]"]]
)
def test_even_classes_and_wanted_priors_are_left_alone(words: list[str]) -> None:
    labels = ["neutral"] * 500 + ["anger"] * 500 + ["disgust", "fear", "joy", "sadness"]
    tiny = pd.DataFrame({"label": labels, "corpus": "iemocap", "domain": "acted", "language": "en"})
    rows = MIX[MIX["corpus"] == "tess"] if "data" in words[0] else MIX
    if "balanced_by_corpus" in words[0]:  # four classes of one row, which the floor leaves far from even
        rows = pd.concat([MIX, tiny], ignore_index=True)
    assert not list(uneven_shares(load_recipe("source0/A1", words), rows))


def test_a_test_corpus_that_the_encoder_has_seen_is_found() -> None:
    def features(name: str) -> dict[str, Any]:
        return {"audio": {"kind": "hf_audio", "model": name}, "text": {"kind": "hashing"}}

    (says,) = seen_by_encoder(features("iic/emotion2vec_plus_large"), ["iemocap", "emovdb"])
    assert "iic/emotion2vec_plus_large has seen the emotion labels of iemocap" in says
    (says,) = seen_by_encoder(features("emotion2vec/emotion2vec_base"), ["iemocap"])
    assert "without labels" in says
    assert not list(seen_by_encoder(features("microsoft/wavlm-base"), ["iemocap", "meld"]))
    assert not list(seen_by_encoder(load_recipe("source0/A1").features.model_dump(), ["iemocap", "meld"]))


def test_every_entry_of_the_registry_names_corpora_and_evidence() -> None:
    for entry in registry.encoders().values():
        assert set(entry) - {"millions", "window"} == {"labels", "audio", "evidence"}
        assert entry["evidence"]
        for corpus in entry["labels"] + entry["audio"]:
            assert merdata.get_corpus(corpus).name == corpus


def test_context_of_corpora_without_dialogues_is_found(parts: tuple[Examples, Examples]) -> None:
    (says,) = context_without_dialogues(7, parts[0].rows)
    assert "ravdess has no dialogues" in says
    assert "meld" not in says
    assert not list(context_without_dialogues(0, parts[0].rows))


def crossed_rows(split_by: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """TESS as it is: 200 words, 7 emotions, 2 speakers; a fifth held out."""
    grid = [(w, e, s) for w in range(200) for e in "abcdefg" for s in ("old", "young")]
    rows = pd.DataFrame(grid, columns=["word", "label", "speaker"])
    rows = rows.assign(corpus="tess", text=[f"say the word {word}" for word in rows["word"]])
    random = np.random.default_rng(0)
    out = rows["speaker"] == "old" if split_by == "speaker" else random.random(len(rows)) < 0.2
    return rows[~out], rows[out]


def test_below_chance_text_on_a_crossed_corpus_is_found() -> None:
    """A split by rows."""
    (says,) = crossed_text(*crossed_rows("row"), ["tess"])
    assert "below chance (14." in says
    assert not list(crossed_text(*crossed_rows("row"), []))


def test_a_split_by_speaker_leaves_text_at_chance() -> None:
    assert not list(crossed_text(*crossed_rows("speaker"), ["tess"]))


def test_text_that_tells_the_class_is_found_too() -> None:
    train, validation = crossed_rows("row")
    told = [part.assign(text=part["text"] + part["label"]) for part in (train, validation)]
    (says,) = crossed_text(*told, ["tess"])
    assert "above chance" in says


def test_a_run_records_its_warnings_and_prints_them(silenced: Path, tmp_path: Path) -> None:
    """MELD's text alone in a model of both: the audio's projection is never used."""
    words = ["--store", silenced, "--out", tmp_path / "runs", *SMALL, "stages.0.epochs=1"]
    done = cli("run", "source0/A1", *words)
    assert done.returncode == 0, done.stderr
    assert "merdata_train: no-gradient: " in done.stderr
    (folder,) = (tmp_path / "runs").glob("source0-*")
    entries = {entry["lint"]: entry for entry in json.loads((folder / "lints.json").read_text())}
    entry = entries["no-gradient"]
    assert entry["severity"] == "warning"
    assert "fusion.project.audio" in entry["message"]


def test_the_table_in_the_docstring_is_the_table_of_the_code() -> None:
    lines = [line.split("|") for line in (lints.__doc__ or "").splitlines() if line.startswith("| ")][1:]
    stated = {line[1].strip(): line[2].strip() for line in lines}
    assert stated == {name: severity for name, (severity, _) in LINTS.items()}
