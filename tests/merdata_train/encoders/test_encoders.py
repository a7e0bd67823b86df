"""Encoders: each row as if it were alone, frozen ones still and computed once, read as the recipe says."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import load_file, save_file

from merdata_train.data.frozen import encoded
from merdata_train.data.sequences import Clips, TokenRows
from merdata_train.data.source import Examples
from merdata_train.encoders.encoder import PretrainedEncoder, shortest
from merdata_train.encoders.pretrained import (
    identity,
    import_transformers,
    load_config,
    load_extractor,
    load_tokenizer,
    load_weights,
    pinned,
)
from merdata_train.encoders.tokenizer import tokenise
from merdata_train.errors import RecipeError
from merdata_train.recipe.features import AudioEncoder, TextEncoder
from tests.merdata_train.encoders.tiny import SIZES, save_audio_encoder, save_text_encoder, save_whisper

TEXTS = [
    "Kids are talking by the door",
    "Dogs are sitting by the door",
    "How are you?",
    "I am fine, thank you.",
]
CLASSES = ("anger", "joy", "neutral")
SECONDS = (0.9, 0.4, 0.02, 0.7)


@pytest.fixture(scope="module")
def wavlm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_audio_encoder(tmp_path_factory.mktemp("encoders") / "wavlm")


@pytest.fixture(scope="module")
def roberta(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_text_encoder(tmp_path_factory.mktemp("encoders") / "roberta", TEXTS)


def open_audio(folder: Path, **changes: Any) -> PretrainedEncoder:
    config = AudioEncoder(kind="encoder", model=str(folder), **changes)
    return opened(config)


def open_text(folder: Path, **changes: Any) -> PretrainedEncoder:
    return opened(TextEncoder(kind="encoder", model=str(folder), **changes))


def opened(config: AudioEncoder | TextEncoder) -> PretrainedEncoder:
    torch.manual_seed(1)
    encoder = PretrainedEncoder(config, load_config(config))
    load_weights(encoder.network, config)
    return encoder.eval()


def clips(folder: Path, seconds: float = 10.0) -> Clips:
    random = np.random.default_rng(0)
    rows = [(random.normal(size=int(16_000 * one)) * 3_000).astype(np.int16) for one in SECONDS]
    fewest = shortest(load_config(AudioEncoder(kind="encoder", model=str(folder))))
    return Clips(
        [torch.from_numpy(row) for row in rows], list("abcd"), seconds, fewest, load_extractor(folder)
    )


def tokens(folder: Path) -> TokenRows:
    tokenizer = load_tokenizer(folder)
    tokens, starts = tokenise(TEXTS, [[], [], TEXTS[:1], TEXTS], tokenizer, 64)
    return TokenRows(tokens, tokenizer.pad_token_id, starts)


def examples(audio: Clips, text: TokenRows) -> Examples:
    labels = ["anger", "joy", "neutral", "joy"]
    rows = pd.DataFrame({"id": list("abcd"), "label": labels, "shard": [0, 1, 0, 1]})
    there = torch.ones(4, dtype=torch.bool)
    tensors = {"has_audio": there, "has_text": there, "labels": torch.tensor([0, 1, 2, 1])}
    return Examples("train", rows, CLASSES, tensors, {"audio": audio, "text": text})


def together(encoder: PretrainedEncoder, rows: Clips | TokenRows) -> torch.Tensor:
    batch = rows.batch("x", range(4))
    with torch.no_grad():
        return encoder(batch["x_values"], batch["x_lengths"], batch.get("x_starts"))[0]


def alone(encoder: PretrainedEncoder, rows: Clips | TokenRows) -> torch.Tensor:
    found = []
    for at in range(4):
        batch = rows.batch("x", [at])
        with torch.no_grad():
            found.append(encoder(batch["x_values"], batch["x_lengths"], batch.get("x_starts"))[0])
    return torch.cat(found)


@pytest.mark.parametrize("norm", ["group", "layer"])
@pytest.mark.parametrize("kind", ["WavLM", "Hubert", "Wav2Vec2"])
@pytest.mark.parametrize("pool", ["mean_std", "attention"])
def test_padding_moves_no_recording(kind: str, norm: str, pool: str, tmp_path: Path) -> None:
    folder = save_audio_encoder(tmp_path / "encoder", kind, norm)
    encoder, rows = open_audio(folder, pool=pool, layers="learned"), clips(folder)
    assert torch.allclose(together(encoder, rows), alone(encoder, rows), atol=1e-5)


@pytest.mark.parametrize("kind", ["Roberta", "XLMRoberta", "Bert"])
@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_padding_moves_no_text(kind: str, pool: str, tmp_path: Path) -> None:
    folder = save_text_encoder(tmp_path / "encoder", TEXTS, kind)
    encoder, rows = open_text(folder, pool=pool), tokens(folder)
    assert torch.allclose(together(encoder, rows), alone(encoder, rows), atol=1e-5)


def test_a_recording_alone_is_what_transformers_makes_of_it(wavlm: Path) -> None:
    rows = clips(wavlm)
    model = import_transformers().AutoModel.from_pretrained(str(wavlm)).eval()
    with torch.no_grad():
        states = model(rows.batch("x", [1])["x_values"]).last_hidden_state[0]
    expected = torch.cat([states.mean(dim=0), states.std(dim=0, correction=0)])
    assert torch.allclose(together(open_audio(wavlm), rows)[1], expected, atol=1e-5)


def test_a_text_alone_is_what_transformers_makes_of_it(roberta: Path) -> None:
    transformers = import_transformers()
    tokenizer = transformers.AutoTokenizer.from_pretrained(str(roberta))
    model = transformers.AutoModel.from_pretrained(str(roberta)).eval()
    with torch.no_grad():
        expected = model(**tokenizer(TEXTS[1], return_tensors="pt")).last_hidden_state[0, 0]
    assert torch.allclose(together(open_text(roberta), tokens(roberta))[1], expected, atol=1e-5)


@pytest.mark.parametrize(("layers", "which"), [("last", [2]), (0, [0]), (1, [1]), ((1, 2), [1, 2])])
def test_the_layers_that_are_read_are_those_that_were_named(
    roberta: Path, layers: Any, which: list[int]
) -> None:
    rows = tokens(roberta)
    encoder = open_text(roberta, layers=layers)
    ids = rows.batch("x", [0])["x_values"]
    with torch.no_grad():
        states = encoder.network(ids, output_hidden_states=True).hidden_states
    expected = torch.stack([states[at][0, 0] for at in which]).mean(dim=0)
    assert torch.allclose(together(encoder, rows)[0], expected, atol=1e-5)


def test_a_learned_mixture_starts_as_the_mean_of_all_layers_and_learns(roberta: Path) -> None:
    rows = tokens(roberta)
    learned, mean = open_text(roberta, layers="learned"), open_text(roberta, layers=(1, 2))
    assert learned.mixture is not None and learned.mixture.weights.shape == (3,)
    batch = rows.batch("x", [0])
    learned(batch["x_values"], batch["x_lengths"])[0].square().sum().backward()
    assert learned.mixture.weights.grad is not None and learned.mixture.weights.grad.any()
    learned.mixture.weights.data = torch.tensor([-1e9, 0.0, 0.0])
    assert torch.allclose(together(learned, rows), together(mean, rows), atol=1e-5)


@pytest.mark.parametrize("layers", ["last", "learned"])
def test_cached_outputs_equal_fresh_ones_and_are_computed_once(
    wavlm: Path, roberta: Path, layers: str, tmp_path: Path
) -> None:
    encoders = {"audio": open_audio(wavlm, layers=layers), "text": open_text(roberta, layers=layers)}
    fresh = examples(clips(wavlm), tokens(roberta))
    kept = encoded(encoders, fresh, tmp_path)
    files = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert len(files) == 4  # two encoders, two shards
    again = encoded(encoders, fresh, tmp_path)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == files
    for name, encoder in encoders.items():
        expected = together(encoder, fresh.sequences[name])  # type: ignore[arg-type]
        for one in (kept, again):
            batch = one.__getitems__(range(4))
            if layers == "last":
                found = batch[f"{name}_vec"]
            else:
                found = encoder.read(batch[f"{name}_states"], batch[f"{name}_lengths"])
            assert torch.allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("layers", ["last", "learned"])
def test_a_target_is_pooled_without_its_history(layers: Any, roberta: Path, wavlm: Path) -> None:
    encoder, rows = open_text(roberta, pool="target", layers=layers), tokens(roberta)
    found = together(encoder, rows)
    for at, row in enumerate(rows.rows):
        with torch.no_grad():
            given = torch.from_numpy(row).long()[None]
            states = encoder.network(given, output_hidden_states=True).hidden_states
        read = states[-1] if layers == "last" else torch.stack(states).mean(dim=0)
        own = len(load_tokenizer(roberta)(TEXTS[at], add_special_tokens=False)["input_ids"])
        assert torch.allclose(found[at], read[0, -1 - own : -1].mean(dim=0), atol=1e-5)
    kept = encoded({"text": encoder}, examples(clips(wavlm), rows), None)
    batch = kept.__getitems__(range(4))
    held = batch.get("text_vec")
    if held is None:
        held = encoder.read(batch["text_states"], batch["text_lengths"])
    assert torch.allclose(held, found, atol=1e-5)


def test_the_same_sentence_is_encoded_once(roberta: Path, wavlm: Path) -> None:
    encoder, tokenizer = open_text(roberta), load_tokenizer(roberta)
    tokens, starts = tokenise([TEXTS[0]] * 3 + [TEXTS[1]], [[]] * 4, tokenizer, 64)
    rows = TokenRows(tokens, 1, starts)
    seen: list[int] = []
    encoder.network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    one = examples(clips(wavlm), rows)
    vectors = encoded({"text": encoder}, one, None).tensors["text_vec"]
    assert sum(seen) == 3  # of two shards, with two and with one sentence
    assert torch.equal(vectors[0], vectors[2]) and not torch.equal(vectors[1], vectors[3])


def test_other_weights_have_other_files(roberta: Path, wavlm: Path, tmp_path: Path) -> None:
    encoder, fresh = open_text(roberta), examples(clips(wavlm), tokens(roberta))
    before = encoded({"text": encoder}, fresh, tmp_path).tensors["text_vec"]
    with torch.no_grad():
        encoder.network.encoder.layer[1].output.dense.bias[0] += 1.0
    after = encoded({"text": encoder}, fresh, tmp_path).tensors["text_vec"]
    assert not torch.allclose(before, after)


def test_a_frozen_network_is_calm_and_leaves_no_graph(wavlm: Path) -> None:
    encoder, rows = open_audio(wavlm), clips(wavlm)
    for parameter in encoder.network.parameters():
        parameter.requires_grad_(False)
    batch = rows.batch("x", range(4))
    assert not encoder(batch["x_values"], batch["x_lengths"])[0].requires_grad
    config = encoder.network.config
    assert (config.apply_spec_augment, config.layerdrop) == (False, 0.0)


def test_a_clip_is_cut_and_a_short_one_filled(wavlm: Path) -> None:
    rows = clips(wavlm, seconds=0.5)
    assert rows.batch("x", range(4))["x_lengths"].tolist() == [8_000, 6_400, 400, 8_000]
    assert rows.seconds.tolist() == [0.5, 0.4, 0.02, 0.5]


def test_long_histories_lose_their_oldest_and_targets_stay(roberta: Path) -> None:
    tokenizer = load_tokenizer(roberta)
    (whole,), (start,) = tokenise(TEXTS[:1], [TEXTS[1:]], tokenizer, 99)
    (target,), (first,) = tokenise(TEXTS[:1], [[]], tokenizer, 99)
    assert first == 1 and whole[start:].tolist() == target[1:].tolist()
    assert tokenizer.decode(whole) == f"<s>{'</s></s>'.join([*TEXTS[1:], TEXTS[0]])}</s>"
    for most in range(len(target), len(whole)):
        (cut,), (start,) = tokenise(TEXTS[:1], [TEXTS[1:]], tokenizer, most)
        assert len(cut) <= most
        assert cut[start:].tolist() == target[1:].tolist()
        kept = tokenizer.decode(cut).removeprefix("<s>").removesuffix("</s>").split("</s></s>")
        assert kept == [*TEXTS[1:], TEXTS[0]][-len(kept) :]
    (alone_too_long,), _ = tokenise(TEXTS[:1], [TEXTS[1:]], tokenizer, 8)
    assert alone_too_long.tolist() == [*target[:7], target[-1]]


def test_bert_puts_one_separator_between(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(save_text_encoder(tmp_path / "bert", TEXTS, "Bert"))
    (found,), _ = tokenise(TEXTS[:1], [TEXTS[1:2]], tokenizer, 64)
    assert found.tolist() == tokenizer(TEXTS[1], TEXTS[0])["input_ids"]


def test_an_encoder_of_a_folder_is_known_by_its_weights(roberta: Path, tmp_path: Path) -> None:
    import shutil

    config = TextEncoder(kind="encoder", model=str(roberta))
    moved = Path(shutil.copytree(roberta, tmp_path / "elsewhere"))
    assert identity(TextEncoder(kind="encoder", model=str(moved))) == identity(config)
    assert pinned(config).model == "roberta" and pinned(config).revision == identity(config)[:40]
    (moved / "config.json").write_text((moved / "config.json").read_text() + " ")
    assert identity(TextEncoder(kind="encoder", model=str(moved))) != identity(config)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"layers": 3}, "has 2 layers and therefore no layer 3"),
        ({"layers": (1, 9)}, "has 2 layers and therefore no layer 9"),
        ({"max_tokens": 400}, "has room for 324 tokens, not 400"),
    ],
)
def test_what_an_encoder_has_not_is_said(roberta: Path, changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeError, match=says):
        open_text(roberta, **changes)


@pytest.mark.parametrize("damage", ["config.json", "model.safetensors"])
def test_a_damaged_encoder_is_one_sentence(damage: str, tmp_path: Path) -> None:
    folder = save_audio_encoder(tmp_path / "wavlm")
    (folder / damage).write_bytes(b"{")
    with pytest.raises(RecipeError, match=r"cannot load the encoder .*wavlm: "):
        open_audio(folder)


@pytest.mark.parametrize(
    ("save", "lost"),
    [
        (save_audio_encoder, "encoder.layers.1.final_layer_norm.bias"),
        (save_whisper, "model.encoder.layers.1.final_layer_norm.bias"),
    ],
)
def test_weights_that_a_file_lacks_are_not_made_up(
    save: Callable[[Path], Path], lost: str, tmp_path: Path
) -> None:
    folder = save(tmp_path / "encoder")
    weights = load_file(folder / "model.safetensors")
    del weights[lost]
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    own = lost.removeprefix("model.encoder.")
    with pytest.raises(RecipeError, match=f"encoder lacks weights of its own architecture: {own}"):
        open_audio(folder, seconds=2)


def test_an_encoder_that_is_not_here_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)  # read when it was imported
    config = AudioEncoder(kind="encoder", model="microsoft/wavlm-base", revision="ab" * 20)
    with pytest.raises(RecipeError, match="cannot load the encoder microsoft/wavlm-base at abababab: "):
        load_config(config)


@pytest.mark.parametrize(
    ("load", "model", "revision", "says"),
    [
        (load_config, "nobody/here", "ab" * 20, "at abababab: the Hub cannot be reached .*; or name a"),
        (load_config, "/no/such", "ab" * 20, "at abababab: /no/such is not a repository name"),
        (load_config, "/no/such", None, "the encoder's folder /no/such does not exist"),
        (identity, "/no/such", None, "the encoder's folder /no/such does not exist"),
    ],
)
def test_a_hub_that_cannot_be_reached_is_asked_once(
    load: Callable[[AudioEncoder], object],
    model: str,
    revision: str | None,
    says: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", "http://127.0.0.1:9")  # nothing listens there
    before = time.monotonic()
    with pytest.raises(RecipeError, match=says):
        load(AudioEncoder(kind="encoder", model=model, revision=revision))
    assert time.monotonic() - before < 10


OTHERS: list[tuple[str, type[AudioEncoder] | type[TextEncoder], dict[str, Any], str]] = [
    ("GPT2", TextEncoder, {"n_embd": 16, "n_layer": 1, "n_head": 2}, "gpt2 has no padding token"),
    ("T5", TextEncoder, {"d_model": 16, "num_layers": 1, "num_heads": 2}, "t5 is an encoder and a decoder"),
    ("Whisper", TextEncoder, {"d_model": 16, "encoder_layers": 1}, "whisper is an encoder and a decoder"),
    ("Speech2Text", AudioEncoder, {"d_model": 16}, "speech_to_text is an encoder and a decoder"),
    ("Wav2Vec2Bert", AudioEncoder, SIZES, "wav2vec2-bert does not take samples"),
    ("Data2VecAudio", AudioEncoder, SIZES, "data2vec-audio mixes padding into its positions"),
    ("Roberta", AudioEncoder, SIZES, "roberta does not take samples"),
    ("WavLM", TextEncoder, SIZES, "wavlm does not take tokens"),
]


@pytest.mark.parametrize(("kind", "part", "sizes", "says"), OTHERS, ids=[other[0] for other in OTHERS])
def test_what_is_no_encoder_of_its_modality_is_one_sentence(
    kind: str,
    part: type[AudioEncoder] | type[TextEncoder],
    sizes: dict[str, Any],
    says: str,
    tmp_path: Path,
) -> None:
    getattr(import_transformers(), f"{kind}Config")(**sizes).save_pretrained(tmp_path)
    modality = "audio" if part is AudioEncoder else "text"
    with pytest.raises(RecipeError, match=f"cannot be the {modality} encoder: {says}"):
        load_config(part(kind="encoder", model=str(tmp_path)))


def test_an_adapter_is_left_out(tmp_path: Path) -> None:
    """With it the last layer would have 7 frames where the others have 49."""
    transformers = import_transformers()
    sizes = SIZES | {"conv_dim": (16,) * 7, "num_conv_pos_embeddings": 16}
    config = transformers.Wav2Vec2Config(**sizes, add_adapter=True)
    transformers.Wav2Vec2Model(config).save_pretrained(tmp_path)
    transformers.Wav2Vec2FeatureExtractor().save_pretrained(tmp_path)
    encoder = open_audio(tmp_path, layers="learned").eval()
    states, lengths = encoder.states(torch.randn(1, 16_000), torch.tensor([16_000]))
    assert states.shape[:3] == (1, 49, 3) and lengths.tolist() == [49]


def test_a_folder_or_a_rate_that_does_not_fit_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="the encoder's folder /models/hubert does not exist"):
        load_config(AudioEncoder(kind="encoder", model="/models/hubert"))
    import_transformers().Wav2Vec2FeatureExtractor(sampling_rate=8_000).save_pretrained(tmp_path)
    with pytest.raises(RecipeError, match="takes samples at 8,000 Hz, and a store has them at 16,000 Hz"):
        load_extractor(tmp_path)
