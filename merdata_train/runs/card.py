"""The model card: model/README.md of a run, from the files of the run; no number is computed here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import yaml
from huggingface_hub import EvalResult, ModelCard, ModelCardData
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open
from typing_extensions import NotRequired, ReadOnly, TypedDict

import merdata
from merdata import plugin
from merdata_train.errors import RunError
from merdata_train.recipe.features import Features
from merdata_train.recipe.recipe import Recipe
from merdata_train.runs.folder import DOMAINS, damaged, open_run
from merdata_train.scoring.groups import FEWEST_ROWS, bounded
from merdata_train.scoring.metrics import TITLES
from merdata_train.scoring.remarks import Ladder, ladders, plain, remarks
from merdata_train.scoring.results import Metrics, Scores, SetAccount, fold_title

# metric -> its name in the `evaluate` library, and the arguments that make it ours
METRIC_TYPES: dict[str, tuple[str, dict[str, str]]] = {
    "accuracy": ("accuracy", {}),
    "uar": ("recall", {"average": "macro"}),
    "macro_f1": ("f1", {"average": "macro"}),
    "weighted_f1": ("f1", {"average": "weighted"}),
}
TASKS = {"audio": "audio-classification", "text": "text-classification"}
MOST_LOOKS = 20
T = TypeVar("T")


class TrainedCorpus(TypedDict):
    """What the card reads of a corpus, as its store or this merdata has it."""

    title: str
    homepage: str
    licence: str
    languages: list[str]
    domain: str
    crossed: bool
    limits: ReadOnly[NotRequired[str]]  # a store that an older merdata built lacks it


Corpora = Mapping[str, TrainedCorpus | None]  # None: neither the store nor this merdata knows it


class Saved(TypedDict):
    """What the card reads of a model's configuration."""

    features: dict[str, Any]
    missed: NotRequired[list[str]]


class Remark(TypedDict):
    """A remark in lints.json."""

    lint: str
    severity: str
    message: str


class Environment(TypedDict):
    """What the card reads of environment.json."""

    python: str
    packages: dict[str, str | None]


def write_card(folder: Path) -> Path:
    """Write model/README.md of an evaluated run.

    Returns:
        Its path.

    Raises:
        RunError: the folder is not a finished run, or was never evaluated.
    """
    path = folder / "model" / "README.md"
    text = card(folder)
    with plugin.write_atomically(path) as temporary:
        temporary.write_text(text, "utf-8")
    return path


def card(folder: Path) -> str:
    """The card's text, with its YAML header.

    Raises:
        RunError: as `write_card`.
    """
    recipe, split = open_run(folder)
    fault = str(damaged(folder))
    saved = _read(folder / "model" / "config.json", Saved, fault)
    try:
        # As the model has them: encoders of local folders by name and hash, not by path.
        recipe = recipe.model_copy(update={"features": Features.model_validate(saved["features"])})
    except ValidationError as error:
        raise RunError(fault) from error
    metrics = _read(
        folder / "metrics.json", Metrics, f"{folder} has no scores: run `merdata_train evaluate {folder}`"
    )
    sets = {name: account for name, account in metrics["sets"].items() if account}
    store = _store(recipe)
    corpora = _corpora(recipe, metrics, store)
    lints: list[Remark] = _read(folder / "lints.json", list[Remark], fault, missing=[])
    nothing: Ladder = {"clean": {}, "steps": []}
    perturbed = _read(folder / "robustness.json", Ladder, fault, missing=nothing)
    body = plugin.render_card(
        "model.md.j2",
        recipe=recipe,
        split=split,
        metrics=metrics,
        fold=fold_title(metrics["fold"], metrics["fold_name"]),
        sets=sets,
        classes=list(split["train"]),
        parameters=_parameters(folder / "model" / "model.safetensors"),
        titles=TITLES,
        corpora=corpora,
        claims=_claims(recipe, store),
        looks=_looks(folder / "test_log.jsonl"),
        lints=lints,
        ladders=dict(ladders(perturbed, DOMAINS)),
        limits=[*_limits(recipe, sets, corpora), *_unpractised(recipe, saved.get("missed", []))],
        remarks=list(remarks(sets)),
        environment=_read(folder / "environment.json", Environment, fault),
        recipe_yaml=_recipe_yaml(recipe),
        cells=bounded,
        fewest=FEWEST_ROWS,
        plain=plain,
        baselines=_baselines,
        counts=_counts,
    )
    data = _card_data(recipe, metrics, sets, corpora)
    return str(ModelCard(f"---\n{data.to_yaml()}\n---\n\n{body}"))


def _card_data(
    recipe: Recipe, metrics: Metrics, sets: Mapping[str, SetAccount], corpora: Corpora
) -> ModelCardData:
    languages = {name for facts in corpora.values() if facts for name in facts["languages"]}
    wanted = recipe.data.languages
    return ModelCardData(
        language=sorted(languages & set(wanted) if wanted else languages) or None,
        license="other",
        license_name="licences-of-its-corpora",
        license_link="README.md",
        library_name="merdata",
        base_model=[encoder.model for encoder in recipe.encoders().values() if "/" in encoder.model] or None,
        pipeline_tag=TASKS[recipe.modalities[0]],
        tags=["emotion", "speech-emotion-recognition", "model_hub_mixin", "pytorch_model_hub_mixin"],
        metrics=sorted({kind for kind, _ in METRIC_TYPES.values()}),
        model_name=plugin.printable(recipe.name),
        eval_results=[
            _result(recipe, metrics, name, metric, value)
            for name, account in sets.items()
            for metric, value in account["scores"].items()
            if metric in METRIC_TYPES
        ],
    )


def _result(recipe: Recipe, metrics: Metrics, name: str, metric: str, value: float) -> EvalResult:
    kind, arguments = METRIC_TYPES[metric]
    fold = fold_title(metrics["fold"], metrics["fold_name"])
    return EvalResult(
        task_type=TASKS[recipe.modalities[0]],
        dataset_type="merdata",
        dataset_name=plugin.printable(f"merdata {name}"),
        dataset_config=plugin.printable(f"{metrics['protocol']}, {fold}, {name}"),
        dataset_split="test",
        dataset_revision=metrics["split_hash"],
        metric_type=kind,
        metric_name=TITLES[metric],
        metric_args=arguments or None,
        metric_value=round(value, 6),
    )


def _store(recipe: Recipe) -> merdata.Store | None:
    """The run's store, if it is still there."""
    try:
        return merdata.open_store(recipe.store)
    except merdata.MerdataError:
        return None


def _corpora(recipe: Recipe, metrics: Metrics, store: merdata.Store | None) -> Corpora:
    """The corpora that the model was trained on, and what the store says of each, else what merdata does."""
    stored: Corpora = {**store.corpora} if store else {}
    known = {name: stored.get(name) or _corpus(name) for name in recipe.data.corpora or metrics["sets"]}
    return known if recipe.data.corpora else {name: facts for name, facts in known.items() if facts}


def _corpus(name: str) -> TrainedCorpus | None:
    """Title, homepage, licence, languages, domain; None for a corpus that this merdata does not know."""
    try:
        return merdata.get_corpus(name).facts()
    except merdata.CorpusNotFound:
        return None


def _claims(recipe: Recipe, store: merdata.Store | None) -> dict[str, list[str]]:
    """What the protocol promises, for which corpora; nothing where it or the store is missing."""
    if store is None:
        return {}
    try:
        protocol = merdata.load_protocol(store, recipe.protocol)
    except merdata.MerdataError:
        return {}
    return {claim: names for claim, names in sorted(protocol.properties["claims"].items()) if names}


def _limits(recipe: Recipe, sets: Mapping[str, SetAccount], corpora: Corpora) -> list[str]:
    domains = {facts["domain"] for facts in corpora.values() if facts}
    crossed = [name for name, facts in corpora.items() if facts and facts["crossed"]]
    limits = ["It predicts what actors and raters called an emotion, not what a person feels."]
    if "acted" in domains:
        limits.append(
            "Acted emotion is louder and clearer than emotion in everyday life: expect lower scores on other "
            "recordings."
        )
    limits += [facts["limits"] for facts in corpora.values() if facts and facts.get("limits")]
    if crossed and "text" in recipe.modalities:
        limits.append(
            f"In {', '.join(crossed)} the words tell nothing: every sentence is spoken in every emotion."
        )
    for name, account in sets.items():
        if account["intervals"] is None:
            limits.append(
                f"{name} has too few speakers or dialogues for an interval ({account['clusters']})."
            )
        if account["absent"]:
            absent = ", ".join(account["absent"])
            limits.append(f"{name} has no rows of {absent}: they are left out of its UAR and macro-F1.")
    return [*limits, "It was trained on utterances of a few seconds with one speaker each."]


def _unpractised(recipe: Recipe, missed: list[str]) -> list[str]:
    """What a model of several modalities cannot do without."""
    needed = [name for name in recipe.modalities if name not in missed]
    if len(recipe.modalities) == 1 or not needed:
        return []
    return [f"It never learned to do without {' or '.join(needed)}: expect more errors on rows that lack it."]


def _baselines(account: SetAccount) -> dict[str, Scores]:
    """Name -> scores of predictions without a model."""
    return {name.replace("_", " "): scores for name, scores in account["baselines"].items()}


def _counts(by_class: dict[str, int]) -> str:
    parts = ", ".join(f"{name} {count:,}" for name, count in by_class.items())
    return f"{sum(by_class.values()):,} ({parts})"


def _recipe_yaml(recipe: Recipe) -> str:
    """The resolved recipe without the path of the store, which is private."""
    tree = recipe.model_dump(mode="json", exclude={"store"})
    return yaml.safe_dump(tree, sort_keys=False, allow_unicode=True, width=110).strip()


def _parameters(weights: Path) -> int:
    try:
        with safe_open(weights, "pt") as file:
            return sum(_size(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118
    except (OSError, SafetensorError) as error:
        raise RunError(f"cannot read {weights}: train the run again with --fresh") from error


def _size(shape: list[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _looks(path: Path) -> list[str]:
    """The last lines of the log of evaluations on test rows."""
    lines = path.read_text("utf-8").splitlines() if path.is_file() else []
    return lines[-MOST_LOOKS:]


def _read(path: Path, kind: Callable[..., T], fault: str, missing: T | None = None) -> T:
    try:
        return plugin.read_json(path, kind, finite=False)
    except (OSError, ValueError) as error:
        if missing is not None and isinstance(error, FileNotFoundError):
            return missing
        raise RunError(fault) from error
