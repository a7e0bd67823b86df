"""Features of emotion2vec, extracted by FunASR, into a layer beside the store's data.

emotion2vec: Ma et al. (2024), Findings of ACL 2024: 15747-15760, arXiv:2312.15185. Its own code is FunASR's
(the extra `emotion2vec`); the weights come from ModelScope, or lie in a folder.
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
from torch import Tensor
from tqdm import tqdm

import merdata
from merdata import plugin
from merdata_train.errors import RecipeError
from merdata_train.features.cache import audio_samples
from merdata_train.features.layers import layer_folder, write_layer
from merdata_train.features.torchaudio import import_torchaudio

FULL_SCALE = 1 << 15
Extract = Callable[[Tensor], npt.NDArray[np.float32]]


def extract(
    store: merdata.Store, name: str, model: str, *, frames: bool = False, corpora: Iterable[str] | None = None
) -> dict[str, tuple[int, int]]:
    """Fill a layer with emotion2vec's features of every clip that was not silenced.

    Args:
        store: whose clips are heard.
        name: of the layer.
        model: on ModelScope, such as iic/emotion2vec_base, or its folder.
        frames: `[frames, width]`, 50 a second, instead of their mean `[width]`.
        corpora: by name; all of the store by default.

    Returns:
        corpus -> its rows that have features, and all its rows.

    Raises:
        RecipeError: the name cannot be that of a layer, FunASR is not installed, or the model cannot be
            opened.
        StoreError: the layer cannot be written.
    """
    layer_folder(store, name)
    features_of = _extractor(model, "frame" if frames else "utterance")
    return {corpus: _fill(store, name, corpus, features_of) for corpus in store.named(corpora)}


def _fill(store: merdata.Store, name: str, corpus: str, features_of: Extract) -> tuple[int, int]:
    samples = audio_samples(store, store.shards([corpus]))
    rows = store.rows(["id", "notes"], [corpus]).to_pylist()
    heard = [row["id"] for row in rows if not plugin.is_silenced(row["notes"])]
    bar = tqdm(heard, desc=corpus, unit="clip", disable=None)
    write_layer(store, name, corpus, {id: features_of(samples[id]) for id in bar})
    return len(heard), len(rows)


def _extractor(model: str, granularity: str) -> Extract:
    import_torchaudio()  # FunASR imports it, and that of another build than torch's fails
    try:
        from funasr import AutoModel
    except ImportError as error:
        raise RecipeError("emotion2vec needs FunASR: pip install 'merdata[emotion2vec]'") from error
    folder = plugin.place(model)
    quiet: dict[str, Any] = {"disable_update": True, "disable_pbar": True, "log_level": "ERROR"}
    try:
        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it downloads
            opened = AutoModel(model=str(folder) if folder.is_dir() else model, **quiet)
    except Exception as error:  # of FunASR, of ModelScope or of the network: they share no class
        raise RecipeError(
            f"FunASR cannot open {model}: name a model of ModelScope, such as iic/emotion2vec_base, or its "
            f"folder ({type(error).__name__})"
        ) from error

    def features_of(samples: Tensor) -> npt.NDArray[np.float32]:
        wave = samples.float() / FULL_SCALE
        with contextlib.redirect_stdout(io.StringIO()):
            (answer,) = opened.generate(wave, granularity=granularity, extract_embedding=True, fs=16_000)
        return np.asarray(answer["feats"], np.float32)

    return features_of
