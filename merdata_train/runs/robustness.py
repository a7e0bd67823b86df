"""The ladder: a run's model on perturbed test rows, beside its clean score.

RUN/robustness/<kind>_<level>.parquet   predictions at one step, as predictions.parquet
RUN/robustness.json                     what follows from all of them

A step that is there is not computed again, so a ladder that was stopped goes on where it was. The test rows
are those of the clean score: each call that has something to compute is one look at them, however many steps
it has, for nothing is chosen by their scores.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from merdata import plugin
from merdata_train.data.perturb import Perturber
from merdata_train.data.source import Examples, Source
from merdata_train.errors import ProtocolError, RecipeError, RunError
from merdata_train.features.perturbations import RECOGNISED, Perturbation, kinds, ladder
from merdata_train.models.emotion import open_model
from merdata_train.models.inference import WORKERS
from merdata_train.recipe.features import Stored
from merdata_train.recipe.recipe import Recipe
from merdata_train.runs.card import write_card
from merdata_train.runs.compare import correct_pairs
from merdata_train.runs.folder import ScoredRun, evaluation_sets, load_scored, open_run, write_json
from merdata_train.runs.looks import log_look
from merdata_train.runs.saved import SavedModel
from merdata_train.scoring.checks import NEAR, check_labels
from merdata_train.scoring.results import PerturbedScores, Robustness, Step
from merdata_train.scoring.statistics import paired
from merdata_train.scoring.units import account_of, by_unit
from merdata_train.training.devices import processes

FOLDER, SUMMARY = "robustness", "robustness.json"
VERSION = 1  # raise it whenever the same step would change a row in another way
Predictions = Mapping[Perturbation, pd.DataFrame]


def usable(recipe: Recipe, steps: Sequence[Perturbation]) -> tuple[list[Perturbation], list[str]]:
    """The steps that change what a recipe uses, and why the others do not, a sentence for each kind."""
    faults = {step: unheard(recipe, step) for step in steps}
    kept = [step for step, fault in faults.items() if fault is None]
    return kept, list(dict.fromkeys(fault for fault in faults.values() if fault is not None))


def unheard(recipe: Recipe, step: Perturbation) -> str | None:
    """Why a perturbation changes nothing of what a recipe uses, in a sentence; None if it does."""
    modality = step.facts["modality"]
    if modality not in recipe.modalities:
        return f"{recipe.name} does not use {modality}: {step.kind} changes nothing that it is given"
    if step.kind == RECOGNISED and recipe.features.text.column != "text":
        return f"{recipe.name} reads prompts: {step.kind} texts cannot take their place"
    if modality == "audio" and isinstance(recipe.features.audio, Stored):
        return (
            f"the features {recipe.features.audio.name!r} of {recipe.name} are made by another program: they "
            f"cannot be made again of recordings that {step.kind} changed"
        )
    return None


def climb(
    folder: Path, steps: Sequence[Perturbation], *, jobs: int | None = None, workers: int = WORKERS
) -> Robustness:
    """Score an evaluated run at each step of a ladder, as far as that was not done.

    Args:
        folder: of the run.
        steps: each a kind of perturbation at a level.
        jobs: processes that read recordings.
        workers: processes that prepare batches while an end-to-end model works.

    Returns:
        What robustness.json holds: the clean scores, and those of every step that the run has.

    Raises:
        ProtocolError: the store or the split changed, or the model gives other clean predictions.
        RecipeError: the run does not use what a step changes.
        RunError: the folder is not an evaluated run.
    """
    recipe, _ = open_run(folder)
    _, faults = usable(recipe, steps)
    if faults:
        raise RecipeError("; ".join(faults))
    clean = load_scored(folder)
    layers = [str(step.level) for step in steps if step.kind == RECOGNISED and not step.is_clean]
    texts = {layer: Source(recipe).heard_hash(layer) for layer in layers}
    kept = read_steps(clean, texts)
    missing = [step for step in steps if step not in kept]
    if missing:
        _predict(clean, recipe, missing, texts, jobs, workers)
        kept = read_steps(clean, texts)
    found = robustness(clean, kept)
    write_json(folder / SUMMARY, found)
    write_card(folder)
    return found


def _predict(
    clean: ScoredRun,
    recipe: Recipe,
    steps: Sequence[Perturbation],
    texts: Mapping[str, str],
    jobs: int | None,
    workers: int,
) -> None:
    source = Source(recipe)
    expected = (clean.metrics["split_hash"], clean.metrics["data_hash"])
    if (source.protocol.hash, source.data_hash) != expected:
        raise ProtocolError(
            f"{recipe.store} or its protocol changed since {clean.folder} was scored: run its recipe again"
        )
    model = open_model(clean.folder / "model").to(processes().device)
    saved = SavedModel(clean.folder, source, model, workers)
    test = source.examples("test", jobs)
    perturber = source.perturber(test, jobs, [*texts])
    log_look(clean.folder, clean.metrics["protocol"], expected[0], clean.metrics["fold"], len(test))
    _check_clean(clean, saved, perturber, test)
    for step in tqdm(steps, desc="ladder", unit="levels", disable=not sys.stderr.isatty()):
        predictions = saved.predictions(perturber(test, step), again=[step.facts["modality"]])
        _keep(clean, step, predictions, texts.get(str(step.level), ""))


def _check_clean(clean: ScoredRun, saved: SavedModel, perturber: Perturber, test: Examples) -> None:
    """The way of a ladder, without a change, gives the predictions that the run was scored with."""
    unchanged = {facts["modality"]: Perturbation(kind, facts["clean"]) for kind, facts in kinds().items()}
    for step in unchanged.values():
        if unheard(saved.source.recipe, step) is None:
            test = perturber(test, step)
    found = saved.predictions(test, again=saved.source.recipe.modalities)["predicted"]
    differ = float((found != clean.predictions["predicted"]).mean())
    if differ > NEAR:
        raise ProtocolError(
            f"{clean.folder}: without any change its model predicts another class for {differ:.0%} of the "
            "test rows than it was scored with: evaluate it again"
        )


def _path(clean: ScoredRun, step: Perturbation) -> Path:
    return clean.folder / FOLDER / f"{step.kind}_{step.shown.replace('/', '_')}.parquet"


def _keep(clean: ScoredRun, step: Perturbation, predictions: pd.DataFrame, texts: str) -> None:
    path = _path(clean, step)
    facts = {"step": str(step), "version": str(VERSION), "split_hash": clean.metrics["split_hash"]}
    facts |= {"data_hash": clean.metrics["data_hash"], "texts_hash": texts}
    table = pa.Table.from_pandas(predictions, preserve_index=False).replace_schema_metadata(facts)
    path.parent.mkdir(exist_ok=True)
    with plugin.write_atomically(path) as temporary:
        pq.write_table(table, temporary)


def read_steps(clean: ScoredRun, texts: Mapping[str, str] | None = None) -> dict[Perturbation, pd.DataFrame]:
    """The predictions at each step that a run has, kinds and levels in the order of the ladder.

    Those of an older version, or of rows that are not those of the clean score, do not count.

    Args:
        clean: the run.
        texts: layer of transcripts -> hash of its texts now: predictions from other texts do not count.

    Raises:
        ProtocolError: a file's labels are not those of its probabilities.
        RunError: a file is damaged.
    """
    steps = {}
    for path in sorted((clean.folder / FOLDER).glob("*.parquet")):
        step, predictions = _read(path, clean, texts or {})
        if step is not None:
            check_labels(predictions, clean.classes, path)
            steps[step] = predictions
    order = list(kinds())
    return dict(sorted(steps.items(), key=lambda item: (order.index(item[0].kind), item[0].place)))


def _read(path: Path, clean: ScoredRun, texts: Mapping[str, str]) -> tuple[Perturbation | None, pd.DataFrame]:
    try:
        table = plugin.read_table(path)
        facts = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
        rows = table.replace_schema_metadata(None).to_pandas()
        rows[["id", "label", "predicted", "cluster"]]
        (step,) = ladder([facts["step"]])
        current = [facts[name] == clean.metrics[name] for name in ("split_hash", "data_hash")]
        current.append(facts["version"] == str(VERSION))
        if str(step.level) in texts:
            current.append(facts.get("texts_hash") == texts[str(step.level)])
    except RecipeError:  # a step of another version
        return None, rows
    except (OSError, KeyError, TypeError, ValueError, AttributeError, pa.ArrowInvalid) as error:
        raise RunError(f"{path} is damaged: delete it, and evaluate again") from error
    same = all(current) and rows["id"].tolist() == clean.predictions["id"].tolist()
    return (step if same else None), rows


def robustness(clean: ScoredRun, steps: Predictions) -> Robustness:
    """What follows from the predictions of a run at each step; differences are paired, minus clean."""
    metrics = clean.metrics
    found: Robustness = {
        "run": clean.name,
        "recipe": metrics["recipe"],
        "protocol": metrics["protocol"],
        "fold": metrics["fold"],
        "fold_name": metrics["fold_name"],
        "split_hash": metrics["split_hash"],
        "seed": metrics["seed"],
        "clean": {name: account["scores"] for name, account in metrics["sets"].items() if account},
        "steps": [_step(clean, step, predictions) for step, predictions in steps.items()],
    }
    for name in found["clean"]:
        correct_pairs([step["sets"][name]["against_clean"] for step in found["steps"]])
    return found


def _step(clean: ScoredRun, step: Perturbation, predictions: pd.DataFrame) -> Step:
    facts = step.facts
    own: Step = {"kind": step.kind, "level": step.shown, "unit": facts["unit"], "sets": {}}
    own["sets"] = dict(_sets(clean, predictions))
    return own


def _sets(clean: ScoredRun, predictions: pd.DataFrame) -> Iterator[tuple[str, PerturbedScores]]:
    before = dict(evaluation_sets(clean.predictions))
    for name, rows in evaluation_sets(predictions):
        if rows.empty:
            continue
        account = account_of(rows, clean.classes)
        first, second = (by_unit(own, clean.classes)[None] for own in (before[name], rows))
        yield (
            name,
            {
                "n": account["n"],
                "clusters": account["clusters"],
                "scores": account["scores"],
                "intervals": account["intervals"],
                "against_clean": paired(first, second),
            },
        )
