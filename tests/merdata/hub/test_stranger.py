"""A store from a stranger is pushed: only its own files go up, under the licences of the rows they hold."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from merdata import Store
from merdata.io.files import json_text
from merdata.store.manifest import MANIFEST, sealed
from tests.fake_hub import FakeHub
from tests.merdata.cli.command import Done
from tests.merdata.hub.test_upload import REPO, push

SECRET = b"-----BEGIN OPENSSH PRIVATE KEY-----"


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


@pytest.fixture
def folder(store: Store, tmp_path: Path) -> Path:
    return shutil.copytree(store.path, tmp_path / "store")


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "id_ed25519"
    path.write_bytes(SECRET)
    return path


def resealed(folder: Path, change: Callable[[dict], None]) -> None:  # type: ignore[type-arg]
    """Change merdata.json as somebody would who knows how it is sealed."""
    manifest = json.loads((folder / MANIFEST).read_text("utf-8"))
    change(manifest)
    (folder / MANIFEST).write_bytes(json_text(sealed(manifest)).encode("utf-8"))


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def ledger_of(folder: Path, corpus: str) -> Path:
    return next((folder / "ledger").glob(f"{corpus}-*.parquet"))


def refused(hub: FakeHub, tmp_path: Path, folder: Path, corpus: str = "tess") -> Done:
    """The push ends with one sentence and exit code 2, and nothing went up."""
    done = push(hub, tmp_path, folder, "--corpus", corpus)
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert not any(repo.files for repo in hub.repos.values())
    assert SECRET not in b"".join(hub.blobs.values())
    return done


# Files that are not the store's


def a_ledger_by_another_name(folder: Path, secret: Path) -> None:
    shutil.copyfile(secret, folder / "ledger" / "notes.txt")

    def change(manifest: dict) -> None:  # type: ignore[type-arg]
        manifest["corpora"]["tess"]["ledger"] = "notes.txt"
        manifest["files"]["ledger/notes.txt"] = sha256(secret)

    resealed(folder, change)


def a_ledger_that_is_a_link(folder: Path, secret: Path) -> None:
    ledger = ledger_of(folder, "tess")
    ledger.unlink()
    ledger.symlink_to(secret)
    name = ledger.relative_to(folder).as_posix()
    resealed(folder, lambda manifest: manifest["files"].update({name: sha256(secret)}))


def a_shard_that_is_a_link(folder: Path, _: Path) -> None:
    """Even to bytes that are right: what it leads to may be another's tomorrow."""
    shard = next((folder / "data" / "tess").glob("*.parquet"))
    shard.rename(folder.parent / "elsewhere.parquet")
    shard.symlink_to(folder.parent / "elsewhere.parquet")


def a_folder_that_is_a_link(folder: Path, _: Path) -> None:
    (folder / "data" / "tess").rename(folder.parent / "elsewhere")
    (folder / "data" / "tess").symlink_to(folder.parent / "elsewhere")


def a_split_that_is_a_link(folder: Path, _: Path) -> None:
    split = folder / "splits" / "mer.parquet"
    split.rename(folder.parent / "elsewhere.parquet")
    split.symlink_to(folder.parent / "elsewhere.parquet")


@pytest.mark.parametrize(
    "attack",
    [
        a_ledger_by_another_name,
        a_ledger_that_is_a_link,
        a_shard_that_is_a_link,
        a_folder_that_is_a_link,
        a_split_that_is_a_link,
    ],
    ids=lambda attack: attack.__name__,
)
def test_what_is_not_a_file_of_the_store_stays_here(
    hub: FakeHub, folder: Path, tmp_path: Path, secret: Path, attack: Callable[[Path, Path], None]
) -> None:
    attack(folder, secret)
    refused(hub, tmp_path, folder)
    assert secret.read_bytes() == SECRET


def test_files_beside_the_store_s_own_stay_here(
    hub: FakeHub, folder: Path, tmp_path: Path, secret: Path
) -> None:
    for name in ("notes.txt", "data/tess/key.pem", "splits/mine.txt", "figures/key.png", ".env"):
        (folder / name).parent.mkdir(exist_ok=True)
        shutil.copyfile(secret, folder / name)
    done = push(hub, tmp_path, folder, "--corpus", "tess")
    assert done.returncode == 0, done.stderr
    repo = hub.repos["dataset", REPO]
    kinds = {name.partition("/")[0] for name in repo.files}
    assert kinds <= {"README.md", "merdata.json", "data", "ledger", "splits", "figures"}
    assert not any(SECRET in data for data in repo.files.values())
    listed = json.loads(repo.files[MANIFEST])
    named = set(listed["files"]) | {
        f"data/tess/{facts['file']}" for facts in listed["shards"]["tess"].values()
    }
    assert set(repo.files) == named | {MANIFEST}
    for name, digest in listed["files"].items():
        assert hashlib.sha256(repo.files[name]).hexdigest() == digest


@pytest.mark.parametrize("name", ["ledger", "splits"])
def test_a_table_that_was_cut_is_not_uploaded(hub: FakeHub, folder: Path, tmp_path: Path, name: str) -> None:
    path = ledger_of(folder, "tess") if name == "ledger" else folder / "splits" / "mer.parquet"
    table = pq.read_table(path)
    pq.write_table(table.slice(0, 3), path)
    done = refused(hub, tmp_path, folder)
    assert "merdata.json" in done.stderr or "hash" in done.stderr


# Rows of a corpus that may not go up


def renamed(folder: Path, *, rows: bool) -> None:
    """IEMOCAP, which is never uploaded, as if it were CREMA-D, which may be public."""
    (folder / "data" / "cremad").rename(folder.parent / "cremad")
    (folder / "data" / "iemocap").rename(folder / "data" / "cremad")
    ledger = ledger_of(folder, "iemocap")
    shutil.rmtree(folder / "splits")
    if rows:
        for path in [*(folder / "data" / "cremad").glob("*.parquet"), ledger]:
            table = pq.read_table(path, partitioning=None)
            ids = pc.replace_substring(table["id"], "iemocap/", "cremad/")
            table = table.set_column(table.column_names.index("id"), "id", ids)
            named = pa.array(["cremad"] * len(table))
            table = table.set_column(table.column_names.index("corpus"), "corpus", named)
            pq.write_table(table, path)

    def change(manifest: dict) -> None:  # type: ignore[type-arg]
        files = {name: value for name, value in manifest["files"].items() if not name.startswith("splits/")}
        files[f"ledger/{ledger.name}"] = sha256(ledger)
        manifest["files"] = files
        manifest["corpora"]["cremad"] |= {"ledger": ledger.name}
        shards = manifest["shards"].pop("iemocap")
        for facts in shards.values():
            facts["sha256"] = sha256(folder / "data" / "cremad" / facts["file"])
        manifest["shards"]["cremad"] = shards

    resealed(folder, change)


@pytest.mark.parametrize("rows", [False, True], ids=["in merdata.json", "in every row, too"])
def test_a_forbidden_corpus_under_another_name_stays_here(
    hub: FakeHub, folder: Path, tmp_path: Path, rows: bool
) -> None:
    renamed(folder, rows=rows)
    done = refused(hub, tmp_path, folder, "cremad")
    if rows:
        assert "does not look like cremad: it has a row from 'Ses0" in done.stderr
    else:
        assert "has rows of another corpus than cremad" in done.stderr
    if not rows:
        return
    public = push(hub, tmp_path, folder, "--corpus", "cremad", "--public", "--labels-only")
    assert public.returncode == 2
    assert "does not look like cremad" in public.stderr


def test_one_row_of_a_forbidden_corpus_is_enough(hub: FakeHub, folder: Path, tmp_path: Path) -> None:
    shard = next((folder / "data" / "tess").glob("*.parquet"))
    table = pq.read_table(shard, partitioning=None)
    cells = table["corpus"].to_pylist()
    cells[-1] = "iemocap"
    pq.write_table(table.set_column(table.column_names.index("corpus"), "corpus", pa.array(cells)), shard)

    def change(manifest: dict) -> None:  # type: ignore[type-arg]
        (facts,) = (own for own in manifest["shards"]["tess"].values() if own["file"] == shard.name)
        facts["sha256"] = sha256(shard)

    resealed(folder, change)
    assert "has rows of another corpus than tess" in refused(hub, tmp_path, folder).stderr


def test_every_corpus_looks_like_itself(store: Store) -> None:
    """The signs fit every stored row of every corpus, or nothing could be uploaded."""
    from merdata.hub.rows import check_rows

    assert len(store.corpora) == 8
    check_rows(store)
