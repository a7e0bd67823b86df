"""The files of recipes, and what YAML a recipe comes to with its parents; nothing here loads torch."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from merdata.plugin import did_you_mean, read_yaml, reason_of
from merdata_train.errors import RecipeError

if TYPE_CHECKING:
    from merdata_train.parts.part import Modality

MODALITIES: tuple[Modality, ...] = ("audio", "text")  # of a recipe that does not say


@cache
def recipe_files() -> dict[str, Path]:
    """Name -> file of the recipes that ship with the package."""
    folder = recipe_folder()
    files = sorted(path for path in folder.rglob("*.yaml") if folder / "suites" not in path.parents)
    return {path.relative_to(folder).with_suffix("").as_posix(): path for path in files}


def about(path: Path) -> str:
    """What a recipe is: the first line of its comment that is not the command."""
    lines = [
        line.lstrip("# ").strip() for line in path.read_text("utf-8").splitlines() if line.startswith("#")
    ]
    return next((line for line in lines if line and not line.startswith("merdata")), "")


def recipe_folder() -> Path:
    """recipes/, which is `merdata_train/recipes` in an installed package."""
    installed = Path(__file__).parents[1] / "recipes"
    return installed if installed.is_dir() else Path(__file__).parents[2] / "recipes"


def find_recipe(name: str | Path) -> Path:
    """The file of a recipe, from its path or the name of one that ships.

    Raises:
        RecipeError: there is no such recipe.
    """
    path = Path(name).expanduser()
    if path.is_file():
        return path
    shipped = recipe_files()
    plain = str(name).removesuffix(".yaml").removeprefix("recipes/")
    if plain in shipped:
        return shipped[plain]
    hint = did_you_mean(plain, shipped)
    raise RecipeError(f"there is no recipe {name}{hint}: run `merdata_train recipes list` to see all recipes")


def read_quickly(path: Path) -> Any:
    """As `read_yaml`, ten times as fast and less strict: for files that ship, which tests have read."""
    return yaml.load(path.read_text("utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506


def read_tree(path: Path, read: Callable[[Path], Any] = read_yaml) -> dict[str, Any]:
    """The YAML of a recipe, laid over that of its parent; what it says is not checked.

    Raises:
        RecipeError: a file cannot be read.
    """
    return _with_base(path, read, seen=())


def _with_base(path: Path, read: Callable[[Path], Any], seen: tuple[Path, ...]) -> dict[str, Any]:
    if path in seen:
        raise RecipeError(f"{path}: it is its own base")
    try:
        tree = read(path)
    except (OSError, yaml.YAMLError) as error:
        raise RecipeError(f"cannot read {path}: {reason_of(error)}") from error
    if not isinstance(tree, dict):
        raise RecipeError(f"{path} is not a recipe: it must be a mapping of keys")
    base = tree.pop("base", None)
    if base is None:
        return tree
    parent = (path.parent / str(base)).resolve()
    if not parent.is_file():
        raise RecipeError(f"{path}: base: {parent} does not exist")
    return _merge(_with_base(parent, read, (*seen, path)), tree)


def _merge(under: dict[str, Any], over: dict[str, Any]) -> dict[str, Any]:
    """`over` on `under`: parts key by key, stages one by one; a part of another kind replaces the part."""
    return under | {key: _laid_over(under.get(key), value) for key, value in over.items()}


def _laid_over(below: Any, value: Any) -> Any:
    if isinstance(below, dict) and isinstance(value, dict) and _same_kind(below, value):
        return _merge(below, value)
    if _are_parts(below) and _are_parts(value):
        pairs = itertools.zip_longest(below, value)
        return [_laid_over(old, new) if old and new else old or new for old, new in pairs]
    return value


def _are_parts(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) for item in value)


def _same_kind(below: dict[str, Any], value: dict[str, Any]) -> bool:
    return "kind" not in value or value["kind"] == below.get("kind")
