"""Which run a stage starts from: a folder, or the best finished run of some recipes."""

from __future__ import annotations

from pathlib import Path

from merdata_train.data.source import Source
from merdata_train.errors import RecipeError, RunError
from merdata_train.recipe.recipe import Recipe, recipe_files
from merdata_train.recipe.stage import Stage
from merdata_train.runs.folder import open_run, read_history
from merdata_train.scoring.checks import best_epoch


def with_initial(recipe: Recipe, source: Source, out: Path) -> Recipe:
    """The recipe, with the folders that its stages start from in place of recipe names.

    Args:
        recipe: its stages may name recipes.
        source: of the recipe; a run counts if it was trained on the same rows, split and fold.
        out: folder of the runs.

    Raises:
        RecipeError: there is no such run.
    """
    stages = [_placed(stage, source, out) for stage in recipe.stages]
    return recipe.model_copy(update={"stages": stages})


def _placed(stage: Stage, source: Source, out: Path) -> Stage:
    names = [stage.init] if isinstance(stage.init, str) else stage.init or []
    if not names or (len(names) == 1 and names[0] not in recipe_files()):
        return stage.model_copy(update={"init": names[0] if names else None})
    found = [
        (_chosen_value(folder), folder.name) for folder in _finished(out) if _fits(folder, names, source)
    ]
    if not found:
        commands = " or ".join(f"`merdata_train run {name}`" for name in names)
        raise RecipeError(
            f"stage {stage.name} starts from a run of {' or '.join(names)}, but {out} has no finished one on "
            f"the same rows, split and fold: run {commands} first, or name a folder in init"
        )
    return stage.model_copy(update={"init": str(out / max(found)[1])})


def _finished(out: Path) -> list[Path]:
    return sorted(path.parent for path in out.glob("*/history.json") if (path.parent / "model").is_dir())


def _fits(folder: Path, names: list[str], source: Source) -> bool:
    try:
        recipe, split = open_run(folder)
    except RunError:
        return False
    wanted = (source.protocol.hash, source.data_hash, source.protocol.fold_number(source.recipe.fold))
    if recipe.name not in names or (split["hash"], split["data"]) != wanted[:2]:
        return False
    return source.protocol.fold_number(recipe.fold) == wanted[2]


def _chosen_value(folder: Path) -> float:
    """What validation says of a run."""
    return float(best_epoch(read_history(folder))["selected"])
