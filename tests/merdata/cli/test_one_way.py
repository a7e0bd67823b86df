"""One way for each thing, in every command of both programs: stores, corpora, destinations, JSON, help."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.main import get_command

import merdata
from merdata.cli.app import app as toolkit
from merdata.corpora.registry import registry
from merdata.splits.exchange.exchange import SOURCES
from merdata.splits.exchange.published import published
from merdata.splits.make import KINDS
from merdata_train.cli.app import app as trainer
from tests.merdata.cli.command import cli as run

WITHOUT_STORE = {"corpora", "corpora show", "corpora new", "sample", "diff"}
WITHOUT_JSON = {"recipes schema"}  # it is JSON
ARGUMENTS = {
    "push": ["me/speech"],
    "split import published": ["emobox"],
    "split import table": ["theirs.csv"],
    "split export": ["emobox"],
}
NEEDS = {
    "build": ["--corpus", "tess"],
    "transcribe": ["--model", "base"],
    "split import published": ["--corpus", "tess"],
    "split import table": ["--corpus", "tess"],
    "split export": ["--out", "x"],
    "export wav": ["--out", "x"],
    "export csv": ["--out", "x"],
}


def commands(app: typer.Typer) -> dict[str, typer.core.TyperCommand]:
    """Every command by its words."""

    def below(group: object, words: str) -> Iterator[tuple[str, typer.core.TyperCommand]]:
        for name, command in getattr(group, "commands", {}).items():
            path = f"{words} {name}".strip()
            if hasattr(command, "commands"):
                yield from below(command, path)
            else:
                yield path, command

    return dict(below(get_command(app), ""))


TOOLKIT, TRAINER = commands(toolkit), commands(trainer)
BOTH = [*TOOLKIT.items(), *TRAINER.items()]
TAKES_STORE = sorted(set(TOOLKIT) - WITHOUT_STORE)


@pytest.mark.parametrize(("name", "command"), BOTH, ids=lambda part: part if isinstance(part, str) else "")
def test_options_are_spelled_one_way(name: str, command: typer.core.TyperCommand) -> None:
    spelled = {spelling for parameter in command.params for spelling in parameter.opts}
    assert not {"--corpora", "--protocols", "--prompts", "--folder", "--output"} & spelled
    assert "--json" in spelled or name in WITHOUT_JSON
    for parameter in command.params:
        if "--corpus" in parameter.opts and not name.startswith("split import"):
            assert parameter.multiple


@pytest.mark.parametrize(("name", "command"), BOTH, ids=lambda part: part if isinstance(part, str) else "")
def test_help_says_everything_in_sentences(name: str, command: typer.core.TyperCommand) -> None:
    assert command.help
    first = command.help.partition("\n\n")[0]
    assert len(first) <= 64, "the list of commands would cut it"
    assert first[0].isupper() and first.endswith(".")
    for parameter in command.params:
        words = getattr(parameter, "help", None)
        assert words and words.endswith((".", ").")), (name, parameter.name)
        assert parameter.metavar or getattr(parameter, "is_flag", False), "help would show its type"


def test_help_names_every_kind_of_protocol_and_split_of_others() -> None:
    for words, names in ((["split"], {*KINDS}), (["split", "import"], {*SOURCES, *published()})):
        said = re.split(r"[\s,.]+", run(*words, "--help").stdout)
        assert names <= set(said)


@pytest.mark.parametrize("name", TAKES_STORE)
def test_a_store_is_an_option_or_the_last_argument(name: str, tmp_path: Path) -> None:
    given = [*name.split(), *ARGUMENTS.get(name, [])]
    needs = NEEDS.get(name, [])
    if name == "build":
        return  # it makes the store: see below
    for words in ([*given, "nowhere", *needs], [*given, *needs, "--store", "nowhere"]):
        done = run(*words, cwd=tmp_path)
        assert done.returncode == 2
        assert "nowhere is not a store" in done.stderr
    done = run(*given, *needs, cwd=tmp_path)
    assert "store is not a store" in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", TAKES_STORE)
def test_two_stores_are_refused_in_a_sentence(name: str, tmp_path: Path) -> None:
    words = [*name.split(), *ARGUMENTS.get(name, []), "a", "--store", "b", *NEEDS.get(name, [])]
    done = run(*words, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "merdata: a and --store b are two stores: name the one that is meant\n"


def test_a_corpus_goes_by_any_of_its_spellings(corpora: Path, tmp_path: Path) -> None:
    words = ["--source", corpora / "cremad", "--jobs", "0"]
    assert run("build", "--corpus", "CREMA-D", "built", *words, cwd=tmp_path).returncode == 0
    split = run("split", "built", "--store", "built", "--corpus", "crema_d", "--json", cwd=tmp_path)
    assert json.loads(split.stdout)["protocol"] == "cremad_mer"
    rows = run("export", "csv", "built", "--corpus", "Crema-D", "--out", "x.csv", "--json", cwd=tmp_path)
    assert json.loads(rows.stdout)["file"] == "x.csv"
    sample = run("sample", "here", "--corpus", "CREMA-D", "--json", cwd=tmp_path)
    assert json.loads(sample.stdout)[0]["folder"] == "here/cremad"
    push = run("push", "me/x", "built", "--corpus", "MELD", "--dry-run", cwd=tmp_path)
    assert "holds no meld" in push.stderr
    imported = run("split", "import", "tfds", "built", "--corpus", "CREMA-D", cwd=tmp_path)
    assert "cremad" in imported.stderr + imported.stdout and imported.returncode in (0, 2)


def test_scripts_read_one_document(store: merdata.Store, tmp_path: Path) -> None:
    copy = shutil.copytree(store.path, tmp_path / "store")
    rows = store.rows(["id"], ["tess"]).num_rows
    for words, expected in (
        (["export", "wav", "--out", "wav", "--corpus", "tess"], {"folder": "wav", "files": {"": rows}}),
        (["export", "csv", "--out", "a.csv", "--corpus", "tess"], {"file": "a.csv", "rows": rows}),
        (["export", "croissant"], {"file": "store/croissant.json"}),
        (["card"], {"file": "store/README.md"}),
    ):
        done = run(*words, "--json", cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout) == expected
    done = run("split", "export", "emobox", copy, "--out", "emobox", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert all((tmp_path / file).is_file() for file in json.loads(done.stdout)["files"])


def test_several_protocols_are_audited_at_once(store: merdata.Store, tmp_path: Path) -> None:
    copy = shutil.copytree(store.path, tmp_path / "store")
    merdata.split(copy, "random")
    words = ["audit", "--protocol", "mer", "--protocol", "random", "--no-near-audio", "--json"]
    assert [one["protocol"] for one in json.loads(run(*words, cwd=tmp_path).stdout)] == ["mer", "random"]


def test_no_corpus_is_named_in_the_code_of_the_commands() -> None:
    """Examples in help texts may: they stand in quotes."""
    names = re.compile(rf"\b({'|'.join(registry())})\b")
    for path in (Path(merdata.__file__).parent / "cli").rglob("*.py"):
        code = re.sub(r'"[^"\n]*"', "", path.read_text("utf-8"))
        assert not names.search(code), path
