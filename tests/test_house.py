"""The shape of the house: which room may import which, and what no code may name."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import pytest

import merdata
from merdata import plugin
from merdata.corpora.registry import registry

ROOT = Path(__file__).parents[1]
MOST_MODULES = 15  # of a folder
FACES = {"merdata", "merdata.plugin", "merdata_train"}  # look names up when they are used, so they import all

# A room imports from its own floor's rooms only where the floor says `..` and from all floors above it.
# (Floors are listed from the ground up: what is written first is imported by what follows.)
TOOLKIT = (
    "errors version text escaping",
    "utterance",
    "io",
    "audio engine labels",
    "corpora sample",
    "own",
    "store",
    "stats dialogues loader splits asr",
    "builder integrity leakage",
    "tables",
    "card export page",
    "hub",
    "cli",
    "__main__",
)
TRAINER = (
    "errors",
    "parts",
    "recipe",
    "features encoders",
    "data",
    "models",
    "scoring",
    "training",
    "lints",
    "runs",
    "serving report",
    "cli",
    "__main__",
)


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


def module_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@cache
def modules() -> Mapping[str, Path]:
    return {module_of(path): path for package in ("merdata", "merdata_train") for path in files(package)}


@cache
def imports(path: Path) -> frozenset[str]:
    """Our modules that a file imports, at its top or in a function; other names from them as well."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{name.name}" for name in node.names}
        elif isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
    return frozenset(name for name in found if name.split(".")[0] in ("merdata", "merdata_train"))


def imported_modules(path: Path) -> set[str]:
    """The same as modules: `merdata.text.words` is of `merdata.text`."""
    return {name if name in modules() else name.rpartition(".")[0] for name in imports(path)}


def room(module: str) -> str:
    """`merdata.io.files` is in the room `io`; a module beside the rooms is a room of its own."""
    return module.split(".")[1] if "." in module else ""


def test_the_builder_alone_knows_the_order_of_the_stages() -> None:
    stages = {"builder.plan", "builder.watchdog", "store.store", "store.commit"}
    knowing = {
        name
        for name, path in modules().items()
        if {f"merdata.{stage}" for stage in stages} <= imported_modules(path)
    }
    assert knowing == {"merdata.builder.build"}


@pytest.mark.parametrize(("package", "floors"), [("merdata", TOOLKIT), ("merdata_train", TRAINER)])
def test_a_room_imports_only_rooms_below_it(package: str, floors: tuple[str, ...]) -> None:
    """No room imports one of a higher floor; rooms of one floor form no circle."""
    height = {name: floor for floor, names in enumerate(floors) for name in names.split()}
    upward = {
        f"{name} -> {other}"
        for name, path in modules().items()
        for other in imported_modules(path)
        if name not in FACES | {package}
        and other not in FACES | {name}
        and {name.split(".")[0], other.split(".")[0]} == {package}
        and height[room(other)] > height[room(name)]
    }
    assert not upward


def test_no_circle_of_modules_and_none_of_rooms() -> None:
    graph: dict[str, set[str]] = {}
    rooms: dict[str, set[str]] = {}
    for name, path in modules().items():
        if name in FACES:
            continue
        others = imported_modules(path) - {name} - FACES
        graph[name] = others
        own = ".".join(name.split(".")[:2])
        rooms.setdefault(own, set()).update({".".join(other.split(".")[:2]) for other in others} - {own})
    assert circle(graph) is None
    assert circle(rooms) is None


def circle(graph: Mapping[str, set[str]]) -> list[str] | None:
    """Some circle of a graph, or None."""
    done: set[str] = set()

    def visit(name: str, way: list[str]) -> list[str] | None:
        if name in way:
            return [*way[way.index(name) :], name]
        if name in done:
            return None
        for other in sorted(graph.get(name, ())):
            if closed := visit(other, [*way, name]):
                return closed
        done.add(name)
        return None

    return next(filter(None, (visit(name, []) for name in graph)), None)


def test_a_circle_is_seen() -> None:
    assert circle({"a": {"b"}, "b": {"c"}, "c": set()}) is None
    assert circle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) == ["b", "c", "b"]


def test_no_folder_holds_more_modules_than_one_can_oversee() -> None:
    folders: dict[str, int] = {}
    for path in modules().values():
        if path.name != "__init__.py":
            folder = path.parent.relative_to(ROOT).as_posix()
            folders[folder] = folders.get(folder, 0) + 1
    assert {folder: count for folder, count in folders.items() if count > MOST_MODULES} == {}


@pytest.mark.parametrize("path", files("merdata"), ids=module_of)
def test_the_toolkit_never_imports_the_trainer(path: Path) -> None:
    assert not any(name.startswith("merdata_train") for name in imports(path))


@pytest.mark.parametrize("path", files("merdata_train"), ids=module_of)
def test_the_trainer_imports_only_public_names(path: Path) -> None:
    inner = {name for name in imports(path) if name.startswith("merdata.")}
    public = {f"merdata.{name}" for name in merdata.__all__} | {"merdata.plugin"}
    assert inner <= public | {f"merdata.plugin.{name}" for name in plugin.__all__}


def test_the_package_outside_imports_only_the_face_for_plugins() -> None:
    for path in files("tests/ninth_corpus"):
        inner = {name for name in imports(path) if name.startswith("merdata.")}
        assert inner <= {f"merdata.plugin.{name}" for name in plugin.__all__}


def test_corpora_read_names_and_never_open_audio() -> None:
    for path in files("merdata/corpora"):
        assert not any(name.startswith("merdata.audio") for name in imports(path))


@pytest.mark.parametrize("module", [merdata, plugin], ids=["merdata", "merdata.plugin"])
def test_every_public_name_is_there(module: object) -> None:
    for name in module.__all__:  # type: ignore[attr-defined]
        assert getattr(module, name) is not None


def test_a_module_does_not_take_the_place_of_a_function() -> None:
    import_module("merdata.builder.build")
    assert callable(merdata.build)
    assert callable(merdata.split)
    assert callable(merdata.load)


def test_no_code_outside_its_folder_names_a_corpus() -> None:
    """Docstrings may show one as an example; what decides must be a fact that the corpus states."""
    titles = {corpus.title.partition(" (")[0] for corpus in registry().values()}
    names = re.compile(rf"(?<![a-z])(?:{'|'.join({*registry(), *titles})})(?![a-z])", re.IGNORECASE)
    naming = [
        f"{path.relative_to(ROOT)}:{line}: {text}"
        for package in ("merdata", "merdata_train")
        for path in files(package)
        if path.parent.parent != ROOT / "merdata" / "corpora"
        for line, text in code_strings_and_names(path)
        if names.search(text)
    ]
    assert not naming


def code_strings_and_names(path: Path) -> Iterator[tuple[int, str]]:
    """What a file says in its code: strings that are not docstrings or help texts, and names."""
    tree = ast.parse(path.read_text("utf-8"))
    documents = {id(document) for document in documentation(tree)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in documents:
            yield node.lineno, node.value
        elif isinstance(node, ast.Name):
            yield node.lineno, node.id


def documentation(tree: ast.Module) -> Iterator[ast.AST]:
    """The strings of docstrings, and of `help=`, `metavar=` and `epilog=`, where a name is an example."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            yield node.value
        elif isinstance(node, ast.keyword) and node.arg in ("help", "metavar", "epilog"):
            yield from ast.walk(node.value)
