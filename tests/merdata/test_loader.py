"""The store opens with `datasets` alone, and through merdata with decoded audio."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

import merdata
from merdata.errors import CorpusNotFound, SplitError
from merdata.utterance import store_schema

WITHOUT_MERDATA = """
import importlib.abc, json, sys

class Blocked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ("merdata", "merdata_train"):
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Blocked())
from datasets import Audio, load_dataset

store = sys.argv[1]
whole = load_dataset(store)
one = load_dataset(store, "ravdess")
streamed = load_dataset(store, streaming=True)["test"].cast_column("audio", Audio(decode=False))
rows = list(streamed)
print(json.dumps({
    "rows": {split: part.num_rows for split, part in whole.items()},
    "corpora": sorted(set(one["train"]["corpus"])),
    "classes": whole["train"].features["label"].names,
    "audio": str(whole["train"].features["audio"]),
    "streamed": len(rows),
    "bytes": rows[0]["audio"]["bytes"][:4].decode(),
    "ids": sorted(row["id"] for row in rows),
}))
"""


@pytest.fixture(scope="module")
def elsewhere(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> dict[str, object]:
    """What a process without merdata sees."""
    folder = tmp_path_factory.mktemp("elsewhere")
    command = [sys.executable, "-c", WITHOUT_MERDATA, str(store.path)]
    without_torch = os.environ | {"USE_TORCH": "0"}  # which datasets would import for seconds, to stream
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, env=without_torch)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))


def test_load_dataset_gives_the_splits_of_the_protocol(
    store: merdata.Store, elsewhere: dict[str, object]
) -> None:
    split_of = merdata.load_protocol(store, "mer").splits()
    assert elsewhere["rows"] == Counter(split_of.values())
    assert elsewhere["ids"] == sorted(id for id, split in split_of.items() if split == "test")


def test_load_dataset_knows_features_and_streams(elsewhere: dict[str, object]) -> None:
    assert elsewhere["classes"] == ["anger", "disgust", "fear", "joy", "sadness", "surprise", "neutral"]
    assert str(elsewhere["audio"]).startswith("Audio(sampling_rate=16000")
    assert elsewhere["bytes"] == "RIFF"
    assert elsewhere["streamed"] == elsewhere["rows"]["test"]  # type: ignore[index]


def test_load_dataset_gives_one_corpus_by_name(elsewhere: dict[str, object]) -> None:
    assert elsewhere["corpora"] == ["ravdess"]


def test_the_schema_is_the_one_datasets_makes() -> None:
    from datasets import Audio, ClassLabel, Features, List, Value

    classes = ["anger", "joy"]
    schema = store_schema(classes)
    features = Features.from_arrow_schema(schema)
    assert features["audio"] == Audio(sampling_rate=16_000)
    assert features["label"] == ClassLabel(names=classes)
    assert features["notes"] == List(Value("string"))
    made = features.arrow_schema
    assert made.equals(schema)
    assert json.loads(made.metadata[b"huggingface"]) == json.loads(schema.metadata[b"huggingface"])


def test_load_decodes_without_torchcodec(store: merdata.Store) -> None:
    splits = merdata.load(store.path)
    row = splits["train"][0]
    assert row["audio"]["array"].dtype == np.float32
    assert row["audio"]["sampling_rate"] == 16_000
    assert len(row["audio"]["array"]) == pytest.approx(row["seconds"] * 16_000, abs=1)
    assert splits["train"].features["label"].int2str(row["label"]) in store.space.classes


def test_load_without_decoding_gives_wav_bytes(store: merdata.Store) -> None:
    row = merdata.load(store, decode=False)["train"][0]
    assert row["audio"]["bytes"][:4] == b"RIFF"
    assert row["audio"]["path"] == f"{row['id']}.wav"


def test_load_follows_the_table_of_the_protocol(store: merdata.Store) -> None:
    splits = merdata.load(store, corpora=["ravdess", "meld"], decode=False)
    split_of = merdata.load_protocol(store, "mer").splits()
    for split, part in splits.items():
        assert set(part["corpus"]) == {"ravdess", "meld"}
        assert {split_of[id] for id in part["id"]} == {split}


def test_one_corpus_may_be_named_without_a_list(store: merdata.Store) -> None:
    assert set(merdata.load(store, corpora="ravdess", decode=False)["train"]["corpus"]) == {"ravdess"}
    assert store.rows(["id"], "ravdess") == store.rows(["id"], ["ravdess"])
    assert store.shards("ravdess") == store.shards(["ravdess"])


def test_load_refuses_what_is_not_there(store: merdata.Store) -> None:
    with pytest.raises(CorpusNotFound, match=r"no corpus was named; .* holds .*ravdess"):
        merdata.load(store, corpora=[])
    with pytest.raises(CorpusNotFound, match="holds no savee"):
        merdata.load(store, corpora=["savee"])
    with pytest.raises(SplitError, match="has no protocol"):
        merdata.load(store, protocol="loso")


def test_rows_and_audio_are_read_by_shard(store: merdata.Store) -> None:
    shard = store.shards()[0]
    heard = dict(merdata.read_audio(shard.path))
    assert len(heard) == shard.rows
    assert all(samples.dtype == np.float32 and abs(samples).max() <= 1 for samples in heard.values())
    rows = store.rows(["id", "label"], [shard.corpus])
    assert set(heard) <= set(rows["id"].to_pylist())
    assert set(rows["label"].to_pylist()) <= set(store.space.classes)


def test_without_a_split_everything_is_in_train(corpora: Path, tmp_path: Path) -> None:
    merdata.build(["tess"], corpora / "tess", tmp_path / "store")
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            f"from datasets import load_dataset; print(load_dataset({str(tmp_path / 'store')!r}))",
        ],
        capture_output=True,
        text=True,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "train: Dataset" in done.stdout
    assert "test: Dataset" not in done.stdout


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', '{"format": "x"}', "null", "\udcff"])
def test_a_damaged_manifest_is_one_sentence(content: str, tmp_path: Path) -> None:
    (tmp_path / "merdata.json").write_bytes(content.encode("utf-8", "surrogateescape"))
    says = r"is damaged( \(.*\))?: delete it and run `merdata build` again"
    with pytest.raises(merdata.StoreError, match=says):
        merdata.open_store(tmp_path)


@pytest.mark.parametrize("fault", ["missing", "cut"])
def test_a_damaged_shard_is_one_sentence_and_built_again(fault: str, corpora: Path, tmp_path: Path) -> None:
    path = tmp_path / "store"
    merdata.build(["tess"], corpora / "tess", path)
    (first, _) = merdata.open_store(path).shards()
    whole = first.path.read_bytes()
    if fault == "missing":
        first.path.unlink()
    else:
        first.path.write_bytes(whole[:1_000])
    with pytest.raises(merdata.StoreError, match="run `merdata build` again"):
        merdata.open_store(path).rows()
    assert merdata.build(["tess"], corpora / "tess", path).made == 1
    assert first.path.read_bytes() == whole
