"""Exports: the bytes are the store's, other tools read them, nothing is half written or run."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from pathlib import Path
from types import ModuleType

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import merdata
from merdata import plugin
from merdata.io.names import safe_names
from merdata.store.keep import keep_protocol
from tests.crash.scene import few_clips
from tests.merdata.cli.test_cli import run
from tests.merdata.protocols import make_protocol


@pytest.fixture
def _readable(monkeypatch: pytest.MonkeyPatch) -> None:
    """`datasets` asks for torchcodec before it reads any audio folder, and then needs none for paths."""
    import datasets  # noqa: F401  it looks for torchcodec when it is imported, too

    codec, encoders = ModuleType("torchcodec"), ModuleType("torchcodec.encoders")
    encoders.AudioEncoder = None  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "torchcodec", codec)
    monkeypatch.setitem(sys.modules, "torchcodec.encoders", encoders)


def wavs_of(store: merdata.Store) -> dict[str, bytes]:
    tables = (pq.read_table(shard.path, columns=["id", "audio"]) for shard in store.shards())
    return {row["id"]: row["audio"]["bytes"] for table in tables for row in table.to_pylist()}


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.usefixtures("_readable")
@pytest.mark.parametrize("name", ["plain", "test"])
def test_audiofolder_reads_the_splits(name: str, store: merdata.Store, tmp_path: Path) -> None:
    from datasets import Audio, load_dataset

    rows = merdata.export_wav(store, tmp_path / name, protocol="mer")
    found = load_dataset("audiofolder", data_dir=str(tmp_path / name), cache_dir=str(tmp_path / "cache"))
    found = found.cast_column("audio", Audio(decode=False))
    splits, wavs = merdata.load_protocol(store, "mer").splits(), wavs_of(store)
    assert {split: len(part) for split, part in found.items()} == rows
    assert {row["id"]: split for split, part in found.items() for row in part} == splits
    told = {row["id"]: row for row in store.rows().to_pylist()}
    for part in found.values():
        for row in part:
            one = told[row["id"]]
            assert Path(row["audio"]["path"]).read_bytes() == wavs[row["id"]]
            assert row["label"] == (one["label"] or "unlabelled")
            assert row["text"] == one["text"]
            assert row["speaker"] == f"{one['corpus']}/{one['speaker']}"


@pytest.mark.usefixtures("_readable")
def test_without_a_protocol_all_is_one_split(store: merdata.Store, tmp_path: Path) -> None:
    """MELD's ids say train, dev and test; their names must not make splits of them."""
    from datasets import load_dataset

    rows = merdata.export_wav(store, tmp_path / "all", corpora=["meld", "ravdess"])
    found = load_dataset("audiofolder", data_dir=str(tmp_path / "all"), cache_dir=str(tmp_path / "cache"))
    assert {split: len(part) for split, part in found.items()} == {"train": rows[""]}
    assert set(found["train"]["corpus"]) == {"meld", "ravdess"}


@pytest.mark.usefixtures("_readable")
def test_a_split_without_transcripts_can_be_read(corpora: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    shutil.copytree(corpora / "esd", tmp_path / "esd")
    for path in (tmp_path / "esd").rglob("*.txt"):
        path.unlink()
    (tmp_path / "in").mkdir()
    (tmp_path / "esd").rename(tmp_path / "in" / "esd")
    shutil.copytree(corpora / "tess", tmp_path / "in" / "tess")
    merdata.build(["all"], tmp_path / "in", tmp_path / "store")
    store = merdata.open_store(tmp_path / "store")
    assert not any(store.rows(["text"], ["esd"])["text"].to_pylist())
    merdata.split(store.path, "loco")
    merdata.export_wav(store, tmp_path / "out", protocol="loco", fold="tess")
    found = load_dataset("audiofolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(found["test"]["corpus"]) == {"tess"}


def test_an_export_is_whole_or_not_there(store: merdata.Store, tmp_path: Path) -> None:
    copy = merdata.open_store(shutil.copytree(store.path, tmp_path / "store"))
    shard = copy.shards(["tess"])[-1].path
    shard.write_bytes(shard.read_bytes()[:1000])
    with pytest.raises(merdata.StoreError, match="damaged"):
        merdata.export_wav(copy, tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]


def test_a_folder_with_files_is_left_alone(store: merdata.Store, tmp_path: Path) -> None:
    (tmp_path / "kept.txt").write_text("mine")
    done = run("export", "wav", "--out", tmp_path, "--store", store.path)
    assert done.returncode == 2
    assert "already exists: name an empty folder or delete it first" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["kept.txt"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["wav", "--out", "out", "--corpus", "crema"], "no crema (did you mean 'cremad'?); it holds cremad"),
        (["csv", "--out", "out", "--protocol", "loso"], "has no protocol 'loso'"),
        (["csv", "--out", "out", "--protocol", "mer", "--fold", "9"], "has no fold 9"),
        (["csv", "--out", "out", "--fold", "2"], "--fold 2 is of a protocol: add --protocol NAME"),
        (["wav", "--out", "no/such/place", "--store", "nowhere"], "nowhere is not a store"),
    ],
)
def test_what_is_not_there_is_named(
    words: list[str], says: str, store: merdata.Store, tmp_path: Path
) -> None:
    place = [] if "--store" in words else ["--store", store.path]
    done = run("export", *words, *place, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_the_commands_say_what_they_wrote(store: merdata.Store, tmp_path: Path) -> None:
    wav = run(
        "export",
        "wav",
        "--out",
        "wavs",
        "--store",
        store.path,
        "--protocol",
        "mer",
        "--corpus",
        "tess",
        cwd=tmp_path,
    )
    assert wav.stdout == f"wavs/train: {store.corpora['tess']['counts']['stored']} WAV files\n"
    rows = run("export", "csv", "--out", "rows.csv", "--store", store.path, "--corpus", "tess", cwd=tmp_path)
    assert rows.stdout == f"rows.csv: {len(rows_of(tmp_path / 'rows.csv'))} rows\n"
    made = run("export", "croissant", "--store", store.path, "--out", "c.json", cwd=tmp_path)
    assert made.stdout == "c.json\n"


def test_names_are_safe_and_apart() -> None:
    ids = ["meld/dev/dia0", "a/b c", "a/b_c", "A/B_C", "x/../../etc", "x/con", "é/=1", "x/" + "n" * 300]
    names = safe_names(ids, ".wav")
    assert len({name.lower() for name in names.values()}) == len(ids)
    for name in names.values():
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-/.")
        assert ".." not in name
        assert not name.startswith(("/", "."))
        assert max(map(len, name.split("/"))) < 120
    assert names["meld/dev/dia0"] == "meld/ofdev/dia0.wav"
    assert names["x/con"] == "x/ofcon.wav"


def test_csv_has_every_column_and_row(store: merdata.Store, tmp_path: Path) -> None:
    assert merdata.export_csv(store, tmp_path / "rows.csv", protocol="mer") == store.rows(["id"]).num_rows
    found = {row["id"]: row for row in rows_of(tmp_path / "rows.csv")}
    splits = merdata.load_protocol(store, "mer").splits()
    for row in store.rows().to_pylist():
        told = found[row["id"]]
        assert set(told) == {*row, "split"}
        assert told["split"] == splits[row["id"]]
        assert told["label"] == (row["label"] or "")
        assert told["speaker"] == row["speaker"]
        assert json.loads(told["votes"] or "[]") == row["votes"]
        assert json.loads(told["notes"] or "[]") == row["notes"]


@pytest.fixture(scope="module")
def small(corpora: Path, thin_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of few rows of two corpora, for tests that write and read it for each of many words."""
    folder = tmp_path_factory.mktemp("small")
    tess = few_clips(corpora / "tess", folder / "tess")
    merdata.build(["tess"], tess, folder / "store", jobs=0)
    merdata.build(["ravdess"], thin_corpora / "ravdess", folder / "store", jobs=0)
    return folder / "store"


def retold(shard: Path, text: str | None) -> None:
    """Let every row of a shard say something else."""
    table = pq.read_table(shard)
    column = pa.array([text] * len(table), pa.string())
    pq.write_table(table.set_column(table.column_names.index("text"), "text", column), shard)


HOSTILE = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1"]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_cell_is_a_formula(text: str) -> None:
    from merdata.export.spreadsheet import _cell

    assert _cell(text) == f"'{text}"


def test_what_merely_holds_a_sign_is_untouched() -> None:
    from merdata.export.spreadsheet import _cell

    assert [_cell(one) for one in ("a=1", -0.5, "", None, "It's")] == ["a=1", -0.5, "", None, "It's"]


WORDS = ["None", "NA", "null", "nan", "N/A", "<NA>", "NaN", "n/a", "-nan", "01", "1.50", "TRUE", "2020-01-01"]


def test_pandas_takes_no_more_words_for_missing_values() -> None:
    from pandas._libs.parsers import STR_NA_VALUES

    from merdata.export.spreadsheet import MISSING

    assert STR_NA_VALUES - {""} == MISSING


@pytest.mark.parametrize("text", WORDS)
def test_a_transcript_that_looks_like_a_missing_value_survives_csv(
    text: str, small: Path, tmp_path: Path
) -> None:
    import pandas as pd

    copy = merdata.open_store(shutil.copytree(small, tmp_path / "store"))
    for number, shard in enumerate(copy.shards(["tess"])):
        retold(shard.path, text if number else "Say the word.")
    rows = merdata.export_csv(copy, tmp_path / "rows.csv", corpora=["tess"])
    texts = pd.read_csv(tmp_path / "rows.csv")["text"]
    assert texts.notna().sum() == rows
    assert set(texts.str.removeprefix("'")) == {text, "Say the word."}


@pytest.mark.usefixtures("_readable")
@pytest.mark.parametrize("text", WORDS)
def test_a_transcript_that_looks_like_a_missing_value_survives_audiofolder(
    text: str, small: Path, tmp_path: Path
) -> None:
    from datasets import load_dataset

    copy = merdata.open_store(shutil.copytree(small, tmp_path / "store"))
    for shard in copy.shards(["tess"]):
        retold(shard.path, text)
    merdata.export_wav(copy, tmp_path / "out", corpora=["tess"])
    read = load_dataset("audiofolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert set(read["train"]["text"]) == {text}


@pytest.mark.usefixtures("_readable")
@pytest.mark.parametrize("text", ["", " \u200e\u00a0", None])
def test_an_empty_transcript_is_missing(text: str | None, small: Path, tmp_path: Path) -> None:
    from datasets import load_dataset

    copy = merdata.open_store(shutil.copytree(small, tmp_path / "store"))
    for shard in copy.shards(["tess"]):
        retold(shard.path, text)
    merdata.export_wav(copy, tmp_path / "out", corpora=["tess", "ravdess"])
    merdata.export_csv(copy, tmp_path / "rows.csv", corpora=["tess"])
    read = load_dataset("audiofolder", data_dir=str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    told = {row["id"]: row["text"] for row in read["train"].remove_columns("audio")}
    assert {told[id] for id in told if id.startswith("tess")} == {None}
    assert None not in {told[id] for id in told if id.startswith("ravdess")}
    assert {row["text"] for row in rows_of(tmp_path / "rows.csv")} == {""}


def test_a_transcript_cannot_be_run(small: Path, tmp_path: Path) -> None:
    copy = merdata.open_store(shutil.copytree(small, tmp_path / "store"))
    for shard in copy.shards(["tess"]):
        retold(shard.path, HOSTILE[0])
    merdata.export_csv(copy, tmp_path / "rows.csv", corpora=["tess"])
    assert {row["text"] for row in rows_of(tmp_path / "rows.csv")} == {f"'{HOSTILE[0]}"}


def test_croissant_is_valid_and_its_records_are_the_rows(store: merdata.Store, tmp_path: Path) -> None:
    import mlcroissant

    copy = merdata.open_store(shutil.copytree(store.path, tmp_path / "store"))
    path = merdata.export_croissant(copy)
    assert path == copy.path / "croissant.json"
    dataset = mlcroissant.Dataset(str(path))
    assert not dataset.metadata.ctx.issues.errors
    first = path.read_bytes()
    assert merdata.export_croissant(copy).read_bytes() == first
    records = {row["utterances/id"].decode(): row for row in dataset.records("utterances")}
    wavs = wavs_of(store)
    assert records.keys() == wavs.keys()
    classes = {row["classes/index"]: row["classes/name"] for row in dataset.records("classes")}
    for row in store.rows().to_pylist():
        found = records[row["id"]]
        assert found["utterances/audio"] == wavs[row["id"]]
        assert (found["utterances/text"] or b"").decode() == (row["text"] or "")
        if row["label"]:
            assert classes[found["utterances/label"]] == row["label"]


def test_croissant_names_every_shard_with_its_hash(store: merdata.Store, tmp_path: Path) -> None:
    made = json.loads(merdata.export_croissant(store, tmp_path / "c.json").read_text())
    hashes = {one["contentUrl"]: one["sha256"] for one in made["distribution"] if "sha256" in one}
    assert hashes == {shard.relative: plugin.file_sha256(shard.path) for shard in store.shards()}
    for name in ("dataCollection", "dataBiases", "dataLimitations", "personalSensitiveInformation"):
        assert made[f"rai:{name}"]
    assert str(store.path) not in json.dumps(made)


def test_rows_that_a_fold_leaves_out_are_not_exported(store: merdata.Store, tmp_path: Path) -> None:
    copy = merdata.open_store(shutil.copytree(store.path, tmp_path / "store"))
    protocol = merdata.load_protocol(copy, "mer")
    kept = dict(sorted(protocol.splits().items())[:40])
    keep_protocol(copy, make_protocol("mer", kept, protocol.properties))
    assert sum(merdata.export_wav(copy, tmp_path / "out", protocol="mer").values()) == 40
    assert len(list((tmp_path / "out").rglob("*.wav"))) == 40
    merdata.export_csv(copy, tmp_path / "rows.csv", protocol="mer")
    assert sum(row["split"] != "" for row in rows_of(tmp_path / "rows.csv")) == 40
