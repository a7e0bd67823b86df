"""What a store has replaced stays for its readers, for a while, and goes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

import merdata
from merdata.store import retired
from merdata.store.retired import retired as kept_for_readers
from tests.crash.readers import READERS, disturbed_readers
from tests.crash.scene import files


@pytest.fixture(scope="module")
def built(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("retired") / "store"
    merdata.build(["tess"], corpora / "tess", store, jobs=0)
    merdata.split(store, "random", name="mine")
    return store


@pytest.fixture
def small(built: Path, tmp_path: Path) -> Path:
    return shutil.copytree(built, tmp_path / "store")


def data_files(store: Path) -> set[str]:
    return {path.name for path in (store / "data").rglob("*.parquet")}


def test_a_store_that_was_opened_stays_as_it_was(small: Path, corpora: Path) -> None:
    before = merdata.open_store(small)
    rows, split = before.rows().to_pylist(), merdata.load_protocol(before, "mine").splits()
    merdata.build(["tess"], corpora / "tess", small, policy=["ps=drop"], jobs=0)
    merdata.split(small, "random", 1, name="mine")
    unread = merdata.Store(small, before.manifest)
    assert unread.rows().to_pylist() == rows
    assert merdata.load_protocol(unread, "mine").splits() == split
    assert len(unread.ledger("tess")) == len(rows)
    after = merdata.open_store(small)
    assert len(after.rows(["id"])) == len(rows) - 20
    assert merdata.load_protocol(after, "mine").splits() != split
    assert merdata.verify(small, jobs=0).faults == []


def test_what_was_replaced_goes_after_the_time_of_grace(
    small: Path, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    policy = ["ps=drop"]
    merdata.build(["tess"], corpora / "tess", small, policy=policy, jobs=0)
    merdata.split(small, "random", name="mine")
    assert len(data_files(small)) == 4
    assert len(kept_for_readers(small)) == 3  # two shards and a ledger
    now = retired.time.time()
    monkeypatch.setattr(retired.time, "time", lambda: now + retired.GRACE - 5)
    merdata.build(["tess"], corpora / "tess", small, policy=policy, jobs=0)
    assert len(data_files(small)) == 4
    monkeypatch.setattr(retired.time, "time", lambda: now + retired.GRACE + 5)
    merdata.build(["tess"], corpora / "tess", small, policy=policy, jobs=0)  # though it has nothing to build
    assert kept_for_readers(small) == {}
    assert len(data_files(small)) == 2
    assert not list((small / ".build" / "splits").iterdir())
    merdata.build(["tess"], corpora / "tess", tmp_path / "fresh", policy=policy, jobs=0)
    merdata.split(tmp_path / "fresh", "random", name="mine")
    assert files(small) == files(tmp_path / "fresh")


def test_what_is_named_again_is_kept(small: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = data_files(small)
    merdata.build(["tess"], corpora / "tess", small, policy=["ps=drop"], jobs=0)
    merdata.build(["tess"], corpora / "tess", small, jobs=0)
    now = retired.time.time()
    monkeypatch.setattr(retired.time, "time", lambda: now + retired.GRACE + 5)
    merdata.build(["tess"], corpora / "tess", small, jobs=0)
    assert data_files(small) == first
    assert merdata.verify(small, jobs=0).faults == []


def test_a_file_that_is_not_the_stores_is_never_removed(
    small: Path, corpora: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = small / "data" / "tess" / "mine-0123456789ab.parquet"
    foreign.write_text("of the user")
    now = retired.time.time()
    for later in (0, retired.GRACE + 5):
        monkeypatch.setattr(retired.time, "time", lambda later=later: now + later)
        merdata.build(["tess"], corpora / "tess", small, policy=["ps=drop"][: later > 0], jobs=0)
        merdata.split(small, "random", name="mine")
    assert foreign.read_text() == "of the user"


def test_a_split_outlives_other_labels_and_a_build_says_which_does_not(small: Path, corpora: Path) -> None:
    assert merdata.build(["tess"], corpora / "tess", small, policy=["ps=joy"], jobs=0).outdated == []
    assert merdata.load(small, protocol="mine").num_rows
    report = merdata.build(["tess"], corpora / "tess", small, policy=["ps=drop"], jobs=0)
    assert report.outdated == ["mine"]
    with pytest.raises(merdata.SplitError, match="split again"):
        merdata.load(small, protocol="mine")


def test_readers_see_the_old_store_or_the_new_one(tmp_path: Path, corpora: Path) -> None:
    shutil.copytree(corpora / "tess", tmp_path / "corpora" / "tess")
    first, second, *others = READERS
    kinds = [f"{first}, {second}", ", ".join(others)]  # in two processes, for each imports for seconds
    found = disturbed_readers(tmp_path, 3, 1, kinds)
    assert {kind: wrong for kind, (_, wrong) in found.items()} == {kind: [] for kind in kinds}
    assert all(readings > len(READERS) for readings, _ in found.values())
