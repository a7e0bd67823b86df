"""The commands as a user types them."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

import merdata
from tests.merdata.cli.command import cli as run


def test_help_imports_nothing_heavy() -> None:
    code = "import sys; from merdata.cli.app import app; print(*sys.modules)"
    loaded = set(subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.split())
    heavy = {"numpy", "pandas", "pyarrow", "datasets", "torch", "soundfile", "av", "soxr", "yaml", "jinja2"}
    assert not heavy & loaded


def test_version() -> None:
    assert run("--version").stdout.strip() == f"merdata {merdata.__version__}"


def test_corpora_lists_them(tmp_path: Path) -> None:
    (tmp_path / "corpora" / "tess").mkdir(parents=True)
    facts = {one["name"]: one for one in json.loads(run("corpora", "--json", cwd=tmp_path).stdout)}
    assert facts["meld"]["rows"] == 13_708
    assert facts["tess"]["here"]
    assert not facts["meld"]["here"]
    assert "RAVDESS" in run("corpora", cwd=tmp_path).stdout


def test_build_split_audit_with_the_default_folders(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "corpora").mkdir()
    (tmp_path / "corpora" / "ravdess").symlink_to(corpora / "ravdess")
    built = run("build", "--corpus", "ravdess", cwd=tmp_path)
    assert built.returncode == 0, built.stderr
    assert re.search(r"ravdess\s+1,440\s+244\s+244\s+none\s+none", built.stdout)
    assert "1,196 fewer rows than the 1,440 of a complete copy" in built.stdout
    assert "missing, for example: ravdess/03-01-01-01-01-01-" in built.stdout
    assert "calm -> neutral 34" in built.stdout
    assert "identical audio: ravdess/03-01-03-01-02-01-07 = ravdess/03-01-03-01-02-02-07" in built.stdout
    split = run("split", cwd=tmp_path)
    assert split.returncode == 0, split.stderr
    assert merdata.load_protocol(merdata.open_store(tmp_path / "store"), "mer").hash in split.stdout
    audit = run("audit", cwd=tmp_path)
    assert audit.returncode == 0, audit.stderr
    assert "2 of 2 promises hold" in audit.stdout


def test_json_is_one_document(store: merdata.Store) -> None:
    account = json.loads(run("split", store.path, "--json").stdout)
    assert account["hash"] == merdata.load_protocol(store, "mer").hash
    assert {part["corpus"] for part in account["parts"]} == set(store.corpora)
    assert all(
        "disjoint" in finding for finding in json.loads(run("audit", store.path, "--json").stdout)["findings"]
    )


def test_a_broken_promise_exits_with_1(store: merdata.Store, tmp_path: Path) -> None:
    import shutil

    from merdata.store.keep import keep_protocol
    from tests.merdata.protocols import make_protocol

    copy = merdata.open_store(shutil.copytree(store.path, tmp_path / "store"))
    protocol = merdata.load_protocol(copy, "mer")
    splits = protocol.splits()
    held_out = next(id for id, split in splits.items() if split == "test" and id.startswith("ravdess/"))
    keep_protocol(copy, make_protocol("mer", splits | {held_out: "train"}, protocol.properties))
    done = run("audit", copy.path)
    assert done.returncode == 1
    assert "PROMISE BROKEN" in done.stdout


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["build", "--corpus", "ravdess"], "corpora/ravdess does not exist: put the corpus there"),
        (["build", "--corpus", "esperanto"], "no corpus is called 'esperanto'"),
        (["build", "--corpus", "all"], "corpora does not exist"),
        (["build", "--corpus", "ravdess", "--source", ""], "an empty text names no file"),
        (["split", "nowhere"], "nowhere is not a store"),
        (["audit", "nowhere"], "nowhere is not a store"),
        (["sample", "--corpus", "esperanto"], "esperanto"),
    ],
)
def test_a_fault_is_one_sentence_and_exit_2(words: list[str], says: str, tmp_path: Path) -> None:
    done = run(*words, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_option_exits_with_2() -> None:
    done = run("build", "--corpsu", "tess")
    assert done.returncode == 2
    assert "--corpsu" in done.stderr


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    with pytest.raises(merdata.StoreError, match="nowhere is not a store"):
        run("--debug", "split", "nowhere", cwd=tmp_path)


def test_a_missing_extra_is_named(tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['torch'] = None; sys.argv = ['merdata_train', 'run', 'source0/A1']\n"
        "from merdata_train.cli.app import main; main()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stderr.strip() == "merdata_train: torch is not installed: pip install 'merdata[train]'"


def test_strict_exits_with_3_on_another_count(corpora: Path, tmp_path: Path) -> None:
    words = ["build", "--corpus", "tess", "--source", corpora / "tess", "--strict"]
    assert run(*words, "--dry-run", cwd=tmp_path).returncode == 3
    assert not (tmp_path / "store").exists()
    assert run(*words, cwd=tmp_path).returncode == 3
    assert (tmp_path / "store" / "merdata.json").exists()


def test_a_policy_file_is_read_and_recorded(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text("calm: drop\nravdess: {fearful: sadness}\n")
    done = run(
        "build",
        "--corpus",
        "ravdess",
        "--source",
        corpora / "ravdess",
        "--policy-file",
        "policy.yaml",
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    facts = merdata.open_store(tmp_path / "store").corpora["ravdess"]
    assert facts["policy"]["calm"] == "drop"
    assert facts["policy"]["fearful"] == "sadness"
    assert facts["counts"]["labels"]["calm"] == {"dropped": 34}
    assert "calm -> dropped 34" in done.stdout


@pytest.mark.parametrize("content", ["- calm", "{", "calm: bliss", "ravdess: {clam: drop}"])
def test_a_broken_policy_file_is_one_sentence(content: str, corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "policy.yaml").write_text(content)
    done = run(
        "build",
        "--corpus",
        "ravdess",
        "--source",
        corpora / "ravdess",
        "--policy-file",
        "policy.yaml",
        cwd=tmp_path,
    )
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1


def test_a_corpus_shows_its_page() -> None:
    page = run("corpora", "show", "ravdess").stdout
    for words in ("RAVDESS", "Actor_01/", "calm", "neutral", "CC"):
        assert words in page
    assert "option meld.cut" in run("corpora", "show", "MELD").stdout
    assert json.loads(run("corpora", "show", "tess", "--json").stdout)["rows"] == 2_800
