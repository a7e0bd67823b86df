"""Verify: whole stores pass, and every kind of damage is found and named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import merdata
from merdata.integrity.digest import logical_digest
from merdata.integrity.verify import verify
from merdata.io.files import file_sha256, write_json
from merdata.store import keep
from merdata.store.commit import CARD, CHANGE, announce
from merdata.store.manifest import MANIFEST, sealed
from merdata.store.protocol import Protocol
from tests.crash.flips import missed_flips
from tests.merdata.cli.command import cli as run


@pytest.fixture(scope="module")
def tess(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small store. Read only."""
    store = tmp_path_factory.mktemp("tess") / "store"
    merdata.build(["tess"], corpora / "tess", store, jobs=0)
    merdata.split(store)
    return store


@pytest.fixture
def small(tess: Path, tmp_path: Path) -> Path:
    """A store of its own, for a test to damage."""
    return shutil.copytree(tess, tmp_path / "store")


def data_files(store: Path) -> list[Path]:
    return sorted((store / "data").rglob("*.parquet"))


def rewritten(store: Path, change: dict[str, object]) -> None:
    """merdata.json with some keys replaced, sealed as if a build had written it so."""
    write_json(store / MANIFEST, sealed(json.loads((store / MANIFEST).read_text()) | change))


def test_a_whole_store_passes(store: merdata.Store) -> None:
    verdict = verify(store.path, deep=True)
    assert verdict.faults == verdict.remarks == []
    assert verdict.rows == len(store.rows(["id"]))
    assert verdict.files == sum(1 for path in store.path.rglob("*") if _covered(path, store.path)) - 1
    assert len(verdict.digest or "") == 64


def _covered(path: Path, store: Path) -> bool:
    return path.is_file() and not path.relative_to(store).parts[0].startswith(".")


def test_every_flipped_bit_is_found(small: Path) -> None:
    assert missed_flips(small, times=200, seed=0) == []


def test_gone_added_and_swapped_files_are_found(small: Path) -> None:
    first, second = data_files(small)
    whole = first.read_bytes()
    first.unlink()
    (fault,) = verify(small, jobs=0).faults
    assert f"{first.name} is missing" in fault
    shutil.copy(second, first)
    (fault,) = verify(small, jobs=0).faults
    assert f"{first.name} is not as it was written" in fault
    first.write_bytes(whole)
    extra = first.with_name("more.parquet")
    shutil.copy(second, extra)
    (fault,) = verify(small, jobs=0).faults
    assert "more.parquet is not in merdata.json" in fault
    extra.unlink()
    for path in (small / CARD, *(small / "ledger").iterdir(), *(small / "splits").iterdir()):
        kept = path.read_bytes()
        path.unlink()
        (fault,) = verify(small, jobs=0).faults
        assert f"{path.name} is missing" in fault
        path.write_bytes(kept)
    assert verify(small, jobs=0).faults == []


def test_what_verify_says_mends_the_store(small: Path, corpora: Path) -> None:
    first, second = data_files(small)
    before = {path: file_sha256(path) for path in small.rglob("*") if _covered(path, small)}
    first.unlink()
    second.write_bytes(second.read_bytes()[:-1] + b"x")
    second.unlink()
    (small / CARD).unlink()
    next((small / "ledger").iterdir()).unlink()
    merdata.build(["tess"], corpora / "tess", small, jobs=0)
    assert {path: file_sha256(path) for path in small.rglob("*") if _covered(path, small)} == before


def replaced_shard(store: Path, table: pa.Table) -> None:
    """Put other rows where the first shard is, with hashes to match: only its content can tell."""
    path = data_files(store)[0]
    pq.write_table(table, path)
    manifest = json.loads((store / MANIFEST).read_text())
    manifest["shards"]["tess"][path.stem.partition("-")[0]] |= {"sha256": file_sha256(path)}
    rewritten(store, manifest)


def test_a_shard_of_other_columns_or_rows_is_found(small: Path) -> None:
    table = pq.read_table(data_files(small)[0])
    replaced_shard(small, table.drop_columns(["text"]))
    assert "does not have the columns and classes" in verify(small, jobs=0).faults[0]
    replaced_shard(small, table.slice(1))
    assert "merdata.json says 70" in verify(small, jobs=0).faults[0]


def test_a_ledger_that_differs_from_the_shards_is_found(small: Path) -> None:
    table = pq.read_table(data_files(small)[0])
    other = pa.array(["tess/other", *table["id"].to_pylist()[1:]])
    replaced_shard(small, table.set_column(0, table.schema.field("id"), other))
    faults = verify(small, jobs=0).faults
    assert any("and the shards of tess differ in" in fault and "tess/other" in fault for fault in faults)


def test_other_audio_is_found_by_a_deep_look_alone(small: Path) -> None:
    table = pq.read_table(data_files(small)[0])
    clips = table["audio"].to_pylist()
    clips[0], clips[1] = ({"bytes": clips[at]["bytes"], "path": clips[1 - at]["path"]} for at in (1, 0))
    at = table.schema.get_field_index("audio")
    replaced_shard(
        small, table.set_column(at, table.schema.field("audio"), pa.array(clips, table["audio"].type))
    )
    assert verify(small, jobs=0).faults == []
    faults = verify(small, deep=True, jobs=0).faults
    assert len(faults) == 2
    assert all("does not have the samples of its audio_sha256" in fault for fault in faults)


def test_a_store_of_format_1_is_read_and_its_gaps_are_said(small: Path, corpora: Path) -> None:
    hashed = data_files(small)
    manifest = json.loads((small / MANIFEST).read_text())
    for path in [*data_files(small), *(small / "ledger").iterdir()]:
        path.rename(path.with_name(f"{path.stem.partition('-')[0]}.parquet"))
    for facts in manifest["shards"]["tess"].values():
        del facts["file"]
    del manifest["corpora"]["tess"]["ledger"], manifest["files"], manifest["digest"]
    write_json(small / MANIFEST, manifest | {"format": 1})
    verdict = verify(small, deep=True, jobs=0)
    assert verdict.faults == []
    assert "cannot be verified by hash" in verdict.remarks[0]
    merdata.split(small, "random")
    assert verify(small, jobs=0).faults == []
    merdata.build(["tess"], corpora / "tess", small, jobs=0)
    assert [path for path in data_files(small) if "-" in path.stem] == hashed
    assert verify(small, deep=True, jobs=0).faults == verify(small, jobs=0).remarks == []


def test_a_split_of_rows_that_were_rebuilt_is_refused(small: Path, corpora: Path) -> None:
    before = merdata.open_store(small)
    kept = (small / "splits" / "mer.parquet").read_bytes()
    merdata.build(["tess"], corpora / "tess", small, policy=["ps=drop"], jobs=0)
    with pytest.raises(merdata.StoreError, match=r"is missing|was rebuilt"):
        merdata.split(before)
    assert (small / "splits" / "mer.parquet").read_bytes() == kept


def test_an_unfinished_change_is_no_damage(small: Path) -> None:
    store = merdata.open_store(small)
    announce(small, store.manifest | {"files": store.manifest["files"] | {"splits/new.parquet": "0" * 64}})
    assert (small / CHANGE).exists()
    verdict = verify(small, jobs=0)
    assert verdict.faults == []
    assert "interrupted" in verdict.remarks[0]
    merdata.split(small)
    assert verify(small, jobs=0).remarks == []


def test_protocols_that_no_longer_fit_are_a_remark(small: Path, corpora: Path) -> None:
    merdata.build(["ravdess"], corpora / "ravdess", small)
    verdict = verify(small, jobs=0)
    assert verdict.faults == []
    assert "protocol mer was made for other rows" in verdict.remarks[0]


def test_strange_and_repeated_rows_of_a_protocol_are_found(small: Path) -> None:
    opened = merdata.open_store(small)
    mer = merdata.load_protocol(opened, "mer")
    again, strange = mer.table.slice(0, 1), pa.table({"id": ["tess/x"], "split": ["test"], "fold": [0]})
    for more, says in (
        (again, "rows twice in one fold"),
        (strange, "rows that the store does not have: tess/x"),
    ):
        table = pa.concat_tables([mer.table, more.cast(mer.table.schema)])
        keep.keep_protocol(opened, Protocol("mer", table, mer.properties))
        (fault,) = verify(small, jobs=0).faults
        assert fault == f"protocol mer has {says}: split again"


def test_the_logical_digest_is_of_the_rows_alone(small: Path, corpora: Path, tmp_path: Path) -> None:
    digest = verify(small, deep=True, jobs=0).digest
    for path in data_files(small):
        pq.write_table(pq.read_table(path), path, compression="zstd")  # other bytes, the same rows
    assert logical_digest(merdata.open_store(small)) == digest
    merdata.build(["tess"], corpora / "tess", tmp_path / "other", policy=["ps=joy"], jobs=0)
    assert logical_digest(merdata.open_store(tmp_path / "other")) != digest


def test_on_the_command_line(small: Path, tmp_path: Path) -> None:
    done = run("verify", small, "--deep", "--json")
    assert (done.returncode, json.loads(done.stdout)["faults"]) == (0, [])
    data_files(small)[0].unlink()
    done = run("verify", small)
    assert done.returncode == 3
    assert "fault: data/tess/OAF-" in done.stdout and "1 fault" in done.stdout
    done = run("verify", tmp_path / "nothing")
    assert done.returncode == 2
    assert "is not a store" in done.stderr


def test_a_build_makes_whole_what_a_killed_split_left(
    corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = tmp_path / "store"
    merdata.build(["tess"], corpora / "tess", store, jobs=0)
    merdata.split(store, "random", name="mine")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(keep, "conclude", killed)
        merdata.split(store, "random", 1, name="mine")
    merdata.build(["tess"], corpora / "tess", store, jobs=0)
    assert merdata.verify(store, jobs=0).faults == []
