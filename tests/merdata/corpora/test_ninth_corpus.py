"""A corpus of another package joins through its entry point and passes the contract test untouched."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
NINTH = Path(__file__).parents[2] / "ninth_corpus"
NEXT = "-- next --"
COMMANDS = f"""  # in one process, for each imports for seconds
import sys
from merdata.cli.app import main
for words in ("corpora", "sample --corpus berlin", "build --corpus berlin", "split", "audit"):
    sys.argv = ["merdata", *words.split()]
    try:
        main()
    except SystemExit as end:
        if end.code:
            raise
    print({NEXT!r} if words != "audit" else "", flush=True)
"""
DEFECTS = "- {defect: made-up, ids: [03a01Fa], note: invented by a test, evidence: none}\n"


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Where the package is installed beside merdata."""
    target, source = tmp_path_factory.mktemp("site"), tmp_path_factory.mktemp("source")
    for path in (NINTH).rglob("*"):
        if path.is_file() and path.suffix in {".py", ".toml", ".md"}:
            copy = source / path.relative_to(NINTH)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
    (source / "berlin_for_merdata" / "defects.yaml").write_text(DEFECTS)
    pip = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        "--no-deps",
        "--no-build-isolation",
        "--no-index",
    ]
    done = subprocess.run([*pip, "--target", target, source], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    own = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return own | {"PYTHONPATH": str(target)}


def run(*words: object, environment: dict[str, str], cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, env=environment, cwd=cwd)


def test_the_contract_test_passes(environment: dict[str, str], tmp_path: Path) -> None:
    words = ["-m", "pytest", HERE / "test_corpora.py", "-k", "berlin", "-q", "-p", "no:cacheprovider"]
    done = run(*words, "--rootdir", tmp_path, environment=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert " passed" in done.stdout
    assert "skipped" not in done.stdout


def test_the_commands_know_it(environment: dict[str, str], tmp_path: Path) -> None:
    done = run("-c", COMMANDS, environment=environment, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    corpora, *_, split, audit = done.stdout.split(NEXT)
    assert "berlin" in corpora
    assert "speaker-disjoint" in split
    assert "berlin" in audit


def test_its_defects_are_read_from_its_folder(environment: dict[str, str], tmp_path: Path) -> None:
    wav = tmp_path / "wav" / "03a01Fa.wav"
    wav.parent.mkdir()
    wav.touch()
    code = (
        "from pathlib import Path; import merdata;"
        "(row,) = merdata.get_corpus('berlin').utterances(Path('.'));"
        "print(row.id, row.shard, row.language, *row.notes)"
    )
    said = run("-c", code, environment=environment, cwd=tmp_path).stdout.strip()
    assert said == "berlin/03a01Fa 03 de known defect, made-up: invented by a test"


def test_contributing_states_its_size() -> None:
    text = (NINTH.parents[1] / "CONTRIBUTING.md").read_text("utf-8")
    sizes = dict(re.findall(r"^\| `(\S+)` \| (\d+) \|", text, re.MULTILINE))
    assert len(sizes) == 4
    for name, lines in sizes.items():
        assert len((NINTH / name).read_text("utf-8").splitlines()) == int(lines)
