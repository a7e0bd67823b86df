"""Models to a Hub on the loopback and back: private, whole, with equal predictions; faults are sentences."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from merdata_train import Predictor
from tests.fake_hub import TOKEN, FakeHub, Repo
from tests.merdata.cli.command import Done
from tests.merdata_train import command

REPO = "tester/emotion"
FILES = {"README.md", "config.json", "model.safetensors"}


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def folder(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def cli(hub: FakeHub, home: Path, *words: object, token: str | None = TOKEN) -> Done:
    with hub.visited(home / "hf", token):
        return command.cli(*words)


def test_a_pushed_model_comes_back_with_equal_predictions(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    done = cli(hub, tmp_path, "push", folder, REPO, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["url"], told["private"]) == (f"{hub.url}/{REPO}", True)
    repo = hub.repos["model", REPO]
    assert repo.private
    assert repo.files == {name: (folder / "model" / name).read_bytes() for name in FILES}
    assert ("POST", "/api/validate-yaml") in hub.calls
    words = "Get out of here!"
    again = cli(hub, tmp_path, "predict", REPO, "--text", words, "--json")
    assert again.returncode == 0, again.stderr
    (found,) = json.loads(again.stdout)
    assert found["probabilities"] == pytest.approx(Predictor.open(folder)(text=words).probabilities, abs=1e-9)


def test_a_second_push_changes_what_changed(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    cli(hub, tmp_path, "push", folder, REPO)
    sent = len(hub.calls)
    (folder / "lints.json").write_text(json.dumps([{"lint": "x", "severity": "warning", "message": "y"}]))
    assert cli(hub, tmp_path, "push", folder, REPO).returncode == 0
    assert "- x (warning): y." in hub.repos["model", REPO].files["README.md"].decode()
    assert not any(method == "PUT" for method, _ in hub.calls[sent:])


def test_a_dry_run_sends_nothing(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    done = cli(hub, tmp_path, "push", folder, REPO, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert f"would be uploaded to {REPO} (private)" in done.stdout
    assert all(name in done.stdout for name in FILES)
    assert hub.calls == []


def test_public_is_said_out_loud(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    hub.repos["model", REPO] = Repo(private=False)
    refused = cli(hub, tmp_path, "push", folder, REPO)
    assert refused.returncode == 2
    assert f"{REPO} is public" in refused.stderr
    assert hub.repos["model", REPO].files == {}
    assert cli(hub, tmp_path, "push", folder, REPO, "--public").returncode == 0
    assert set(hub.repos["model", REPO].files) == FILES
    assert cli(hub, tmp_path, "push", folder, "tester/open", "--public").returncode == 0
    assert not hub.repos["model", "tester/open"].private


@pytest.mark.parametrize(
    ("method", "part", "status", "says"),
    [
        ("POST", "/api/repos/create", 403, "no permission to write to tester/emotion"),
        ("POST", "/commit/", 412, "changed during the upload: push again"),
        ("POST", "/api/repos/create", 418, "the Hub answered 418"),
        ("POST", "/api/repos/create", 0, "the Hub cannot be reached"),
    ],
)
def test_a_fault_of_the_hub_is_one_sentence(
    hub: FakeHub, folder: Path, tmp_path: Path, method: str, part: str, status: int, says: str
) -> None:
    hub.fail(method, part, status, times=99)
    done = cli(hub, tmp_path, "push", folder, REPO)
    assert done.returncode == 2
    assert says in done.stderr
    assert "Traceback" not in done.stderr
    assert TOKEN not in done.stderr + done.stdout


def test_an_upload_that_breaks_off_is_taken_up_again(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    hub.fail("PUT", "/lfs/", 503)
    assert cli(hub, tmp_path, "push", folder, REPO).returncode == 0
    assert set(hub.repos["model", REPO].files) == FILES


@pytest.mark.parametrize(
    ("words", "token", "says"),
    [
        (["push", "RUN", REPO], None, "log in with `hf auth login`"),
        (["push", "RUN", "else/emotion"], TOKEN, "no permission to write to else/emotion"),
        (["push", "RUN", "emotion"], TOKEN, "emotion is not a repository name: write OWNER/NAME"),
        (["push", "RUN", "tester/a..b"], TOKEN, "tester/a..b is not a repository name"),
        (["push", "nowhere", REPO], TOKEN, "nowhere is not a run"),
        (["predict", "tester/nothing", "--text", "x"], TOKEN, "tester/nothing does not exist on the Hub"),
    ],
)
def test_what_cannot_be_pushed_or_found_is_one_sentence(
    hub: FakeHub, folder: Path, tmp_path: Path, words: list[str], token: str | None, says: str
) -> None:
    done = cli(hub, tmp_path, *(folder if word == "RUN" else word for word in words), token=token)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----"


def test_only_files_of_a_model_are_uploaded(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    for name in ("notes.txt", "tokenizer/id_rsa.json", "extractor/key.pem", "optimizer.pt"):
        (folder / "model" / name).parent.mkdir(exist_ok=True)
        (folder / "model" / name).write_bytes(SECRET)
    (folder / "model" / "tokenizer" / "vocab.txt").write_text("hello")
    assert cli(hub, tmp_path, "push", folder, REPO).returncode == 0
    assert set(hub.repos["model", REPO].files) == FILES | {"tokenizer/vocab.txt"}


@pytest.mark.parametrize("name", ["tokenizer/merges.txt", "tokenizer", "config.json", "README.md"])
def test_nothing_is_uploaded_or_written_through_a_link(
    hub: FakeHub, folder: Path, tmp_path: Path, name: str
) -> None:
    model, outside = folder / "model", tmp_path / "outside"
    if name == "tokenizer":
        outside.mkdir()
        (outside / "merges.txt").write_bytes(SECRET)
    else:
        outside.write_bytes((model / name).read_bytes() if (model / name).exists() else SECRET)
        (model / name).unlink(missing_ok=True)
    before = outside.read_bytes() if outside.is_file() else SECRET
    (model / name).parent.mkdir(exist_ok=True)
    (model / name).symlink_to(outside)
    done = cli(hub, tmp_path, "push", folder, REPO)
    assert done.returncode == 2
    assert "is a link, and links are not uploaded" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not hub.repos
    assert (outside.read_bytes() if outside.is_file() else (outside / "merges.txt").read_bytes()) == before
