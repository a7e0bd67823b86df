"""`merdata_train recipes`: what ships, what a recipe comes to, and whether it is right."""

from __future__ import annotations

from typing import Annotated

import typer

from merdata.plugin import print_json
from merdata_train.cli.options import AsJson, Overrides, RecipeName

recipes = typer.Typer(no_args_is_help=True, help="List, show and check recipes.")


@recipes.command("list")
def list_recipes(as_json: AsJson = False) -> None:
    """List the recipes that ship."""
    from merdata_train.cli import lists
    from merdata_train.recipe.files import MODALITIES, about, read_quickly, read_tree, recipe_files

    facts = []
    for name, path in recipe_files().items():
        tree = read_tree(path, read_quickly)
        kind = {"model": tree["model"]["kind"], "modalities": "+".join(tree.get("modalities", MODALITIES))}
        facts.append({"name": name, **kind, "about": about(path)})
    print_json(facts) if as_json else lists.recipes(facts)


@recipes.command("show")
def show_recipe(recipe: RecipeName, overrides: Overrides = None, as_json: AsJson = False) -> None:
    """Print a recipe resolved.

    With its base, its overrides and every default.
    """
    import yaml

    from merdata_train.recipe.recipe import load_recipe

    resolved = load_recipe(recipe, overrides or []).model_dump(mode="json")
    print_json(resolved) if as_json else typer.echo(yaml.safe_dump(resolved, sort_keys=False), nl=False)


@recipes.command("check")
def check(
    files: Annotated[list[str], typer.Argument(metavar="RECIPE", help="Files or names of recipes.")],
    as_json: AsJson = False,
) -> None:
    """Check recipes and name every fault by its key.

    The exit code is 2 if there is one.
    """
    from merdata_train.errors import RecipeError
    from merdata_train.recipe.recipe import load_recipe

    faults: dict[str, str | None] = {}
    for name in files:
        try:
            load_recipe(name)
            faults[name] = None
        except RecipeError as error:
            faults[name] = str(error)
    if as_json:
        print_json([{"recipe": name, "fault": fault} for name, fault in faults.items()])
    for name, fault in faults.items():
        if fault is not None:
            typer.echo(f"merdata_train: {fault}", err=True)
        elif not as_json:
            typer.echo(f"{name}: good")
    if any(faults.values()):
        raise typer.Exit(2)


@recipes.command("schema")
def schema() -> None:
    """Print the JSON schema of recipes, for editors and tools."""
    from merdata_train.recipe.recipe import Recipe

    print_json(Recipe.model_json_schema())
