"""Suites: the plan of a matrix, runs that are shared, what is killed or fails, and those that ship."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path

import pandas as pd
import pytest
import yaml

import merdata
from merdata.engine.process import process_context
from merdata_train.data.source import Source
from merdata_train.errors import RecipeError
from merdata_train.recipe.recipe import load_recipe
from merdata_train.runs.conduct import conduct, pace, summary
from merdata_train.runs.suite import Suite, load_suite, plan, suite_files
from tests.merdata.asr.laid import lay
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL

QUICK = [*SMALL, "stages.0.epochs=1"]


def suite(**changes: object) -> Suite:
    parts = {
        "name": "two",
        "title": "Text and both",
        "recipe": "source0/A1",
        "axes": {"modality": {"T": {"overrides": {"modalities": ["text"]}}, "A+T": {}}},
        "seeds": [0],
    }
    return Suite.model_validate(parts | changes)


def as_yaml(found: Suite | dict[str, object]) -> str:
    parts = found.model_dump(mode="json") if isinstance(found, Suite) else found
    return str(yaml.safe_dump(parts, sort_keys=False))


def states(found: Suite, out: Path, store: merdata.Store) -> list[str]:
    return [one.state for one in plan(found, out, store.path, QUICK)]


def test_a_matrix_is_cells_times_folds_times_seeds(store: merdata.Store, tmp_path: Path) -> None:
    axes = {
        "modality": {"T": {"overrides": {"modalities": ["text"]}}, "A+T": {}},
        "training": {"plain": {}, "decayed": {"overrides": {"stages.0.weight_decay": 0.5}}},
    }
    planned = plan(suite(axes=axes, seeds=[3, 4]), tmp_path, store.path, SMALL)
    assert [(one.cell, one.seed) for one in planned] == [
        (cell, seed) for cell in ("T plain", "T decayed", "A+T plain", "A+T decayed") for seed in (3, 4)
    ]
    recipe = planned[2].recipe
    assert (recipe.modalities, recipe.stages[0].weight_decay, recipe.seed) == (["text"], 0.5, 3)
    assert recipe.stages[0].epochs == 4  # the command line lies over all cells
    assert len({one.folder for one in planned}) == 8
    assert list(tmp_path.iterdir()) == []


def test_runs_are_those_that_the_run_command_makes(store: merdata.Store, tmp_path: Path) -> None:
    """Same words, same id: what one made the other finds."""
    (first, *_) = plan(suite(), tmp_path, store.path, QUICK)
    made = cli("run", *first.words, "--out", tmp_path)
    assert made.returncode == 0, made.stderr
    assert first.folder.is_dir()
    assert states(suite(), tmp_path, store) == ["scored", "to do"]


def test_cells_that_are_alike_are_trained_once_also_over_suites(store: merdata.Store, tmp_path: Path) -> None:
    twice = suite(axes={"x": {"A+T": {}, "both": {"overrides": {"modalities": ["audio", "text"]}}}})
    planned = plan(twice, tmp_path, store.path, QUICK)
    assert planned[0].folder == planned[1].folder
    assert conduct(twice, planned, tmp_path) == {}
    written = (planned[0].folder / "model" / "model.safetensors").stat().st_mtime_ns
    assert states(suite(), tmp_path, store) == ["to do", "scored"]
    assert conduct(suite(), plan(suite(), tmp_path, store.path, QUICK), tmp_path) == {}
    assert (planned[0].folder / "model" / "model.safetensors").stat().st_mtime_ns == written
    assert len((planned[0].folder / "test_log.jsonl").read_text().splitlines()) == 1


def test_folds_are_all_of_the_protocol_or_those_named(folded: merdata.Store, tmp_path: Path) -> None:
    changes = {"overrides": {"protocol": "loco"}, "axes": {"model": {"A+T": {}}}}
    planned = plan(suite(**changes, folds="all"), tmp_path, folded.path, SMALL)
    assert {one.fold_name for one in planned} == set(folded.corpora)
    assert len({one.folder for one in planned}) == len(folded.corpora)
    (chosen,) = plan(suite(**changes, folds=[2]), tmp_path, folded.path, SMALL)
    assert chosen.folder == planned[1].folder
    with pytest.raises(RecipeError, match="suite two: protocol loco has no fold 99"):
        plan(suite(**changes, folds=[99]), tmp_path, folded.path, SMALL)


def test_a_fold_that_is_called_like_the_number_of_another_is_run_too(
    store: merdata.Store, tmp_path: Path
) -> None:
    """As in EmoDB, whose tenth speaker is 16, and whose fourth is 10."""
    copy = Path(shutil.copytree(store.path, tmp_path / "store"))
    rows = pd.Series(merdata.load_protocol(store, "mer").splits(), name="split").loc[
        lambda ids: ids.index.str.startswith("ravdess/")
    ]
    folds = {"2": rows, "b": rows.replace({"train": "test", "test": "train"})}
    table = pd.concat(folds, names=["fold", "id"]).reset_index()
    table.to_csv(tmp_path / "crossed.csv", index=False)
    merdata.import_table(copy, "ravdess", tmp_path / "crossed.csv", name="crossed")
    changes = {"overrides": {"protocol": "crossed"}, "axes": {"model": {"A+T": {}}}}
    for asked in ("all", ["2", "b"]):
        planned = plan(suite(**changes, folds=asked), tmp_path, copy, SMALL)
        assert [one.fold for one in planned] == [1, 2]
        assert len({one.folder for one in planned}) == 2
        for one, splits in zip(planned, folds.values(), strict=True):
            recipe = load_recipe(one.words[0], one.words[1:])
            assert set(Source(recipe).test_ids()) == set(splits.index[splits == "test"])


def test_domains_stand_for_the_corpora_of_the_store(store: merdata.Store, tmp_path: Path) -> None:
    axes = {"rows": {"acted": {"overrides": {"data.corpora": "$acted"}}}}
    (planned,) = plan(suite(axes=axes), tmp_path, store.path, SMALL)
    assert planned.recipe.data.corpora == sorted(set(store.corpora) - {"meld"})


def test_a_cell_that_fails_does_not_stop_the_others(store: merdata.Store, tmp_path: Path) -> None:
    """TESS has no test rows: that is known when its rows are read, not when the suite is planned."""
    parts = suite().model_dump(mode="json")
    parts["axes"] = {
        "rows": {
            "tess": {"overrides": {"data.corpora": ["tess"]}},
            "meld": {"overrides": {"data.corpora": ["meld"]}},
        }
    }
    (tmp_path / "two.yaml").write_text(as_yaml(parts))
    for words in (["--jobs", 2], ["--jobs", 1]):
        done = cli("suite", "two.yaml", *QUICK, "--store", store.path, *words, cwd=tmp_path)
        assert done.returncode == 1
        assert "has no test rows in fold 0" in done.stdout
        manifest = json.loads((tmp_path / "runs" / "suites" / "two.json").read_text())
        assert [run["state"] for run in manifest["runs"]] == ["failed", "scored"]
        assert "has no test rows in fold 0" in manifest["runs"][0]["fault"]


def test_a_killed_suite_goes_on(store: merdata.Store, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(as_yaml(suite()))
    words = [
        "suite",
        str(tmp_path / "two.yaml"),
        *QUICK,
        "--store",
        str(store.path),
        "--out",
        str(tmp_path / "runs"),
    ]
    planned = plan(suite(), tmp_path / "runs", store.path, QUICK)
    process = process_context().Process(target=conduct, args=(suite(), planned, tmp_path / "runs"))
    process.start()
    begun = planned[0]
    deadline = time.monotonic() + 120
    while begun.state != "scored" and time.monotonic() < deadline:
        time.sleep(0.02)
    process.kill()
    process.join()
    assert begun.state == "scored"
    assert process.exitcode == -signal.SIGKILL
    first = begun.folder
    written = (first / "model" / "model.safetensors").stat().st_mtime_ns
    done = cli(*words)
    assert done.returncode == 0, done.stderr
    assert "nothing is left" in done.stdout
    assert states(suite(), tmp_path / "runs", store) == ["scored", "scored"]
    assert (first / "model" / "model.safetensors").stat().st_mtime_ns == written


def test_the_dry_run_tells_the_time_when_it_was_measured(store: merdata.Store, tmp_path: Path) -> None:
    (tmp_path / "two.yaml").write_text(as_yaml(suite()))
    words = ["suite", "two.yaml", *QUICK, "--store", store.path, "--dry-run"]
    unknown = cli(*words, cwd=tmp_path)
    assert unknown.returncode == 0, unknown.stderr
    assert "2 runs, 2 distinct, 2 to train: time unknown" in unknown.stdout
    assert {path.name for path in tmp_path.iterdir()} == {"two.yaml"}
    one = suite(axes={"modality": {"A+T": {}}}, name="one")
    conduct(one, plan(one, tmp_path / "runs", store.path, QUICK), tmp_path / "runs")
    found = json.loads(cli(*words, "--json", cwd=tmp_path).stdout)
    assert [run["state"] for run in found["runs"]] == ["to do", "scored"]
    assert found["to_train"] == 1
    assert found["pace"]["runs"] == 1
    assert found["seconds"] == pytest.approx(found["pace"]["seconds_per_epoch"])  # one epoch is left


def test_the_pace_prefers_runs_of_the_same_recipe(store: merdata.Store, tmp_path: Path) -> None:
    planned = plan(suite(), tmp_path, store.path, QUICK)
    assert pace(planned, tmp_path) is None
    for name, seconds in (("source0-A0-00000000", 40), (planned[0].folder.name, 10)):
        folder = tmp_path / name
        (folder / "model").mkdir(parents=True)
        epoch = {"stage": "main", "epoch": 0, "loss": 1.0, "losses": {}, "lr": 0.1}
        epoch |= {"validation": {"uar": 0.1}, "validation_loss": 1.0, "selected": 0.1}
        (folder / "history.json").write_text(json.dumps([epoch | {"epoch": at} for at in range(5)]))
        (folder / "split.json").write_text("{}")
        os.utime(folder / "split.json", (1_000, 1_000))
        os.utime(folder / "history.json", (1_000 + seconds, 1_000 + seconds))
    found = pace(planned, tmp_path)
    assert found
    assert found == {"runs": 1, "seconds_per_epoch": 2, "epochs": 5}
    assert (
        summary(suite(), planned, tmp_path, 2, {})["seconds"] == 1 * 2 * 5 / 2
    )  # one of the two is "trained"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"recipe": None}, "cell T has no recipe"),
        ({"reference": "V"}, "reference 'V' is not a cell; the cells are T, A\\+T"),
        ({"layout": "T9"}, "layout: "),
        ({"seed": 1}, r"seed: unknown key \(did you mean 'seeds'\?\)"),
        ({"folds": "some"}, "folds: input should be 'all', not 'some'; folds: input should be a valid list"),
        ({"axes": {"with": {"tokens": {"recip": "x"}}}}, r"axes.with.tokens.recip: unknown key \(did you"),
        ({"axes": {}}, "axes: "),
        ({"name": "../x"}, "name: "),
    ],
)
def test_faults_are_named(changes: dict[str, object], says: str, tmp_path: Path) -> None:
    parts = suite().model_dump(mode="json") | changes
    (tmp_path / "s.yaml").write_text(as_yaml(parts))
    with pytest.raises(RecipeError, match=says) as caught:
        load_suite(tmp_path / "s.yaml")
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_suite_says_so(tmp_path: Path) -> None:
    (tmp_path / "s.yaml").write_text("")
    with pytest.raises(RecipeError, match="is not a suite: it must be a mapping of keys"):
        load_suite(tmp_path / "s.yaml")


def test_an_unknown_suite_is_one_sentence(tmp_path: Path) -> None:
    done = cli("suite", "transfr", cwd=tmp_path)
    assert done.returncode == 2
    assert "there is no suite transfr (did you mean 'transfer'?)" in done.stderr


# Those that ship


def test_there_are_seven() -> None:
    assert len(suite_files()) >= 7


@pytest.mark.parametrize("name", sorted(suite_files()))
def test_a_suite_that_ships_can_be_planned(name: str, folded: merdata.Store, tmp_path: Path) -> None:
    found = load_suite(name)
    if name == "transcripts":
        lay(folded, "whisper-base", {})
    assert suite_files()[name].read_text().startswith("# merdata")
    assert found.name == name
    assert len(found.seeds) >= 3
    by_session = "iemocap4" in name or "sessions" in name or name == "source3"
    miniature = ["protocol=iemocap_session3"] if by_session else []  # it has fewer sessions
    planned = plan(found.narrowed([0], None), tmp_path, folded.path, miniature)
    apart = {
        (json.dumps(what), one.seed, one.fold) for one in planned for what in [dict(found.cells())[one.cell]]
    }
    assert len({one.folder for one in planned}) == len(apart)  # cells that say the same share their runs


def test_suites_share_the_runs_that_are_alike(store: merdata.Store, tmp_path: Path) -> None:
    folders = {
        name: {one.cell: one.folder for one in plan(load_suite(name), tmp_path, store.path)}
        for name in ("meld", "architecture", "regularisation")
    }
    alike = {
        folders["meld"]["A+T"],
        folders["architecture"]["tokens"],
        folders["regularisation"]["none"],
    }
    assert len(alike) == 1


def test_the_suites_that_ship_are_listed() -> None:
    listed = {one["name"]: one["title"] for one in json.loads(cli("suite", "list", "--json").stdout)}
    assert listed == {name: load_suite(path).title for name, path in suite_files().items()}
    shown = cli("suite", "list").stdout
    assert all(name in shown for name in listed)


def test_a_window_of_no_utterances_names_its_speaker_too() -> None:
    """Else the windows would be compared with a text that lacks more than the history."""
    for name in ("meld", "e2e-meld"):
        cells = dict(load_suite(name).cells())
        windows = {
            int(label.rpartition(" ")[2]): overrides["context"]
            for label, (_, overrides) in cells.items()
            if label.startswith("context ")
        }
        assert {size: context["previous"] for size, context in windows.items()} == {0: 0, 3: 3, 7: 7, 9: 9}
        assert all(context["speaker_prefix"] for context in windows.values())


def test_a_transfer_that_is_fine_tuned_begins_as_the_one_that_is_not() -> None:
    """Else their difference would be one of learning rates and batches too."""
    for name in ("transfer", "e2e-transfer"):
        cells = dict(load_suite(name).cells())
        joint, tuned = (
            load_recipe(str(recipe), [f"{key}={json.dumps(value)}" for key, value in overrides.items()])
            for recipe, overrides in (cells["all"], cells["all+finetuning"])
        )
        assert tuned.stages[: len(joint.stages)] == joint.stages
        assert tuned.stages[-1].data.corpora == ["meld"]


def test_seeds_count_from_the_seed_of_the_recipe(store: merdata.Store, tmp_path: Path) -> None:
    """A7 is A6 at another seed: three seeds of each are six runs."""
    axes = {"run": {name: {"recipe": f"source0/{name}"} for name in ("A6", "A7")}}
    both = suite(recipe=None, axes=axes).narrowed([0, 2], None)
    planned = plan(both, tmp_path, store.path, SMALL)
    assert [(one.cell, one.recipe.seed) for one in planned] == [("A6", 0), ("A6", 2), ("A7", 1), ("A7", 3)]


def test_folds_are_narrowed_by_number_or_name(folded: merdata.Store, tmp_path: Path) -> None:
    loco = suite(overrides={"protocol": "loco"}, axes={"model": {"A+T": {}}}, folds="all")
    for fold in ("3", "esd"):
        (planned,) = plan(loco.narrowed(None, [fold]), tmp_path, folded.path, SMALL)
        assert (planned.fold, planned.fold_name) == (3, "esd")
    everything = plan(loco.narrowed(None, ["all"]), tmp_path, folded.path, SMALL)
    assert len(everything) == len(folded.corpora)
