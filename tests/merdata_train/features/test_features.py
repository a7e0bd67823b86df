"""Features: MFCC as librosa's, hashed words as scikit-learn's, a cache that knows what changed."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import HashingVectorizer

import merdata
from merdata_train import Predictor
from merdata_train.features import audio, cache, mfcc
from merdata_train.features.hashing import hashed
from merdata_train.features.torchaudio import import_torchaudio
from merdata_train.recipe.features import Egemaps, Hashing, Mfcc
from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.run import run
from tests.merdata_train.command import cli


def speech(seconds: float = 1.0, seed: int = 0) -> np.ndarray:
    random = np.random.default_rng(seed)
    t = np.arange(int(16_000 * seconds)) / 16_000
    return (0.3 * np.sin(2 * np.pi * 220 * t) * np.sin(7 * t) + 0.01 * random.normal(size=len(t))).astype(
        np.float32
    )


@pytest.mark.parametrize("n_mfcc", [1, 40, 80])
def test_mfcc_equals_librosa(n_mfcc: int) -> None:
    """`librosa.npy` is what librosa 0.11.0 gives; itself it compiles for half a minute.

    librosa.feature.mfcc(y=speech(), sr=16_000, n_mfcc=80, n_mels=128, n_fft=512, win_length=400,
    hop_length=160, pad_mode="constant").T
    """
    theirs = np.load(Path(__file__).with_name("librosa.npy"))[:, :n_mfcc]
    mine = mfcc.frames(speech(), Mfcc(n_mfcc=n_mfcc))
    assert mine.shape == theirs.shape
    assert np.abs(mine - theirs).max() < 1e-2


@pytest.mark.parametrize("config", [Mfcc(), Mfcc(n_mfcc=13, n_mels=40, n_fft=1024, win_ms=40, hop_ms=12.5)])
def test_mfcc_equals_torchaudio(config: Mfcc) -> None:
    clip = np.concatenate([speech(), np.zeros(4_000, np.float32)])
    theirs = import_torchaudio().transforms.MFCC(
        n_mfcc=config.n_mfcc,
        melkwargs={
            "n_fft": config.n_fft,
            "win_length": int(16 * config.win_ms),
            "hop_length": int(16 * config.hop_ms),
            "n_mels": config.n_mels,
            "mel_scale": "slaney",
            "norm": "slaney",
            "pad_mode": "constant",
        },
    )(torch.from_numpy(clip))
    assert np.abs(mfcc.frames(clip, config) - theirs.numpy().T).max() < 1e-3


def test_vector_is_mean_and_std_of_the_frames() -> None:
    config = Mfcc(n_mfcc=13)
    clip = mfcc.frames(speech(), config)
    vector = mfcc.mean_std(speech(), config)
    assert vector.shape == (mfcc.width(config),)
    assert vector.dtype == np.float32
    assert np.allclose(vector, np.concatenate([clip.mean(axis=0), clip.std(axis=0, ddof=0)]))


@pytest.mark.parametrize("samples", [1, 2, 160, 512, 513])
def test_the_shortest_clips_have_features(samples: int) -> None:
    assert np.isfinite(mfcc.mean_std(speech()[:samples], Mfcc())).all()


def test_torch_and_torchaudio_are_imported_late() -> None:
    """In a process of its own: the plain import of torchaudio may fail there, ours does not."""
    code = (
        "import sys, merdata_train; assert 'torch' not in sys.modules\n"
        "from merdata_train.features.torchaudio import import_torchaudio as f; import torch\n"
        "t = f(); assert f() is t\n"
        "assert t.transforms.MFCC()(torch.zeros(1, 16000)).shape[1] == 40\n"
        "assert t.functional.resample(torch.zeros(48000), 48000, 16000).shape == (16000,)\n"
        "merdata_train.Predictor"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_hashing_is_scikit_learns() -> None:
    texts = ["Oh my God, he's lost it.", "What?", "oh my god HE'S lost it"]
    expected = HashingVectorizer(n_features=768).transform(texts).toarray()
    found = hashed(texts, Hashing())
    assert np.allclose(found, expected, atol=1e-6)
    assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-6)


def test_missing_text_is_zeros_and_chinese_has_its_characters() -> None:
    found = hashed([None, "", "打远一看", "打远二看"], Hashing())
    assert not found[:2].any()
    assert np.count_nonzero(found[2]) >= 7
    assert 0.2 < float(found[2] @ found[3]) < 0.95


def test_who_speaks_and_who_is_spoken_of_are_two_things() -> None:
    alone, to_joey = hashed(["speaker=Joey", "Joey"], Hashing())
    assert np.count_nonzero(alone) == 1 and float(alone @ to_joey) == 0
    both = hashed(["speaker=Joey Hello there"], Hashing())[0]
    words = hashed(["Hello there"], Hashing())[0]
    assert both * 3**0.5 == pytest.approx(alone + words * 2**0.5, abs=1e-6)
    chinese = hashed(["speaker=Joey 打远一看"], Hashing())[0]
    assert float(chinese @ alone) != 0 and float(chinese @ to_joey) == 0


def test_cache_computes_once_and_gives_every_row(
    store: merdata.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards = store.shards(["tess"])
    config = Mfcc(n_mfcc=5, n_mels=20)
    first = cache.audio_features(store, shards, config, jobs=2)
    heard = {id: samples for shard in shards for id, samples in merdata.read_audio(shard.path)}
    assert set(first) == set(heard)
    some = next(iter(heard))
    assert np.array_equal(first[some], mfcc.mean_std(heard[some], config))

    def fail(*_: object) -> None:
        raise AssertionError("computed twice")

    monkeypatch.setattr(mfcc, "mean_std", fail)
    again = cache.audio_features(store, shards, config, jobs=1)
    assert all(np.array_equal(first[id], again[id]) for id in first)
    with pytest.raises(AssertionError, match="computed twice"):
        cache.audio_features(store, shards, Mfcc(n_mfcc=6, n_mels=20), jobs=1)


def test_cache_files_are_beside_the_store_and_whole(store: merdata.Store) -> None:
    folder = store.path / ".cache" / "features"
    before, shards = set(folder.iterdir()), store.shards(["tess"])
    cache.audio_features(store, shards, Mfcc(n_mfcc=4, n_mels=20), jobs=1)
    made = set(folder.iterdir()) - before
    assert [path.suffix for path in made] == [".safetensors"] * len(shards)


def test_a_damaged_cache_file_is_computed_again(store: merdata.Store) -> None:
    shards, config = store.shards(["tess"])[:1], Mfcc(n_mfcc=3, n_mels=20)
    before = set((store.path / ".cache" / "features").iterdir())
    first = cache.audio_features(store, shards, config, jobs=1)
    (made,) = set((store.path / ".cache" / "features").iterdir()) - before
    made.write_bytes(made.read_bytes()[:200])
    again = cache.audio_features(store, shards, config, jobs=1)
    assert all(np.array_equal(first[id], again[id]) for id in first)


def test_computing_in_this_process_leaves_the_threads_of_the_training_alone(store: merdata.Store) -> None:
    """The order of a sum depends on the threads: a cold cache would train another model than a warm one."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(2)
        cache.audio_features(store, store.shards(["tess"])[:1], Mfcc(n_mfcc=2, n_mels=20), jobs=1)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_frames_of_every_row_are_kept_in_one_file_a_shard(store: merdata.Store) -> None:
    shards, config = store.shards(["ravdess"]), Mfcc(n_mfcc=40, pool="none")
    found = cache.audio_features(store, shards, config, jobs=1)
    vectors = cache.audio_features(store, shards, Mfcc(n_mfcc=40), jobs=1)
    heard = {id: samples for shard in shards for id, samples in merdata.read_audio(shard.path)}
    assert found.keys() == vectors.keys() == heard.keys()
    for id, samples in heard.items():
        assert np.array_equal(found[id].numpy(), mfcc.frames(samples, config))
        clip = found[id].numpy()
        assert np.allclose(vectors[id], np.concatenate([clip.mean(axis=0), clip.std(axis=0)]), atol=1e-4)
    assert len({len(clip) for clip in found.values()}) > 1


def test_frames_are_mapped_into_memory_and_not_read(store: merdata.Store) -> None:
    """A process that opens the frames holds their addresses; the pages come when they are looked at."""
    found = cache.audio_features(store, store.shards(["ravdess"]), Mfcc(n_mfcc=40, pool="none"), jobs=1)
    address = next(iter(found.values())).data_ptr()
    maps = [line.split() for line in Path("/proc/self/maps").read_text().splitlines()]
    (name,) = [
        line[-1]
        for line in maps
        if int(line[0].split("-")[0], 16) <= address < int(line[0].split("-")[1], 16)
    ]
    assert name.endswith(".safetensors")


def test_a_computation_that_was_killed_goes_on_at_its_shard(
    store: merdata.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(cache.FOLDER, str(tmp_path))
    shards, config = store.shards(["ravdess"]), Mfcc(n_mfcc=4, n_mels=20)
    first = cache.audio_features(store, shards, config, jobs=1)
    files = sorted(tmp_path.iterdir())
    assert len(files) == len(shards) > 1
    files[0].unlink()
    (tmp_path / f".{files[0].name}.123.part").write_bytes(b"half")
    times = {path: path.stat().st_mtime_ns for path in files[1:]}
    again = cache.audio_features(store, shards, config, jobs=1)
    assert all(np.array_equal(first[id], again[id]) for id in first)
    assert {path: path.stat().st_mtime_ns for path in files[1:]} == times


def test_a_store_that_cannot_be_written_is_cached_elsewhere(
    store: merdata.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = merdata.open_store(shutil.copytree(store.path, tmp_path / "store", ignore=lambda *_: [".cache"]))
    (other.path / ".cache").write_text("in the way")  # root may write anywhere but here
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "home"))
    shards, config = other.shards(["tess"]), Mfcc(n_mfcc=4, n_mels=20)
    found = cache.audio_features(other, shards, config, jobs=1)
    assert len(list((tmp_path / "home" / "merdata" / "features").iterdir())) == len(shards)
    assert found.keys() == {id for shard in shards for id in other.ids[shard]}


def test_features_that_came_with_a_store_are_used(
    store: merdata.Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    shards, config = store.shards(["tess"]), Mfcc(n_mfcc=4, n_mels=21)
    cache.audio_features(store, shards, config, jobs=1)
    monkeypatch.setattr(cache, "_writable", lambda _: pytest.fail("computed again"))
    assert cache.audio_features(store, shards, config, jobs=1)


def test_egemaps_are_opensmiles_88_functionals() -> None:
    opensmile = pytest.importorskip("opensmile")
    names = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02).feature_names
    found = audio.features_of(speech(), Egemaps(kind="egemaps"))
    assert found.shape == (len(names),) == (audio.shape(Egemaps(kind="egemaps")).width,)
    pitch = dict(zip(names, found, strict=True))["F0semitoneFrom27.5Hz_sma3nz_amean"]
    assert pitch == pytest.approx(12 * np.log2(220 / 27.5), abs=0.5)


@pytest.mark.parametrize("samples", [1, 959, 960])
def test_egemaps_of_the_shortest_clips_and_of_silence_are_numbers(samples: int) -> None:
    pytest.importorskip("opensmile")
    for clip in (speech()[:samples], np.zeros(samples, np.float32)):
        assert np.isfinite(audio.features_of(clip, Egemaps(kind="egemaps"))).all()


def test_without_opensmile_one_sentence_says_how_to_get_it() -> None:
    code = (
        "import sys; sys.modules['opensmile'] = None\n"
        "import numpy as np\n"
        "from merdata_train.features.egemaps import functionals\n"
        "functionals(np.zeros(16000, np.float32))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    says = "features.audio.kind egemaps needs opensmile: pip install 'merdata[egemaps]'"
    assert says in done.stderr.strip().splitlines()[-1]


def test_a_model_learns_from_egemaps(store: merdata.Store, tmp_path: Path) -> None:
    pytest.importorskip("opensmile")
    change = ["features.audio={kind: egemaps}", "data.corpora=[emovdb]", "stages.0.epochs=2"]
    recipe = load_recipe("source0/A0", [f"store={store.path}", *change])
    folder = run(recipe, tmp_path, jobs=1)
    predictor = Predictor.open(folder)
    assert predictor.model.standardise["audio"].mean.shape == (88,)
    assert predictor(audio=speech()).label in predictor.classes


def test_the_commands_keep_features_where_they_are_told(store: merdata.Store, tmp_path: Path) -> None:
    change = ["data.corpora=[ravdess]", "stages.0.epochs=1", "features.audio.n_mfcc=7"]
    done = cli(
        "run", "source0/A0", *change, "--store", store.path, "--cache", "kept", "--jobs", 1, cwd=tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "kept").iterdir())) == len(store.shards(["ravdess"]))


def test_what_killed_processes_left_in_the_cache_is_removed(
    store: merdata.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those of other machines, which may share the folder, and of processes that go on are kept."""
    monkeypatch.setenv("MERDATA_CACHE", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    here = platform.node()
    kept = {
        f".a.safetensors.{here}-{os.getpid()}.part",
        f".a.safetensors.elsewhere-{dead.pid}.part",
        ".tmpNew",
    }
    for name in (*kept, f".a.safetensors.{here}-{dead.pid}.part", ".tmpOld"):
        (tmp_path / name).touch()
    os.utime(tmp_path / ".tmpOld", (0, 0))
    assert cache.cache_folder(store) == tmp_path
    assert {path.name for path in tmp_path.iterdir()} == kept
