"""Transcripts by recognition: heard by a random Whisper, kept beside the rows, refused if they do not fit."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from typer.testing import CliRunner

import merdata
from merdata.asr.layer import layer_path, read_layer
from merdata.asr.models import find_model, open_recogniser
from merdata.asr.recogniser import ENGINES, RATE, Request, windows
from merdata.cli.app import app
from merdata.errors import MerdataError, OptionError, StoreError
from merdata.hub.staging import stage
from merdata.sample.files import pcm16
from tests.merdata.asr.tiny import save_whisper

CLOTH = "Der Lappen liegt auf dem Eisschrank."  # of EmoDB's a01
FILES = ["03a01Fa", "03a02Nc", "08b01Wa", "08a02Ta", "08a01Na"]
SILENT = "08a01Na"


def write_source(folder: Path, names: Sequence[str] = FILES, seed: int = 0) -> Path:
    """Files of EmoDB that hold noise, one of them so low that it is silence."""
    (folder / "wav").mkdir(parents=True, exist_ok=True)
    for number, name in enumerate(names):
        noise = np.random.default_rng([seed, number]).normal(0, 0.1, RATE + 800 * number)
        clip = noise * (1e-3 if name == SILENT else 1.0)
        (folder / "wav" / f"{name}.wav").write_bytes(pcm16(clip, RATE))
    return folder


@pytest.fixture(scope="module")
def whisper(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_whisper(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def heard(tmp_path_factory: pytest.TempPathFactory, whisper: Path) -> Path:
    """A store with a layer. Read only."""
    folder = tmp_path_factory.mktemp("heard")
    merdata.build(["emodb"], write_source(folder / "source"), folder / "store", jobs=0)
    made = fill(folder / "store", whisper)
    assert (made["layer"], made["shards"], made["kept"], made["rows"]) == ("asr/tiny", 2, 0, 5)
    return folder / "store"


@pytest.fixture
def store(heard: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(heard, tmp_path / "store"))


def fill(store: Path, model: Path, **options: object) -> dict[str, object]:
    chosen = {"engine": "transformers", "device": "cpu", "jobs": 0, "score_texts": 1} | options
    return dict(merdata.transcribe(store, str(model), **chosen))  # type: ignore[arg-type]


def files(store: Path) -> dict[str, bytes]:
    layer = store / "layers" / "asr" / "tiny"
    return {
        path.relative_to(layer).as_posix(): path.read_bytes() for path in sorted(layer.rglob("*.parquet"))
    }


def test_a_layer_has_every_row_in_the_order_of_the_store(heard: Path) -> None:
    table = merdata.transcripts(heard, "asr/tiny")
    assert table.column_names == ["id", "text", "language", "confidence", "words_per_second"]
    assert table["id"].to_pylist() == merdata.open_store(heard).rows(["id"])["id"].to_pylist()
    rows = {row["id"]: row for row in table.to_pylist()}
    silent = rows.pop(f"emodb/{SILENT}")
    assert (silent["text"], silent["language"], silent["confidence"], silent["words_per_second"]) == (
        "",
        "",
        0,
        0,
    )
    assert {row["language"] for row in rows.values()} == {"de"}
    assert all(0 < row["confidence"] <= 1 for row in rows.values())


def test_the_header_names_model_settings_and_shard(heard: Path, whisper: Path) -> None:
    shard = merdata.open_store(heard).shards()[0]
    metadata = pq.read_schema(layer_path(heard, "tiny", shard)).metadata
    header = json.loads(metadata[b"merdata"])
    model = find_model(str(whisper), "transformers")
    assert header["shard"] == shard.sha256
    assert header["layer"]["model"] == "tiny" and header["layer"]["revision"] == model.revision
    assert header["layer"]["settings"] == {"language": "corpus", "beams": 1, "score_texts": 1}
    assert header["layer"]["engine"].startswith("transformers ")


def test_what_is_there_is_kept_and_what_is_missing_comes_out_alike(store: Path, whisper: Path) -> None:
    before = files(store)
    (store / "layers" / "asr" / "tiny" / "emodb" / "08.parquet").write_bytes(b"half of a file")
    made = fill(store, whisper)
    assert (made["kept"], made["rows"], made["silent"]) == (1, 3, 1)
    assert files(store) == before
    assert fill(store, whisper)["kept"] == 2


def test_nothing_else_of_the_store_changes(store: Path, tmp_path: Path) -> None:
    before = {path: path.read_bytes() for path in store.rglob("*") if path.is_file()}
    assert not merdata.verify(store, deep=True, jobs=0).faults
    assert not merdata.diff(store, store).any
    merdata.build(["emodb"], write_source(tmp_path / "source"), store, jobs=0)  # nothing is new
    opened = merdata.open_store(store)
    staged = stage(opened, tmp_path / "staged", corpora=["emodb"])
    assert not (staged.path / "layers").exists()
    assert all(path.read_bytes() == data for path, data in before.items() if "layers" in path.parts)
    merdata.transcripts(store, "tiny")


def test_a_layer_of_other_rows_is_refused_until_it_is_made_again(
    store: Path, whisper: Path, tmp_path: Path
) -> None:
    changed = write_source(tmp_path / "source")
    write_source(changed, ["03a01Fa"], seed=1)
    merdata.build(["emodb"], changed, store, jobs=0)
    with pytest.raises(
        StoreError, match=r"is of other rows than .* `merdata transcribe .* --layer tiny` again"
    ):
        merdata.transcripts(store, "tiny")
    verdict = merdata.verify(store, jobs=0)
    assert not verdict.faults
    assert [remark.partition(":")[0] for remark in verdict.remarks] == [
        "transcripts asr/tiny do not fit the rows that the store has now"
    ]
    assert fill(store, whisper)["kept"] == 1
    assert not merdata.verify(store, jobs=0).remarks
    merdata.transcripts(store, "tiny")


def test_layers_of_two_models_are_kept_apart(store: Path, whisper: Path, tmp_path: Path) -> None:
    other = save_whisper(tmp_path / "other", seed=1)
    with pytest.raises(OptionError, match="that differ in model and revision: name another layer"):
        fill(store, other, layer="tiny")
    with pytest.raises(OptionError, match="that differ in settings"):
        fill(store, whisper, language="auto")
    fill(store, whisper, language="auto", layer="auto")
    assert set(merdata.transcripts(store, "auto")["language"].to_pylist()) <= {"de", "en", ""}
    with pytest.raises(StoreError, match="does not have the transcripts asr/none of emodb: run"):
        merdata.transcripts(store, "none")


def test_likelihoods_are_those_of_the_model(heard: Path, whisper: Path) -> None:
    """The sum over a text's bytes equals the loss that transformers computes for them."""
    from transformers import AutoFeatureExtractor, AutoTokenizer, WhisperForConditionalGeneration

    row = read_layer(merdata.open_store(heard), "tiny").to_pylist()[0]
    assert row["candidates"][0] == CLOTH and len(row["candidates"]) == 2  # its own, and one more
    samples = dict(merdata.read_audio(merdata.open_store(heard).shards()[0].path))[row["id"]]
    features = AutoFeatureExtractor.from_pretrained(whisper)(samples, sampling_rate=RATE, return_tensors="pt")
    model = WhisperForConditionalGeneration.from_pretrained(whisper)
    said = AutoTokenizer.from_pretrained(whisper).encode(f" {CLOTH}", add_special_tokens=False)
    prompt = [257, 259, 260, 261]  # <|startoftranscript|>, <|de|>, <|transcribe|>, <|notimestamps|>
    told = torch.tensor([[*prompt, *said]])
    labels = torch.tensor([[-100] * (len(prompt) - 1) + said + [-100]])
    with torch.inference_mode():
        loss = model(features.input_features, decoder_input_ids=told, labels=labels).loss
    assert row["likelihoods"][0] == pytest.approx(-float(loss) * len(said), rel=1e-4)


def test_a_batch_hears_what_single_windows_hear(whisper: Path) -> None:
    recogniser = open_recogniser(find_model(str(whisper), "transformers"), "cpu")
    clips = [np.random.default_rng(seed).normal(0, 0.1, RATE).astype(np.float32) for seed in range(3)]
    requests = [Request(clip, language) for clip, language in zip(clips, ("de", "en", None), strict=True)]
    together = recogniser.hear(requests, 1)
    apart = [recogniser.hear([request], 1)[0] for request in requests]
    assert [one.text for one in together] == [one.text for one in apart]
    assert [one.likelihood for one in together] == pytest.approx([one.likelihood for one in apart], abs=1e-4)


@pytest.mark.parametrize(("seconds", "parts"), [(0, 0), (1, 1), (30, 1), (30.1, 2), (65, 3)])
def test_a_long_clip_is_cut_into_windows(seconds: float, parts: int) -> None:
    clip = np.full(int(seconds * RATE), 0.5, np.float32)
    cut = windows(clip)
    assert len(cut) == parts and sum(map(len, cut)) == len(clip)
    assert all(len(part) <= 30 * RATE for part in cut)


FAULTS = [
    (["--model", "/nowhere/model", "--engine", "transformers"], "/nowhere/model does not exist"),
    (["--model", "{empty}", "--engine", "transformers"], "holds no model: it is empty"),
    (["--model", "{text}", "--engine", "transformers"], "transformers cannot load"),
    (["--model", "{empty}", "--engine", "fastwhisper"], "(did you mean 'faster-whisper'?)"),
    (["--model", "{empty}", "--engine", "absent"], "absent is not installed: pip install 'merdata[asr]'"),
    (["--model", "{tiny}", "--engine", "transformers", "--layer", "../up"], "cannot name a layer"),
    (
        ["--model", "{tiny}", "--engine", "transformers", "--revision", "1"],
        "--revision is for models of the Hub",
    ),
    (["--model", "{tiny}", "--engine", "transformers", "--corpus", "meld"], "holds no meld"),
    (
        ["--model", "{tiny}", "--engine", "transformers", "--language", "zz", "--layer", "new"],
        "does not know the language 'zz'; it knows de, en",
    ),
    (["--model", "nobody/nothing", "--engine", "transformers"], "neither a folder nor a model"),
]


@pytest.mark.parametrize(("arguments", "sentence"), FAULTS, ids=lambda value: str(value)[:40])
def test_faults_are_one_sentence(
    arguments: list[str],
    sentence: str,
    heard: Path,
    whisper: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(ENGINES, "absent", "asr")  # a package that is not installed
    (tmp_path / "empty").mkdir()
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no model")
    names = {"empty": tmp_path / "empty", "text": tmp_path / "text", "tiny": whisper}
    given = [word.format(**names) for word in arguments]
    before = files(heard)
    result = CliRunner().invoke(app, ["transcribe", str(heard), "--device", "cpu", "--jobs", "0", *given])
    assert isinstance(result.exception, MerdataError) and result.exception.exit_code == 2
    assert sentence in str(result.exception) and "\n" not in str(result.exception)
    assert files(heard) == before
