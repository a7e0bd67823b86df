"""The ladder: clean gives the clean score, nothing depends on order, and each step is computed once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

import merdata
from merdata_train.data.examples import Examples
from merdata_train.data.perturb import Perturber
from merdata_train.data.source import Source
from merdata_train.errors import RecipeError
from merdata_train.features.cache import cache_folder
from merdata_train.features.perturbations import Perturbation, ladder
from merdata_train.recipe.recipe import load_recipe
from merdata_train.report.lines import lines_of
from merdata_train.report.read import read_matrices
from merdata_train.report.tables import caption
from merdata_train.runs.evaluate import evaluate
from merdata_train.runs.folder import load_scored, open_run
from merdata_train.runs.robustness import climb, read_steps, usable
from merdata_train.runs.run import run
from tests.merdata.asr.laid import lay
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL

TEXTS = ["wer", "dropped"]
CLEAN = ["noise:clean", "speed:1", "dropped:0"]


@pytest.fixture(scope="module")
def own(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run on few rows: an epoch of a small A1."""
    words = [f"store={store.path}", *SMALL, "stages.0.epochs=1", "data.corpora=[ravdess, meld]"]
    folder = run(load_recipe("source0/A1", words), tmp_path_factory.mktemp("ladder"))
    evaluate(folder)
    return folder


@pytest.fixture(scope="module")
def perturbing(own: Path) -> tuple[Perturber, Examples]:
    source = Source(open_run(own)[0])
    test = source.examples("test", jobs=1)
    return source.perturber(test, jobs=1), test


def test_clean_is_the_clean_score_to_the_digit_and_one_call_is_one_look(own: Path) -> None:
    metrics = json.loads((own / "metrics.json").read_text())
    looks = (own / "test_log.jsonl").read_text().splitlines()
    found = climb(own, ladder([*CLEAN, "noise:0", "wer:0.4"]), jobs=1)
    assert len(found["steps"]) == len(CLEAN) + 2
    for step in found["steps"]:
        for name, scored in step["sets"].items():
            account = metrics["sets"][name]
            assert (scored["n"], scored["clusters"]) == (account["n"], account["clusters"])
            differences = [value["difference"] for value in scored["against_clean"].values()]
            if step["level"] == "clean":
                assert scored["scores"] == account["scores"] and scored["intervals"] == account["intervals"]
                assert differences == [0, 0, 0, 0]
    hard = {step["kind"]: step["sets"]["overall"] for step in found["steps"] if step["level"] != "clean"}
    for kind in ("noise", "wer"):
        uar = hard[kind]["against_clean"]["uar"]
        assert uar["difference"] == pytest.approx(
            hard[kind]["scores"]["uar"] - metrics["sets"]["overall"]["scores"]["uar"]
        )
        assert uar["interval"] is not None and uar["interval"][0] <= uar["difference"] <= uar["interval"][1]
    assert len((own / "test_log.jsonl").read_text().splitlines()) == len(looks) + 1
    kept = {path: path.stat().st_mtime_ns for path in (own / "robustness").iterdir()}
    assert climb(own, ladder(["noise:0"]), jobs=1) == found
    (own / "robustness" / "noise_0.parquet").unlink()
    assert climb(own, ladder(["noise:0"]), jobs=1) == found
    again = {path for path in kept if path.stat().st_mtime_ns != kept[path]}
    assert {path.name for path in again} == {"noise_0.parquet"}
    assert len((own / "test_log.jsonl").read_text().splitlines()) == len(looks) + 2


@pytest.mark.parametrize("step", ["babble:5", "reverberation:0.5", "wer:0.4", "dropped:0.5"])
def test_a_row_is_the_same_whatever_rows_are_beside_it(
    step: str, perturbing: tuple[Perturber, Examples]
) -> None:
    perturber, test = perturbing
    keep = np.arange(len(test)) % 5 == 0
    (asked,) = ladder([step])
    whole, some = perturber(test, asked), perturber(test.only(keep), asked)
    modality = asked.facts["modality"]
    for name in (f"{modality}_vec", f"has_{modality}"):
        assert torch.equal(whole.tensors[name][torch.from_numpy(keep)], some.tensors[name])
    assert not torch.equal(whole.tensors[f"{modality}_vec"], test.tensors[f"{modality}_vec"])


def errors(said: list[str], heard: list[str]) -> int:
    """Levenshtein distance in words."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        before, row[0] = row[:], number
        for place, other in enumerate(heard, start=1):
            row[place] = min(before[place] + 1, row[place - 1] + 1, before[place - 1] + (word != other))
    return row[-1]


def test_transcripts_have_the_error_rate_and_the_share_that_is_asked_for(
    perturbing: tuple[Perturber, Examples],
) -> None:
    perturber, test = perturbing
    texts = {id: perturber.inputs.texts[id][0] for id in test.rows["id"]}
    spoken = {id: text for id, text in texts.items() if text and len(text.split()) > 2 and text.isascii()}
    for rate in (0.1, 0.4):
        wrong = sum(
            errors(text.split(), str(perturber._read(id, Perturbation("wer", rate))[0]).split())
            for id, text in spoken.items()
        )
        words = sum(len(text.split()) for text in spoken.values())
        assert wrong / words == pytest.approx(rate, abs=0.05)
    there = [set(np.flatnonzero(perturber(test, step).tensors["has_text"])) for step in ladder(["dropped"])]
    assert there[2] == set() and there[1] < there[0]
    had = int(test.tensors["has_text"].sum())
    assert len(there[1]) / had == pytest.approx(0.5, abs=0.1)


def test_a_run_that_does_not_use_what_is_changed_says_so(own: Path) -> None:
    recipe = own / "recipe.yaml"
    text = recipe.read_text()
    recipe.write_text(text.replace("modalities:\n- audio\n- text", "modalities:\n- audio"))
    try:
        with pytest.raises(RecipeError, match=r"does not use text: wer changes nothing that it is given"):
            climb(own, ladder(["wer:0.4"]))
        assert usable(open_run(own)[0], ladder(["noise:0", "wer:0.4", "dropped:1"])) == (
            ladder(["noise:0"]),
            [f"source0/A1 does not use text: {kind} changes nothing that it is given" for kind in TEXTS],
        )
        done = cli("evaluate", own, "--perturb", "wer")
        assert done.returncode == 2 and "source0/A1 does not use text: wer changes nothing" in done.stderr
    finally:
        recipe.write_text(text)


def test_the_command_prints_the_ladder(own: Path) -> None:
    printed = json.loads(cli("evaluate", own, "--perturb", "noise:0", "--json").stdout)
    assert printed["sets"]["overall"]["scores"] == printed["robustness"]["clean"]["overall"]
    table = cli("evaluate", own, "--perturb", "noise:0").stdout
    assert "noise: dB signal-to-noise ratio" in table and "UAR − clean" in table
    split = printed["split_hash"][:12]
    assert f"protocol mer fold 0, split {split}, seed 0" in table and f"test set (split {split}, f" in table


def test_frozen_encoders_hear_every_step_anew(tiny: list[str], tmp_path: Path) -> None:
    recipe = load_recipe("source0/B2", [*tiny, "stages.0.epochs=1", "stages.0.sampler=null"])
    folder = run(recipe, tmp_path)
    evaluate(folder)
    cache = cache_folder(merdata.open_store(recipe.store))
    before = sorted(cache.iterdir())
    climb(folder, ladder(["level:clean", "noise:0", "wer:clean", "wer:0.4"]), jobs=1, workers=0)
    assert sorted(cache.iterdir()) == before
    clean = load_scored(folder)
    columns = [f"p_{name}" for name in clean.classes]
    steps = {str(step): rows[columns].to_numpy() for step, rows in read_steps(clean).items()}
    scored = clean.predictions[columns].to_numpy()
    for step, probabilities in steps.items():
        same = np.array_equal(probabilities, scored)
        assert same if step.endswith(":clean") else not same, step


@pytest.fixture
def layers(store: merdata.Store) -> Iterator[None]:
    """Two layers of transcripts: what the rows say, and nothing."""
    corpora = ["meld", "ravdess"]
    rows = store.rows(["id", "text"], corpora).to_pylist()
    lay(store, "told", {row["id"]: row["text"] or "" for row in rows}, corpora)
    lay(store, "deaf", {row["id"]: "" for row in rows}, corpora)
    yield
    for path in sorted((store.path / "layers").rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()


@pytest.mark.usefixtures("layers")
def test_a_run_on_recognised_texts_says_so(store: merdata.Store, tmp_path: Path) -> None:
    words = [
        f"store={store.path}",
        *SMALL,
        "stages.0.epochs=1",
        "data.corpora=[ravdess]",
        "data.text=asr/told",
    ]
    folder = run(load_recipe("source0/A1-text", words), tmp_path / "runs")
    says = "The texts are not the corpora's: they were recognised by laid (0), layer asr/told."
    assert evaluate(folder)["texts"] == says
    assert says in (folder / "model" / "README.md").read_text()
    assert says in cli("evaluate", folder).stdout
    for matrix in read_matrices(tmp_path / "runs"):
        assert f"source0/A1-text: {says}" in caption(matrix, lines_of(matrix))


@pytest.mark.usefixtures("layers")
def test_recognised_texts_take_the_place_of_the_transcripts(own: Path, store: merdata.Store) -> None:
    climb(own, ladder(["recognised:asr/told", "recognised:asr/deaf", "dropped:1"]), jobs=1)
    clean = load_scored(own)
    steps = {str(step): rows for step, rows in read_steps(clean).items()}
    columns = [f"p_{name}" for name in clean.classes]
    scored = clean.predictions[columns].to_numpy()
    assert np.array_equal(steps["recognised:asr/told"][columns], scored)
    assert np.array_equal(steps["recognised:asr/deaf"][columns], steps["dropped:1"][columns])
    assert not np.array_equal(steps["recognised:asr/deaf"][columns], scored)
    rows = store.rows(["id"], ["meld", "ravdess"])["id"].to_pylist()
    lay(store, "told", dict.fromkeys(rows, ""), ["meld", "ravdess"])  # written again under its name
    climb(own, ladder(["recognised:asr/told"]), jobs=1)
    again = {str(step): rows for step, rows in read_steps(clean).items()}
    assert np.array_equal(again["recognised:asr/told"][columns], steps["dropped:1"][columns])
    looks = (own / "test_log.jsonl").read_text()
    climb(own, ladder(["recognised:asr/told"]), jobs=1)  # and it is not computed once more
    assert (own / "test_log.jsonl").read_text() == looks
    done = cli("evaluate", own, "--perturb", "recognised:asr/absent")
    assert done.returncode == 2 and "merdata transcribe" in done.stderr
    assert (own / "test_log.jsonl").read_text() == looks
    done = cli("evaluate", own, "--perturb", "recognised")
    assert done.returncode == 2 and "name a layer of transcripts, as in recognised:asr/NAME" in done.stderr
