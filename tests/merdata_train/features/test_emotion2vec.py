"""emotion2vec by FunASR, where it is installed: a tiny random model by the code that opens a real one."""

from __future__ import annotations

import json
import shutil
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.numpy import load_file

import merdata
from merdata_train.features.torchaudio import import_torchaudio
from tests.merdata_train.command import cli

WIDTH = 16
AUDIO = {  # the real configuration, made narrow
    "type": "AUDIO", "prenet_depth": 1, "prenet_layerdrop": 0, "prenet_dropout": 0.0,
    "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0, "num_extra_tokens": 2,
    "init_extra_token_zero": True, "mask_noise_std": 0.01, "mask_prob": 0.5, "mask_length": 5,
    "encoder_zero_mask": True, "local_grad_mult": 1.0, "use_alibi_encoder": True, "alibi_scale": 1.0,
    "learned_alibi": False, "learned_alibi_scale": True, "learned_alibi_scale_per_head": True,
    "learned_alibi_scale_per_layer": False, "num_alibi_heads": 2, "model_depth": 1, "decoder": None,
    "extractor_mode": "layer_norm", "conv_pos_width": 95, "conv_pos_groups": 2, "conv_pos_depth": 5,
    "feature_encoder_spec": "[(16, 10, 5)] + [(16, 3, 2)] * 4 + [(16, 2, 2)] * 2", "conv_pos_pre_ln": False,
}  # fmt: skip
MODEL = {
    "loss_beta": 0.0, "loss_scale": None, "depth": 1, "start_drop_path_rate": 0.0, "end_drop_path_rate": 0.0,
    "num_heads": 2, "norm_eps": 1e-5, "norm_affine": True, "encoder_dropout": 0.1, "post_mlp_drop": 0.1,
    "attention_dropout": 0.1, "activation_dropout": 0.0, "dropout_input": 0.0, "layerdrop": 0.05,
    "embed_dim": WIDTH, "mlp_ratio": 2.0, "layer_norm_first": False, "average_top_k_layers": 1,
    "end_of_block_targets": False, "clone_batch": 1, "normalize": True, "modalities": {"audio": AUDIO},
}  # fmt: skip


def tiny(folder: Path) -> Path:
    """A random emotion2vec as ModelScope lays one out."""
    import_torchaudio()
    from funasr.models.emotion2vec.model import Emotion2vec

    folder.mkdir()
    torch.manual_seed(0)
    settings = {"model": "Emotion2vec", "model_conf": MODEL, "tokenizer": None, "scope_map": ["none", "none"]}
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    torch.save({"model": Emotion2vec(model_conf=MODEL).state_dict()}, folder / "model.pt")
    paths = {"init_param": "model.pt", "config": "config.yaml"}
    (folder / "configuration.json").write_text(
        json.dumps({"model": {"type": "funasr"}, "file_path_metas": paths})
    )
    return folder


@pytest.mark.skipif(find_spec("funasr") is None, reason="FunASR (the extra emotion2vec) is not installed")
@pytest.mark.parametrize("frames", [False, True])
def test_every_clip_has_its_features(frames: bool, store: merdata.Store, tmp_path: Path) -> None:
    own = Path(shutil.copytree(store.path, tmp_path / "store"))
    words = ["--emotion2vec", tiny(tmp_path / "model"), "--corpus", "TESS", "--store", own]
    done = cli("features", "e2v", *words, *(["--frames"] if frames else []), "--json")
    assert done.returncode == 0, done.stderr
    rows = store.rows(["id", "seconds"], ["tess"]).to_pylist()
    assert json.loads(done.stdout) == {"tess": {"rows": len(rows), "filled": len(rows)}}
    layer = load_file(own / "layers" / "e2v" / "tess.safetensors")
    lengths = np.diff(layer["offsets"])
    assert layer["features"].shape == (lengths.sum(), WIDTH)
    expected = [50 * row["seconds"] if frames else 1 for row in rows]  # 20 ms a frame
    assert np.abs(lengths - expected).max() <= (1.5 if frames else 0)


@pytest.mark.skipif(find_spec("funasr") is not None, reason="FunASR is installed")
def test_the_extra_that_is_missing_is_named(store: merdata.Store) -> None:
    done = cli("features", "e2v", "--emotion2vec", "iic/emotion2vec_base", "--store", store.path)
    assert done.returncode == 2
    assert "pip install 'merdata[emotion2vec]'" in done.stderr


def test_one_source_is_named(store: merdata.Store) -> None:
    done = cli("features", "e2v", "--store", store.path)
    assert done.returncode == 2
    assert "--arrays DIR, or --emotion2vec MODEL" in done.stderr


def test_options_of_emotion2vec_are_refused_with_arrays(store: merdata.Store, tmp_path: Path) -> None:
    done = cli("features", "mine", "--arrays", tmp_path, "--frames", "--store", store.path)
    assert done.returncode == 2
    assert "--frames and --corpus are for --emotion2vec" in done.stderr
