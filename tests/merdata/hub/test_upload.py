"""Stores to a Hub on the loopback and back: the verified bytes, the same splits, nothing of this machine."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import merdata
from merdata import Store, StoreError
from merdata.hub.privacy import check_privacy
from tests.fake_hub import ONLY_LOOPBACK, TOKEN, FakeHub, Repo
from tests.merdata.cli.command import Done, cli

REPO = "tester/speech"
KEY = "dataset", REPO
# rows and audio by config and split, from a folder or from the Hub
READ = """
import hashlib, json, sys
from datasets import Audio, load_dataset
def rows(name, config, streaming):
    splits = load_dataset(name, config, streaming=streaming)
    cell = lambda row: hashlib.sha256(row["audio"]["bytes"]).hexdigest()
    splits = {split: part.cast_column("audio", Audio(decode=False)) for split, part in splits.items()}
    return {split: [[row["id"], row["label"], cell(row)] for row in part] for split, part in splits.items()}
wanted = [("default", False), ("tess", False), ("default", True)]
print(json.dumps({name: [rows(name, *one) for one in wanted] for name in sys.argv[1:]}))
"""
PUSH_TO_HUB = """
import sys, merdata
from datasets import Audio, load_dataset
made = merdata.load(sys.argv[1], corpora=["tess"])
made.push_to_hub(sys.argv[2], private=True)
for split, part in load_dataset(sys.argv[2]).items():
    part = part.cast_column("audio", Audio(decode=False))
    before = made[split].with_format(None).cast_column("audio", Audio(decode=False))
    assert part["id"][:] == before["id"][:]
    assert [cell["bytes"] for cell in part["audio"]] == [cell["bytes"] for cell in before["audio"]]
    print(split, len(part))
"""


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    return shutil.copytree(store.path, tmp_path / "store")


def python(hub: FakeHub, home: Path, code: str, *words: object, token: str | None = TOKEN) -> Done:
    command = [sys.executable, "-c", ONLY_LOOPBACK + code, *map(str, words)]
    environment = hub.environment(home / "hf", token) | {"NO_COLOR": "1", "HF_HUB_DISABLE_PROGRESS_BARS": "1"}
    environment["USE_TORCH"] = "0"  # which datasets would import for seconds, to stream
    for name in ("HF_HUB_OFFLINE", "HF_DATASETS_OFFLINE"):
        environment.pop(name, None)
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    assert "DIALLED" not in done.stderr
    assert TOKEN not in done.stdout + done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def push(hub: FakeHub, home: Path, folder: Path, *words: str, token: str | None = TOKEN) -> Done:
    return merdata_cli(hub, home, "push", REPO, folder, *words, token=token)


def merdata_cli(hub: FakeHub, home: Path, *words: object, token: str | None = TOKEN) -> Done:
    """A command of merdata in this process."""
    with hub.visited(home / "hf", token):
        done = cli(*words)
    assert TOKEN not in done.stdout + done.stderr
    return done


def test_what_was_pushed_loads_as_the_store_does(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    chosen = ["--corpus", "tess", "--corpus", "meld", "--protocol", "mer"]
    done = push(hub, tmp_path, folder, *chosen, "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["url"], told["private"]) == (f"{hub.url}/datasets/{REPO}", True)
    repo = hub.repos[KEY]
    assert repo.private
    manifest = json.loads(repo.files["merdata.json"])
    assert sorted(manifest["corpora"]) == ["meld", "tess"]
    shards = {name: data for name, data in repo.files.items() if name.startswith("data/")}
    assert {name.split("/")[1] for name in shards} == {"meld", "tess"}
    for name, data in shards.items():
        assert data == (folder / name).read_bytes()
        _, corpus, file = name.split("/")
        (facts,) = (one for one in manifest["shards"][corpus].values() if one["file"] == file)
        assert facts["sha256"] == hashlib.sha256(data).hexdigest()
    assert {name for name in repo.files if name.startswith("splits/")} == {"splits/mer.parquet"}
    assert not (folder / ".build" / "push").exists()

    local = tmp_path / "part"  # a store of the same corpora, as `load_dataset` reads it here
    for name, data in repo.files.items():
        (local / name).parent.mkdir(parents=True, exist_ok=True)
        (local / name).write_bytes(data)
    read = python(hub, tmp_path, READ, REPO, local)
    assert read.returncode == 0, read.stderr
    found = json.loads(read.stdout)
    assert found[REPO] == found[str(local)]
    default, tess, streamed = found[REPO]
    assert streamed == default
    own = merdata.load(folder, corpora=["tess", "meld"], decode=False)
    assert {split: sorted(row[0] for row in rows) for split, rows in default.items()} == {
        split: sorted(part["id"]) for split, part in own.items()
    }
    assert {row[0].split("/")[0] for rows in tess.values() for row in rows} == {"tess"}
    merdata.load(local, protocol="mer")  # the part is a whole store


def test_labels_only(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    words = ["--corpus", "cremad", "--corpus", "meld", "--labels-only", "--public"]
    done = push(hub, tmp_path, folder, *words)
    assert done.returncode == 0, done.stderr
    repo = hub.repos[KEY]
    assert not repo.private
    for name, data in repo.files.items():
        if name.startswith("data/"):
            shard = next((folder / name).parent.glob(f"{Path(name).stem.rpartition('-')[0]}-*"))
            table, before = pq.read_table(pa.BufferReader(data)), pq.read_table(shard)
            assert "audio" not in table.column_names
            assert table["label"].equals(before["label"])
            same = "cremad" in name
            assert (table["text"].null_count == before["text"].null_count) == same
            assert same or table["text"].null_count == table["raw_text"].null_count == len(table)
    assert b"the audio was not uploaded" in repo.files["README.md"]
    assert b"transcripts of meld" in repo.files["README.md"]
    count = f'from datasets import load_dataset; print(len(load_dataset("{REPO}", "cremad")["train"]))'
    read = python(hub, tmp_path, count)
    assert read.returncode == 0, read.stderr
    assert int(read.stdout) > 0
    assert merdata.open_store(folder).rows().num_rows  # the store's own shards keep all they had
    assert "audio" in pq.read_schema(next((folder / "data" / "meld").glob("*.parquet"))).names


def test_the_reason_stands_inert_in_the_card(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    why = "---\nconfigs: []\n# I made it `<b>`"
    done = push(hub, tmp_path, folder, "--corpus", "tess", "--public", "--i-have-rights", why)
    assert done.returncode == 0, done.stderr
    card = hub.repos[KEY].files["README.md"].decode()
    assert "`--- configs: [] # I made it '<b>'`" in card
    assert card.count("\n---\n") == 1
    assert not hub.repos[KEY].private


def test_a_second_push_takes_away_what_is_no_longer_chosen(
    hub: FakeHub, folder: Path, tmp_path: Path
) -> None:
    push(hub, tmp_path, folder, "--corpus", "tess", "--corpus", "cremad")
    sent = len(hub.calls)
    assert push(hub, tmp_path, folder, "--corpus", "tess").returncode == 0
    assert not any("cremad" in name for name in hub.repos[KEY].files)
    stored = [path for method, path in hub.calls[sent:] if method == "PUT"]
    assert len(stored) <= 1  # a table of splits, for fewer rows


def test_protocols_shrink_with_the_corpora(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    merdata.split(folder, "loco")
    assert push(hub, tmp_path, folder, "--corpus", "tess", "--corpus", "cremad").returncode == 0
    files = hub.repos[KEY].files
    whole, mer, loco = (
        pq.read_table(path)
        for path in (
            folder / "splits" / "mer.parquet",
            *(pa.BufferReader(files[f"splits/{name}.parquet"]) for name in ("mer", "loco")),
        )
    )
    kept = [row for row in whole.to_pylist() if row["id"].split("/")[0] in ("tess", "cremad")]
    assert mer.to_pylist() == kept
    assert len(set(loco["fold"].to_pylist())) == 2
    card = files["README.md"].decode()
    assert "loco_cremad" in card
    assert "loco_meld" not in card


def test_a_dry_run_lists_and_changes_nothing(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    hub.repos[KEY] = Repo(private=False)
    done = push(hub, tmp_path, folder, "--corpus", "tess", "--dry-run")
    assert done.returncode == 2
    assert "data/tess/OAF-" in done.stdout
    assert f"refused: {REPO} is public" in done.stdout
    assert {method for method, _ in hub.calls} <= {"GET", "HEAD"}
    told = push(hub, tmp_path, folder, "--corpus", "cremad", "--dry-run", "--public", "--json")
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    assert (found["refusal"], found["target"], found["permissions"]) == (
        None,
        "public",
        {"cremad": "attribution"},
    )
    sizes = {one["path"]: one["bytes"] for one in found["files"]}
    shard = next((folder / "data" / "cremad").glob("*.parquet"))
    assert sizes[f"data/cremad/{shard.name}"] == shard.stat().st_size
    assert hub.repos[KEY].commits == 0


@pytest.mark.parametrize(
    ("method", "part", "status"),
    [
        ("PUT", "/lfs/", 0),
        ("PUT", "/lfs/", 503),
        ("POST", "/commit/", 409),
        ("POST", "/commit/", 412),
        ("POST", "/commit/", 429),
    ],
)
def test_a_fault_that_passes_ends_in_success(
    hub: FakeHub, folder: Path, tmp_path: Path, method: str, part: str, status: int
) -> None:
    hub.fail(method, part, status, headers={"Retry-After": "0"})
    done = push(hub, tmp_path, folder, "--corpus", "tess")
    assert done.returncode == 0, done.stderr
    assert hub.failures == []
    for path in (folder / "data" / "tess").iterdir():
        assert hub.repos[KEY].files[f"data/tess/{path.name}"] == path.read_bytes()


@pytest.mark.parametrize("header", [("RateLimit", '"api";r=0;t=2'), ("Retry-After", "2")])
def test_a_push_waits_as_long_as_the_hub_asks(
    hub: FakeHub, folder: Path, tmp_path: Path, header: tuple[str, str]
) -> None:
    hub.fail("POST", "/commit/", 429, headers=dict([header]))
    start = time.monotonic()
    done = push(hub, tmp_path, folder, "--corpus", "tess")
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - start >= 2
    assert "the Hub asks for a pause of 2 s" in done.stderr


@pytest.mark.parametrize(
    ("method", "part", "status", "says"),
    [
        ("POST", "/api/repos/create", 401, "not logged in to the Hub, or no access to"),
        ("POST", "/api/repos/create", 403, f"no permission to write to {REPO}"),
        ("POST", "/commit/", 409, f"someone else is changing {REPO}"),
        ("POST", "/commit/", 412, f"{REPO} changed during the upload"),
        ("POST", "/commit/", 429, "too many requests to the Hub"),
    ],
)
def test_a_fault_that_stays_is_one_sentence_and_the_next_push_succeeds(
    hub: FakeHub, folder: Path, tmp_path: Path, method: str, part: str, status: int, says: str
) -> None:
    hub.fail(method, part, status, times=99, headers={"Retry-After": "0"})
    done = push(hub, tmp_path, folder, "--corpus", "tess")
    assert done.returncode == 2
    assert says in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
    hub.failures.clear()
    assert push(hub, tmp_path, folder, "--corpus", "tess").returncode == 0
    assert any(name.startswith("data/tess/OAF-") for name in hub.repos[KEY].files)


def test_made_public_at_the_last_moment_it_is_hidden_again(
    hub: FakeHub, folder: Path, tmp_path: Path
) -> None:
    hub.before("POST", "/commit/", lambda: setattr(hub.repos[KEY], "private", False))
    done = push(hub, tmp_path, folder, "--corpus", "meld")
    assert done.returncode == 2
    assert "made private again" in done.stderr
    assert hub.repos[KEY].private


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["push", "speech", "STORE"], "speech is not a repository name: write OWNER/NAME"),
        (["push", "a b/c", "STORE", "--dry-run"], "a b/c is not a repository name: write OWNER/NAME, with"),
        (["push", REPO, "nowhere"], "nowhere is not a store"),
        (["push", REPO], "store is not a store"),
        (["push", REPO, "STORE", "--corpus", "x"], "holds no x"),
        (["push", REPO, "STORE", "--corpus", "tess", "--protocol", "x"], "has no protocol 'x'"),
        (["push", REPO, "STORE", "--corpus", "tess", "--i-have-rights", " "], "needs the reason"),
        (
            ["push", REPO, "STORE"],
            "the licence of iemocap does not allow an upload of audio, not even in private",
        ),
    ],
)
def test_what_cannot_be_pushed_is_one_sentence(
    hub: FakeHub, folder: Path, tmp_path: Path, words: list[str], says: str
) -> None:
    done = merdata_cli(hub, tmp_path, *(folder if word == "STORE" else word for word in words))
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert not hub.repos


def test_bytes_that_changed_since_the_build_stay_here(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    shard = next((folder / "data" / "tess").glob("OAF-*.parquet"))
    data = bytearray(shard.read_bytes())
    data[len(data) // 2] ^= 1
    shard.write_bytes(data)
    done = push(hub, tmp_path, folder, "--corpus", "tess")
    assert done.returncode == 2
    assert "differs from merdata.json" in done.stderr
    assert not hub.repos


@pytest.mark.parametrize(
    "leak", ["cannot read /home/anna/corpora/x.wav", r"C:\Users\anna\x.wav", "~/x.wav", "hf_" + "a" * 34]
)
def test_what_names_this_machine_stays_here(folder: Path, leak: str) -> None:
    card, ledger = folder / "README.md", next((folder / "ledger").glob("tess-*.parquet"))
    shutil.rmtree(folder / ".build")
    check_privacy(folder)  # a store as it is built names nothing
    text, table = card.read_text("utf-8"), pq.read_table(ledger)
    card.write_text(f"{text}\n{leak}\n", "utf-8")
    with pytest.raises(StoreError, match=r"README.md contains a "):
        check_privacy(folder)
    card.write_text(text, "utf-8")
    notes = pa.array([[leak]] * len(table), pa.list_(pa.string()))
    pq.write_table(table.set_column(table.column_names.index("notes"), "notes", notes), ledger)
    with pytest.raises(StoreError, match=r"ledger/tess-.*parquet contains a "):
        check_privacy(folder)


def test_push_to_hub_of_what_merdata_loads(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    done = python(hub, tmp_path, PUSH_TO_HUB, folder, REPO)
    assert done.returncode == 0, done.stderr
    assert "train" in done.stdout
    assert hub.repos[KEY].private
