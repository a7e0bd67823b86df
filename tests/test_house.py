"""The shape of the house: who may import whom."""

from __future__ import annotations

import ast
from importlib import import_module
from pathlib import Path

import pytest

import merdata

ROOT = Path(__file__).parents[1]
STAGES = {"merdata.builder.plan", "merdata.builder.watchdog", "merdata.store.store", "merdata.store.commit"}


def imports(path: Path) -> set[str]:
    """Modules that a file imports from merdata, wherever in the file."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return {name for name in found if name.startswith("merdata")}


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def test_only_the_builder_knows_the_order_of_the_stages() -> None:
    knowing = {
        path.relative_to(ROOT).as_posix()
        for path in files("merdata")
        if path.name != "__init__.py" and len(STAGES & imports(path)) == len(STAGES)
    }
    assert knowing == {"merdata/builder.py"}


@pytest.mark.parametrize("path", files("merdata"), ids=lambda path: path.stem)
def test_the_toolkit_never_imports_the_trainer(path: Path) -> None:
    assert not any(name.startswith("merdata_train") for name in imports(path))


@pytest.mark.parametrize("path", files("merdata_train"), ids=lambda path: path.stem)
def test_the_trainer_imports_only_public_names(path: Path) -> None:
    inner = {name for name in imports(path) if name.startswith("merdata.")}
    assert {name.removeprefix("merdata.") for name in inner} <= set(merdata.__all__)


def test_corpora_read_names_and_never_open_audio() -> None:
    for path in files("merdata/corpora"):
        used = imports(path)
        assert not any(name.startswith(("merdata.audio.clip", "merdata.audio.decoders")) for name in used)


def test_every_public_name_is_there() -> None:
    for name in merdata.__all__:
        assert getattr(merdata, name) is not None
    import_module("merdata.builder.build")  # a submodule must not take the place of a function
    assert callable(merdata.build)
    assert callable(merdata.split)
    assert callable(merdata.load)
