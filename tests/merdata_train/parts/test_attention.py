"""Guided attention, adaptive fusion, global attention: each equals its formula."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from merdata_train.parts.fusions.eaaf import ConstrainedEaaf, Eaaf
from merdata_train.parts.interactions.cross_attention import CrossAttention
from merdata_train.parts.stream import Shape, Stream

WIDTH = 4


def streams(length: int, rows: int = 3, seed: int = 0) -> dict[str, Stream]:
    generator = torch.Generator().manual_seed(seed)
    return {
        name: Stream(
            torch.randn(rows, length, WIDTH, generator=generator),
            torch.full((rows,), length),
            torch.ones(rows, dtype=torch.bool),
        )
        for name in ("audio", "text")
    }


@pytest.mark.parametrize(("keys", "moves"), [(1, False), (4, True)])
def test_lambda_moves_guided_attention_where_there_is_more_than_one_key(keys: int, moves: bool) -> None:
    torch.manual_seed(0)
    module = CrossAttention(kind="cross_attention", heads=2, guide="vad").build(
        {name: Shape(WIDTH, sequence=True) for name in ("audio", "text")}
    )
    given = streams(keys)
    before, _ = module(given)
    with torch.no_grad():
        for name, parameter in module.named_parameters():
            if name.endswith("strength"):
                parameter.fill_(5.0)
    after, _ = module(given)
    same = all(torch.equal(before[name].states, after[name].states) for name in given)
    assert same is not moves


def test_guided_attention_is_its_formula() -> None:
    torch.manual_seed(0)
    config = CrossAttention(kind="cross_attention", heads=1, guide="vad", strength=0.7, learn_strength=False)
    module = config.build({name: Shape(WIDTH, sequence=True) for name in ("audio", "text")})
    given = streams(5, rows=1)
    _, attentions = module(given)
    reading = module.layers[0]["audio"]
    audio, text = given["audio"].states[0], given["text"].states[0]
    query, key = reading.query(audio).detach().numpy(), reading.key(text).detach().numpy()
    feels, felt = (reading.guide.vad(states).detach().numpy() for states in (audio, text))
    apart = np.linalg.norm(feels[:, None] - felt[None], axis=-1)
    scores = np.exp(query @ key.T / np.sqrt(WIDTH) - 0.7 * apart)
    expected = scores / scores.sum(axis=1, keepdims=True)
    assert attentions["0.audio"][0, 0].detach().numpy() == pytest.approx(expected, abs=1e-5)
    assert not any("strength" in name for name, _ in module.named_parameters())


def vectors() -> dict[str, Stream]:
    return {name: Stream.of_vectors(stream.states[:, 0], stream.there) for name, stream in streams(1).items()}


def sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))


def linear(layer: torch.nn.Module, x: np.ndarray) -> np.ndarray:
    weight, bias = (part.detach().numpy() for part in layer.parameters())
    return x @ weight.T + bias


def test_eaaf_is_its_equation() -> None:
    torch.manual_seed(0)
    fusion = Eaaf(kind="eaaf", beta=0.3).build({name: Shape(WIDTH, False) for name in ("audio", "text")})
    given = vectors()
    text, audio = given["text"].vector.numpy(), given["audio"].vector.numpy()
    both = np.concatenate([text, audio, text * audio], axis=1)
    of_text, of_audio = (sigmoid(linear(fusion.gates[name][0], both)) for name in ("text", "audio"))
    expected = of_text * text + of_audio * audio + 0.3 * text * audio
    fused = fusion(given)
    assert fused.vector.detach().numpy() == pytest.approx(expected, abs=1e-5)
    assert fused.gates["text"].detach().numpy() == pytest.approx(of_text, abs=1e-5)


def test_the_weights_of_the_constrained_form_add_up_to_1() -> None:
    torch.manual_seed(0)
    fusion = ConstrainedEaaf(kind="eaaf_constrained").build(
        {name: Shape(WIDTH, False) for name in ("audio", "text")}
    )
    gates = fusion(vectors()).gates
    assert torch.stack(list(gates.values())).sum(dim=0).flatten().tolist() == pytest.approx([1.0] * 3)


def test_branches_of_other_widths_are_refused_in_a_sentence() -> None:
    shapes = {"audio": Shape(4, True), "text": Shape(6, True)}
    with pytest.raises(ValueError, match="branches of one width, not audio 4 and text 6"):
        CrossAttention(kind="cross_attention").build(shapes)
    with pytest.raises(ValueError, match="two modalities of one width"):
        Eaaf(kind="eaaf").build(shapes)
