"""Which runs a recipe starts from: folders, or runs of other recipes on the same rows, split, fold, seed."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from merdata.plugin import did_you_mean
from merdata_train.data.source import Source
from merdata_train.encoders.pretrained import pinned
from merdata_train.errors import RecipeError
from merdata_train.recipe.features import Features
from merdata_train.recipe.files import recipe_files
from merdata_train.recipe.recipe import Recipe, load_recipe
from merdata_train.recipe.stage import Stage, Start
from merdata_train.runs.folder import open_run, read_history
from merdata_train.runs.identity import folder_name, starts_of
from merdata_train.runs.lineage import LENGTHS, check_start, comparable, read_lineage
from merdata_train.scoring.checks import best_epoch, rank
from merdata_train.training.stages import initial_weights, modality_of

SHARED = ("protocol", "fold", "labels", "data", "modalities", "model")  # a run has them from its child


def with_initial(recipe: Recipe, out: Path, words: Sequence[str] = (), seen: tuple[str, ...] = ()) -> Recipe:
    """The recipe, with the folders of runs in place of the recipes that its stages start from.

    Args:
        recipe: its stages may name recipes; the runs need not exist yet.
        out: folder of the runs.
        words: overrides that the runs share, as in a suite.
        seen: recipes that start from this one.

    Raises:
        RecipeError: a recipe starts from itself, or from one that does not exist.
    """
    if recipe.name in seen:
        raise RecipeError(f"recipe {recipe.name} starts from itself: {' -> '.join([*seen, recipe.name])}")
    shipped = recipe_files()

    def folder_of(name: str, whole: bool) -> str:
        if name not in shipped:
            if (hint := did_you_mean(name, shipped)) and not Path(name).exists():
                raise RecipeError(f"init: there is neither a recipe nor a folder {name}{hint}")
            return name
        wanted = start_recipe(name, recipe, words, whole=whole)
        other = with_initial(wanted, out, words, (*seen, recipe.name))
        return str(out / folder_name(other, Source(other)))

    stages = [stage.model_copy(update={"init": _placed(stage, folder_of)}) for stage in recipe.stages]
    return recipe.model_copy(update={"stages": stages})


def _placed(stage: Stage, folder_of: Callable[[str, bool], str]) -> list[str] | list[Start] | None:
    """What a stage starts from, with folders in place of names."""
    if stage.starts():
        return [start.model_copy(update={"from_": folder_of(start.from_, False)}) for start in stage.starts()]
    return [folder_of(name, True) for name in stage.wholes()] or None


def start_recipe(name: str, recipe: Recipe, words: Sequence[str] = (), *, whole: bool = True) -> Recipe:
    """The recipe of the run that `recipe` starts from: `name`, on the same rows, split, fold and seed.

    Both are as far from the seed that they ship with: the source0/B8 of seed 2 starts from the source0/B4 of
    seed 3, because these ship with 0 and 1. A run that only modules start from keeps its own architecture.
    """
    shipped = load_recipe(name, words)
    own = load_recipe(recipe.name).seed if recipe.name in recipe_files() else 0
    shared = SHARED if whole else [key for key in SHARED if key not in ("model", "modalities")]
    same = {key: getattr(recipe, key) for key in shared} | {"store": recipe.store}
    seed = load_recipe(name).seed + recipe.seed - own
    features = _same_features(shipped.features, recipe.features)
    modalities = recipe.modalities if whole else shipped.modalities
    dropout = shipped.modality_dropout if len(modalities) > 1 else 0.0
    return shipped.model_copy(
        update={**same, "seed": seed, "features": features, "modality_dropout": dropout}
    )


def _same_features(shipped: Features, wanted: Features) -> Features:
    """The wanted features, with the lengths that the shipped recipe reads."""
    parts = {}
    for name in ("audio", "text"):
        part, lengths = getattr(wanted, name), getattr(shipped, name).model_dump(include=LENGTHS)
        same = {key: value for key, value in lengths.items() if key in type(part).model_fields}
        parts[name] = part.model_copy(update=same)
    return wanted.model_copy(update=parts)


def started(recipe: Recipe, asked: Recipe, source: Source) -> Recipe:
    """The recipe with the one folder that each stage starts from, chosen by validation and checked.

    Args:
        recipe: as `with_initial` gives it.
        asked: as it was before, for the message that names the missing command.
        source: of the recipe.

    Raises:
        RecipeError: a run does not exist, or the runs to choose from were selected by different metrics.
        ProtocolError: a run has seen test rows, or has other classes or features.
    """
    check_starts(recipe, asked)
    return recipe.model_copy(update={"stages": [_started(stage, recipe, source) for stage in recipe.stages]})


def check_starts(recipe: Recipe, asked: Recipe, planned: Collection[Path] = ()) -> None:
    """The runs that a recipe starts from are finished, or planned.

    Args:
        recipe: as `with_initial` gives it.
        asked: as it was before.
        planned: folders of runs that will be made before.

    Raises:
        RecipeError: one is not; the message names the command that makes it.
    """
    shipped = recipe_files()
    for stage, named in zip(recipe.stages, asked.stages, strict=True):
        for name, folder in zip(starts_of(named), map(Path, starts_of(stage)), strict=True):
            if name in shipped and folder not in planned and not (folder / "model").is_dir():
                made_by = command(name, recipe, folder.parent, whole=name in named.wholes())
                raise RecipeError(
                    f"stage {stage.name} starts from the run of {name} on the same rows, split, fold and "
                    f"seed, {folder}, which is not finished: run `{made_by}` "
                    "first, or name the folder of another run in init"
                )


def _started(stage: Stage, recipe: Recipe, source: Source) -> Stage:
    folders = [Path(folder) for folder in starts_of(stage)]
    for folder in folders:
        initial_weights(str(folder))
    if not folders:
        return stage
    known = {name: pinned(part) for name, part in recipe.encoders().items()}
    features = recipe.features.model_copy(update=known).model_dump(mode="json")
    read = {str(name): comparable(features[name]) for name in recipe.modalities}
    classes, test = source.space.classes, source.test_ids()
    for start in stage.starts():
        folder, of_modules = Path(start.from_), {modality_of(module) for module in start.modules}
        if None in of_modules:  # a module that reads all that the other model reads
            of_modules |= set(read_lineage(folder)["modalities"])
        own = {name: part for name, part in read.items() if name in of_modules}
        check_start(folder, stage.name, classes, own, test)
    if stage.starts():
        return stage
    best = folders[0] if len(folders) == 1 else _best(stage, folders)
    check_start(best, stage.name, classes, read, test)
    return stage.model_copy(update={"init": str(best)})


def _best(stage: Stage, folders: list[Path]) -> Path:
    """The run with the highest validation score and, where it ties, the lower loss; the first of several."""
    by = {folder: _selection(folder) for folder in folders}
    if len(set(by.values())) > 1:
        said = "; ".join(f"{folder.name} by {metric} over {over}" for folder, (metric, over) in by.items())
        raise RecipeError(
            f"stage {stage.name} starts from the best of several runs, but they were selected by different "
            f"metrics ({said}): name one of them in init"
        )
    return max(folders, key=lambda folder: rank(best_epoch(read_history(folder))))


def _selection(folder: Path) -> tuple[str, str]:
    recipe, _ = open_run(folder)
    selection = recipe.selection_of(recipe.stages[-1])
    return selection.metric, selection.over


def command(name: str, recipe: Recipe, out: Path, *, whole: bool = True) -> str:
    """The command that makes the run of `name` that a recipe starts from."""
    wanted = start_recipe(name, recipe, whole=whole)
    before = load_recipe(name).model_dump(mode="json", exclude={"store"})
    after = wanted.model_dump(mode="json", exclude={"store"})
    words = [f"'{key}={json.dumps(after[key])}'" for key in after if after[key] != before[key]]
    return " ".join(["merdata_train run", name, *words, "--store", wanted.store, "--out", str(out)])
