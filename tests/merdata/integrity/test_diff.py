"""Diff: which rows differ, in which columns, and why."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

import merdata
from merdata.integrity.diff import diff
from merdata.io.files import file_sha256
from tests.merdata.cli.command import cli


@pytest.fixture(scope="module")
def plain(corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    store = tmp_path_factory.mktemp("plain") / "store"
    merdata.build(["tess"], corpora / "tess", store, jobs=0)
    merdata.split(store)
    return store


def test_a_copy_does_not_differ(plain: Path, tmp_path: Path) -> None:
    found = diff(plain, shutil.copytree(plain, tmp_path / "copy"))
    assert not found.any
    assert found.added.rows == found.removed.rows == len(found.changed) == 0


def test_a_policy_that_moves_and_drops_rows(plain: Path, corpora: Path, tmp_path: Path) -> None:
    policy = ["ps=drop", "disgust=anger"]
    merdata.build(["tess"], corpora / "tess", tmp_path / "store", policy=policy, jobs=0)
    found = diff(plain, tmp_path / "store")
    assert found.removed.why == {"policy": 20}
    assert {column: part.why for column, part in found.changed.items()} == {
        "label": {"policy": 20},
        "notes": {"policy": 20},
    }
    assert "tess policy disgust: disgust -> anger" in found.settings
    assert found.protocols == {"mer": "removed"}
    back = diff(tmp_path / "store", plain)
    assert back.added.why == {"policy": 20}


def test_another_label_in_the_source_is_no_change_of_policy(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", [0.1, -0.1] * 4_000, 16_000)
    soundfile.write(tmp_path / "b.wav", [0.2, -0.2] * 4_000, 16_000)
    for store, label in (("before", "angry"), ("after", "sad")):
        (tmp_path / "mine.csv").write_text(f"file,label\na.wav,{label}\nb.wav,sad\n")
        merdata.build([str(tmp_path / "mine.csv")], tmp_path, tmp_path / store, jobs=0)
    found = diff(tmp_path / "before", tmp_path / "after")
    assert {column: part.why for column, part in found.changed.items()} == {
        "label": {"metadata of the source": 1},
        "raw_label": {"metadata of the source": 1},
    }


def test_a_changed_and_a_broken_and_a_lost_source(plain: Path, corpora: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(corpora / "tess", tmp_path / "tess")
    louder, broken, lost = sorted(folder.rglob("OAF_*_sad.wav"))[:3]
    samples, rate = soundfile.read(louder)
    soundfile.write(louder, samples / 3, rate)
    broken.write_bytes(broken.read_bytes()[:500])
    lost.unlink()
    merdata.build(["tess"], folder, tmp_path / "store", jobs=0)
    found = diff(plain, tmp_path / "store")
    assert found.removed.why == {"audio: truncated": 1, "no such source": 1}
    assert found.changed["audio_sha256"].why == {"source": 1}
    assert found.changed["audio_sha256"].examples == [f"tess/{louder.stem}"]


def test_another_corpus(plain: Path, corpora: Path, tmp_path: Path) -> None:
    store = shutil.copytree(plain, tmp_path / "store")
    merdata.build(["cremad"], corpora / "cremad", store, jobs=0)
    found = diff(plain, store)
    assert found.added.why == {"corpus not built": found.added.rows}
    assert found.added.rows > 0
    assert found.changed == {}


def test_other_defects_and_other_code(plain: Path, tmp_path: Path) -> None:
    before = merdata.open_store(plain)
    after = merdata.open_store(shutil.copytree(plain, tmp_path / "after"))
    after.manifest["merdata"] = "9.0"
    after.manifest["corpora"]["tess"]["defects"] = "other"
    shard = after.shards()[0]
    table = pq.read_table(shard.path)
    rows = table.to_pylist()
    rows[0]["notes"] = [*rows[0]["notes"], "known defect, click: heard by us"]
    rows[1]["audio_sha256"] = "0" * 64
    pq.write_table(pa.Table.from_pylist(rows, table.schema), shard.path)
    after.manifest["shards"]["tess"][shard.name]["sha256"] = file_sha256(shard.path)
    found = diff(before, after)
    assert found.changed["notes"].why == {"defects version": 1}
    assert found.changed["audio_sha256"].why == {"code version": 1}
    assert found.settings[0] == f"merdata: {merdata.__version__} -> 9.0"
    assert found.settings[1].startswith("tess defects: ")


def test_on_the_command_line(plain: Path, corpora: Path, tmp_path: Path) -> None:
    merdata.build(["tess"], corpora / "tess", tmp_path / "store", policy=["ps=joy"], jobs=0)
    done = cli("diff", plain, tmp_path / "store")
    assert done.returncode == 1, done.stderr
    assert "changed label" in done.stdout and "policy 20" in done.stdout
    done = cli("diff", plain, plain, "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["changed"] == {}
