"""Prediction of one's own recordings: the numbers of the evaluation, any format, any modality missing."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
import soundfile

import merdata
from merdata import plugin
from merdata_train import Predictor
from merdata_train.errors import InputError, RunError
from merdata_train.models.emotion import EmotionModel
from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.run import run
from merdata_train.serving.predict import predict_all
from tests.merdata.asr.tiny import save_whisper
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL

TOLERANCE = 1e-6


@pytest.fixture(scope="module")
def predictor(trained: Path) -> Predictor:
    return Predictor.open(trained)


@pytest.fixture(scope="module")
def rows(trained: Path, store: merdata.Store) -> list[dict[str, Any]]:
    """Test rows as the store holds them, with the probabilities that the evaluation wrote."""
    saved = pd.read_parquet(trained / "predictions.parquet").set_index("id")
    return [row | {"saved": saved.loc[row["id"]]} for row in stored(store) if row["id"] in saved.index]


def stored(store: merdata.Store) -> Iterator[dict[str, Any]]:
    for shard in store.shards():
        yield from pq.read_table(shard.path, columns=["id", "audio", "text", "notes"]).to_pylist()


@pytest.fixture
def recording(rows: list[dict[str, Any]], tmp_path: Path) -> Path:
    path = tmp_path / "hello.wav"
    path.write_bytes(rows[0]["audio"]["bytes"])
    return path


def test_predictions_are_those_of_the_evaluation(
    predictor: Predictor, rows: list[dict[str, Any]], tmp_path: Path
) -> None:
    heard = [row for row in rows if not any(note.startswith("audio silenced") for note in row["notes"])]
    assert len(heard) > 20
    for row in heard[::3]:
        path = tmp_path / "clip.wav"
        path.write_bytes(row["audio"]["bytes"])
        found = predictor(audio=path, text=row["text"])
        assert found.label == row["saved"]["predicted"]
        for name, value in found.raw.items():
            assert value == pytest.approx(row["saved"][f"p_{name}"], abs=TOLERANCE)


def test_probabilities_are_those_at_the_temperature_of_the_validation_rows(
    predictor: Predictor, trained: Path, recording: Path
) -> None:
    """softmax(log p / T); the temperature is the one that the validation rows' predictions give."""
    validation = pd.read_parquet(trained / "validation.parquet")
    metrics = json.loads((trained / "metrics.json").read_text())
    temperature = predictor.model.temperature
    assert temperature == metrics["temperature"] != 1
    assert json.loads((trained / "model" / "config.json").read_text())["temperature"] == temperature
    columns = [f"p_{name}" for name in predictor.classes]

    def loss(at: float) -> float:
        logits = np.log(validation[columns].to_numpy()) / at
        scaled = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
        gold = [predictor.classes.index(label) for label in validation["label"]]
        return float(-np.log(scaled[np.arange(len(gold)), gold]).mean())

    assert loss(temperature) < min(loss(temperature * 0.95), loss(temperature * 1.05))
    found = predictor(audio=recording, text="Get out!")
    powers = {name: value ** (1 / temperature) for name, value in found.raw.items()}
    for name, value in found.probabilities.items():
        assert value == pytest.approx(powers[name] / sum(powers.values()))
    assert found.probabilities != found.raw


def test_a_modality_that_the_model_never_missed_is_flagged(
    predictor: Predictor, trained: Path, store: merdata.Store, recording: Path
) -> None:
    """Of the miniatures' train rows all have audio, and one in ten has no text."""
    rows = store.rows(["id", "text"]).to_pandas()
    train = rows[rows["id"].map(merdata.load_protocol(store, "mer").splits()) == "train"]
    assert train["text"].isna().mean() > 0.1
    assert predictor.model.missed == ["text"]
    assert predictor(audio=recording, text="Get out!").notes == predictor(audio=recording).notes == ()
    (note,) = predictor(text="Get out!").notes
    assert note.startswith("it was predicted without audio, and the model never learned to")
    said = cli("predict", trained, "--text", "Get out!", "--json")
    assert f"'Get out!': {note}" in said.stderr
    (answer,) = json.loads(said.stdout)
    assert answer["notes"] == [note]
    assert answer["probabilities"] != answer["raw_probabilities"]


def test_a_model_that_learned_to_miss_a_modality_is_not_flagged(
    store: merdata.Store, recording: Path, tmp_path: Path
) -> None:
    words = [f"store={store.path}", *SMALL, "stages.0.epochs=1", "modality_dropout=0.2"]
    reads = Predictor.open(run(load_recipe("source0/A1", words), tmp_path))
    assert reads.model.missed == ["audio", "text"]
    assert reads(audio=recording).notes == reads(text="Get out!").notes == ()


def test_samples_give_what_their_file_gives(predictor: Predictor, recording: Path) -> None:
    samples, _ = soundfile.read(recording, dtype="float32")
    assert predictor(audio=samples) == predictor(audio=recording)


def test_either_modality_may_be_missing(predictor: Predictor, recording: Path) -> None:
    both, heard, read = (
        predictor(audio=recording, text="Get out!"),
        predictor(audio=recording),
        predictor(text="Get out!"),
    )
    assert both != heard != read != both
    for one in (both, heard, read):
        assert sum(one.probabilities.values()) == pytest.approx(1)
        assert one.probabilities[one.label] == max(one.probabilities.values())


@pytest.mark.parametrize("suffix", ["flac", "ogg", "mp3", "aiff"])
def test_other_formats_rates_and_channels_are_heard(
    predictor: Predictor, tmp_path: Path, suffix: str
) -> None:
    t = np.arange(44_100) / 44_100
    stereo = np.stack([np.sin(2 * np.pi * 220 * t), np.sin(2 * np.pi * 330 * t)], axis=1) / 4
    path = tmp_path / f"clip.{suffix}"
    soundfile.write(path, stereo, 44_100)
    assert predictor(audio=path).label in predictor.classes


def test_run_and_model_folder_are_the_same_model(trained: Path, recording: Path) -> None:
    assert Predictor.open(trained)(audio=recording) == Predictor.open(str(trained / "model"))(audio=recording)


def test_a_model_of_one_modality_refuses_the_other(tmp_path: Path) -> None:
    recipe = load_recipe("source0/A1-text", SMALL)
    reads = Predictor(EmotionModel.of(recipe, ["joy", "anger"]))
    assert reads(text="Hello").label in ("joy", "anger")
    with pytest.raises(InputError, match="trained on text only: it cannot use audio"):
        reads(audio=tmp_path / "clip.wav", text="Hello")
    with pytest.raises(InputError, match="nothing to predict from: give text"):
        reads()


@pytest.mark.parametrize(
    ("modalities", "instead"),
    [("[audio, text]", "give --text alone"), ("[audio]", "use a model that hears recordings")],
)
def test_a_model_of_stored_features_hears_no_recording(
    modalities: str, instead: str, recording: Path, tmp_path: Path
) -> None:
    stored = "features.audio={kind: stored, name: mine, width: 5, model: me/extractor}"
    recipe = load_recipe("source0/A0", [stored, f"modalities={modalities}", "model.width=16"])
    EmotionModel.of(recipe, ["joy", "anger"]).save_pretrained(tmp_path)
    done = cli("predict", tmp_path, recording)
    assert done.returncode == 2
    assert done.stderr == (
        "merdata_train: the model reads the features 'mine', made by me/extractor and kept in a layer of a "
        f"store: it cannot hear a recording; {instead}\n"
    )
    if "text" in modalities:
        (answer,) = json.loads(cli("predict", tmp_path, "--text", "Get out!", "--json").stdout)
        assert sum(answer["probabilities"].values()) == pytest.approx(1)


def test_a_model_without_context_refuses_a_history(predictor: Predictor, recording: Path) -> None:
    with pytest.raises(InputError, match="trained without context: it cannot use a history"):
        predictor(text="Get out!", history=["Hello."])
    with pytest.raises(InputError, match="a history belongs to one utterance"):
        predict_all(predictor, [recording, recording], [], ["Hello."])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="does not hold a trained model"):
        Predictor.open(tmp_path)


def test_a_mistyped_run_is_not_asked_of_the_hub(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runs").symlink_to(trained.parent)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(RunError, match="runs/nope does not hold a trained model: give the folder of a run"):
        Predictor.open("runs/nope")


def bad_files(folder: Path, good: bytes) -> dict[str, str]:
    """Files that no model can use, and what is said of each."""
    (folder / "empty.wav").touch()
    (folder / "cut.wav").write_bytes(good[: len(good) // 2])
    (folder / "page.mp3").write_text("<html>not found</html>")
    (folder / "folder.wav").mkdir()
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(16_000), 16_000, format="WAV")
    (folder / "silence.wav").write_bytes(silence.getvalue())
    soundfile.write(folder / "long.wav", np.sin(np.arange(8_000 * 700) / 9), 8_000)
    return {
        "missing.wav": "does not exist",
        "empty.wav": "the file has no bytes",
        "cut.wav": "bytes of audio that the header declares",
        "page.mp3": "a web page, not audio",
        "folder.wav": "is not a file",
        "silence.wav": "digital silence",
        "long.wav": "is 12 minutes long: split it into utterances",
    }


def test_a_bad_file_stops_no_other(predictor: Predictor, recording: Path) -> None:
    expected = bad_files(recording.parent, recording.read_bytes())
    paths = [*(recording.parent / name for name in expected), recording]
    *bad, good = predict_all(predictor, paths, [])
    for one, says in zip(bad, expected.values(), strict=True):
        assert one.prediction is None
        assert one.fault is not None
        assert says in one.fault
        assert str(one.file) in one.fault
    assert good.prediction == predictor(audio=recording)


def test_a_long_recording_is_predicted_with_a_word(predictor: Predictor) -> None:
    samples = np.sin(np.arange(16_000 * 40) / 9).astype(np.float32) / 2
    (note,) = predictor(audio=samples, text="Get out!").notes
    assert "is 40 s long" in note


@pytest.mark.parametrize("text", ["", " \n\t", "\u200b\ufeff"])
def test_an_empty_text_is_no_text(text: str, predictor: Predictor, recording: Path) -> None:
    with pytest.raises(InputError, match="nothing to predict from"):
        predictor(text=text)
    both, alone = predictor(audio=recording, text=text), predictor(audio=recording)
    assert both.probabilities == alone.probabilities
    assert [note for note in both.notes if note not in alone.notes] == [
        "its text is empty and counts as missing"
    ]


@pytest.mark.parametrize("name", ["[a] b.wav", "ümläut 中.flac", "-dash", "a:b.wav", "50 % *?.WAV"])
def test_a_recording_of_any_name_is_heard(
    name: str, predictor: Predictor, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copy(recording, tmp_path / name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    expected = predictor(audio=recording)
    for given in (tmp_path / name, name, f"~/{name}", Path("~") / name):
        assert predictor(audio=given) == expected


def test_a_header_without_a_size_is_noted(predictor: Predictor, recording: Path, tmp_path: Path) -> None:
    data = bytearray(recording.read_bytes())
    start = data.index(b"data")
    data[start + 4 : start + 8] = b"\0\xf0\xff\x7f"  # what SoX writes to a pipe
    (tmp_path / "piped.wav").write_bytes(data)
    (note,) = predictor(audio=tmp_path / "piped.wav").notes
    assert "states no size" in note


@pytest.mark.parametrize("samples", [np.zeros((2, 9)), np.zeros(0), np.array([0.0, np.nan])])
def test_samples_that_are_no_recording_are_refused(predictor: Predictor, samples: Any) -> None:
    with pytest.raises(InputError, match="samples must be finite numbers of shape"):
        predictor(audio=samples)


def test_the_command_names_bad_files_and_predicts_the_others(trained: Path, recording: Path) -> None:
    missing = recording.with_name("missing.wav")
    done = cli("predict", trained, missing, recording, "--text", "a", "--text", "Get out!", "--json")
    assert done.returncode == 2
    assert done.stderr.strip() == f"merdata_train: {missing} does not exist, or is not a file"
    lost, found = json.loads(done.stdout)
    assert "does not exist" in lost["error"]
    expected = Predictor.open(trained)(audio=recording, text="Get out!")
    assert found["label"] == expected.label
    assert found["probabilities"] == pytest.approx(expected.probabilities, abs=TOLERANCE)


def test_the_command_prints_every_class(trained: Path, recording: Path, store: merdata.Store) -> None:
    done = cli("predict", trained, recording.name, cwd=recording.parent)
    assert done.returncode == 0
    assert done.stderr == ""
    assert all(name in done.stdout for name in (*store.space.classes, "hello.wav"))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "there is nothing to predict from"),
        (["a.wav", "--text", "x", "--text", "y"], "files: 1, texts: 2"),
        (["a.wav", "--language", "en"], "--language is for --transcribe"),
    ],
)
def test_inputs_that_do_not_fit_are_one_sentence(trained: Path, words: list[str], says: str) -> None:
    done = cli("predict", trained, *words)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_what_is_said_is_written_down(trained: Path, recording: Path, tmp_path: Path) -> None:
    """The text of the answer is what the recogniser hears, and the answer is that of this text."""
    whisper = save_whisper(tmp_path / "tiny")
    words = ("--transcribe", whisper, "--language", "en")
    done = cli("predict", trained, recording, *words, "--json")
    assert done.returncode == 0, done.stderr
    (answer,) = json.loads(done.stdout)
    samples, _ = soundfile.read(recording, dtype="float32")
    heard, _ = plugin.hear(samples, plugin.find_model(str(whisper)), language="en")
    assert heard and answer["text"] == heard
    expected = Predictor.open(trained)(audio=recording, text=heard).probabilities
    assert answer["probabilities"] == pytest.approx(expected, abs=TOLERANCE)
    both = cli("predict", trained, recording, *words, "--text", "Get out!")
    assert (both.returncode, both.stderr) == (
        2,
        "merdata_train: texts are given: leave --transcribe out\n",
    )
    missing = cli("predict", trained, recording, "--transcribe", tmp_path / "none")
    assert missing.returncode == 2 and "none does not exist" in missing.stderr
