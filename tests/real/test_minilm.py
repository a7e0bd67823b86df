"""all-MiniLM-L6-v2, the real one: what it means, alone and in batches, kept, tuned and resumed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

import merdata
from merdata_train.data.frozen import encoded
from merdata_train.data.sequences import TokenRows
from merdata_train.data.source import Examples, Source
from merdata_train.encoders.encoder import PretrainedEncoder
from merdata_train.encoders.pretrained import import_transformers, load_config, load_tokenizer, load_weights
from merdata_train.encoders.tokenizer import tokenise
from merdata_train.recipe.features import TextEncoder
from merdata_train.recipe.recipe import load_recipe
from merdata_train.training.fit import fit
from tests.real.fitted import moved

ROWS = 60  # utterances of MELD


@pytest.fixture(scope="module")
def encoder(minilm: Path) -> PretrainedEncoder:
    config = TextEncoder(kind="encoder", model=str(minilm), pool="mean")
    made = PretrainedEncoder(config, load_config(config))
    load_weights(made.network, config)
    return made.eval()


def read(texts: list[str], minilm: Path) -> Examples:
    tokenizer = load_tokenizer(minilm)
    tokens, starts = tokenise(texts, [[]] * len(texts), tokenizer, 128)
    rows = pd.DataFrame({"id": texts, "label": "neutral", "shard": [len(text) % 3 for text in texts]})
    tensors = {"has_text": torch.ones(len(texts), dtype=torch.bool)}
    return Examples(
        "train", rows, ("neutral",), tensors, {"text": TokenRows(tokens, tokenizer.pad_token_id, starts)}
    )


def vectors(encoder: PretrainedEncoder, examples: Examples, rows: list[int]) -> torch.Tensor:
    batch = examples.__getitems__(rows)
    with torch.no_grad():
        return encoder(batch["text_values"], batch["text_lengths"])[0]


def test_its_vectors_are_those_of_transformers_and_mean_something(
    encoder: PretrainedEncoder, minilm: Path
) -> None:
    texts = [
        "Kids are talking by the door",
        "Children chat near the entrance",
        "The stock market fell sharply",
    ]
    transformers = import_transformers()
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(minilm))
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.no_grad():
        states = transformers.AutoModel.from_pretrained(str(minilm)).eval()(**inputs).last_hidden_state
    there = inputs["attention_mask"][..., None]
    expected = (states * there).sum(dim=1) / there.sum(dim=1)
    own = vectors(encoder, read(texts, minilm), [0, 1, 2])
    assert torch.allclose(own, expected, atol=1e-5)
    near, far = torch.nn.functional.cosine_similarity(own[:1], own[1:])
    assert near > 0.6 and far < 0.2


def test_no_text_depends_on_its_batch_and_what_is_kept_is_the_same(
    encoder: PretrainedEncoder, minilm: Path, real_data: Path, tmp_path: Path
) -> None:
    texts = pd.read_csv(real_data / "meld" / "dev_sent_emo.csv")["Utterance"].head(ROWS).tolist()
    examples = read(texts, minilm)
    together = vectors(encoder, examples, list(range(ROWS)))
    alone = torch.cat([vectors(encoder, examples, [row]) for row in range(ROWS)])
    assert torch.allclose(together, alone, atol=1e-5)
    for _ in range(2):
        kept = encoded({"text": encoder}, examples, tmp_path).tensors["text_vec"]
        assert torch.allclose(kept, alone, atol=1e-5)


def test_fine_tuning_moves_it_and_resumes(spoken: merdata.Store, minilm: Path, tmp_path: Path) -> None:
    place = [f"store={spoken.path}", "protocol=ravdess_speaker3", "fold=1", "data.corpora=[ravdess]"]
    own = [f"features.text.model={minilm}", "features.text.revision=null", "stages.0.epochs=1"]
    weights = moved(load_recipe("real/M1", [*place, *own, "stages.1.epochs=2"]), tmp_path)
    assert any(".layer.0." in name for name in weights) and any(".layer.5." in name for name in weights)


def test_fine_tuning_learns(spoken: merdata.Store, minilm: Path) -> None:
    """RAVDESS has two sentences, so any text tells which of them it is; here they are the classes."""
    place = [f"store={spoken.path}", "protocol=ravdess_speaker3", "fold=1", "data.corpora=[ravdess]"]
    own = [f"features.text.model={minilm}", "features.text.revision=null", "stages.0.epochs=1"]
    only_joint = ["stages.0.lr=1e-7", "stages.1.epochs=5"]
    recipe = load_recipe("real/M1", [*place, *own, *only_joint])
    source = Source(recipe)
    train, validation = (by_sentence(source.examples(split)) for split in ("train", "validation"))
    _, history = fit(recipe, train, validation)
    assert history[-1]["loss"] < history[1]["loss"] - 0.2


def by_sentence(examples: Examples) -> Examples:
    names = {"Kids": 0, "Dogs": 1}
    labels = [names[text.split()[0]] for text in examples.rows["text"]]
    rows = examples.rows.assign(label=[examples.classes[label] for label in labels])
    return replace(examples, rows=rows, tensors=examples.tensors | {"labels": torch.tensor(labels)})
