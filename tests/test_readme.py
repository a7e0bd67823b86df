"""What the READMEs say is so: commands parse, names exist, links lead somewhere."""

from __future__ import annotations

import ast
import re
import shlex
from pathlib import Path
from typing import Any

import pytest
from typer.main import get_command

import merdata
import merdata_train
from merdata.cli.app import app as toolkit
from merdata_train.cli.app import app as trainer

ROOT = Path(__file__).parents[1]
FILES = [
    ROOT / name
    for name in (
        "README.md",
        "CONTRIBUTING.md",
        "merdata/README.md",
        "merdata_train/README.md",
        "recipes/README.md",
        "tests/README.md",
        "tests/benchmarks/README.md",
        "tests/crash/README.md",
    )
]
SUITES = sorted((ROOT / "recipes" / "suites").glob("*.yaml"))


def blocks(path: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", path.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def commands(text: str) -> list[list[str]]:
    """The words of every call of merdata and merdata_train in a text."""
    lines = text.replace("\\\n", " ").splitlines()
    words = [shlex.split(line, comments=True) for line in lines if re.match(r"\$ merdata(_train)? ", line)]
    return [line[1:] for line in words]


def parse(command: Any, name: str, args: list[str]) -> None:
    """Parse as the program does, without doing anything.

    Raises:
        typer's UsageError: an option or argument that the command does not have.
    """
    context = command.make_context(name, list(args))
    if hasattr(command, "commands"):
        rest = [*context._protected_args, *context.args]
        if rest:
            called, subcommand, rest = command.resolve_command(context, rest)
            parse(subcommand, called, rest)


CALLS = [words for path in FILES for block in blocks(path, "console") for words in commands(block)]
CALLS += [
    words
    for path in SUITES
    for line in path.read_text("utf-8").splitlines()[:1]
    for words in commands("\n".join("$ " + part for part in line.lstrip("# ").split(" && ")))
]


def test_there_are_commands_to_check() -> None:
    assert len(CALLS) > 60


@pytest.mark.parametrize("words", CALLS, ids=" ".join)
def test_every_command_is_one(words: list[str]) -> None:
    program = trainer if words[0] == "merdata_train" else toolkit
    parse(get_command(program), words[0], words[1:])


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_python_uses_names_that_exist(path: Path) -> None:
    for block in blocks(path, "python"):
        for node in ast.walk(ast.parse(block)):
            if isinstance(node, ast.ImportFrom) and node.module in ("merdata", "merdata_train"):
                package = merdata if node.module == "merdata" else merdata_train
                assert {name.name for name in node.names} <= set(package.__all__)
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.value.id != "merdata" or node.attr in merdata.__all__


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.parent.name)
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text("utf-8")):
        assert (path.parent / target).exists(), target


def test_the_tree_shows_every_room() -> None:
    tree = next(block for block in blocks(ROOT / "README.md", "text") if "merdata/" in block)
    for package in ("merdata", "merdata_train"):
        lines = re.search(rf"^{package}/ .*\n((?:  .*\n)+)", tree, re.MULTILINE)
        assert lines is not None
        shown = {
            name
            for line in lines[1].splitlines()
            for name in re.split(",? ", line.strip().partition("  ")[0])
        }
        assert all((ROOT / package / name).exists() for name in shown)
        assert {f"{path.parent.name}/" for path in (ROOT / package).glob("*/__init__.py")} <= shown


def test_the_readme_is_short() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) <= 2_000
