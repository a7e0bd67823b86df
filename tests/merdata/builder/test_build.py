"""From folders to a store: every row in one state, same bytes, nothing lost by a kill."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest
import soundfile

import merdata
from merdata.builder.build import build
from merdata.builder.plan import choose, foresee, make_plan
from merdata.builder.space import bytes_needed
from merdata.corpora.miniature import miniatures
from merdata.errors import CorpusNotFound, LayoutError, MerdataError, PolicyError, StoreError
from merdata.store.ledger import LEDGER_SCHEMA
from merdata.store.store import open_store
from tests.crash.scene import files as digest
from tests.merdata.cli.command import cli

MERDATA = [sys.executable, "-c", "from merdata.cli.app import main; main()"]


@pytest.fixture(scope="module")
def undisturbed(thin_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    store = tmp_path_factory.mktemp("undisturbed") / "store"
    build(["all"], thin_corpora, store, jobs=0)
    return digest(store)


def test_every_discovered_row_is_in_one_state(store: merdata.Store) -> None:
    for corpus, facts in store.corpora.items():
        ledger = store.ledger(corpus)
        assert ledger.schema.equals(LEDGER_SCHEMA)
        rows = ledger.to_pylist()
        assert len({row["id"] for row in rows}) == len(rows)
        assert {row["state"] for row in rows} <= {"stored", "silenced", "dropped"}
        assert all(row["reason"] for row in rows if row["state"] != "stored")
        counts = facts["counts"]
        assert counts["discovered"] == sum(
            [counts["stored"], *counts["silenced"].values(), *counts["dropped"].values()]
        )
        in_store = set(store.rows(["id"], [corpus])["id"].to_pylist())
        assert in_store == {row["id"] for row in rows if row["state"] != "dropped"}


def test_planted_faults_are_dropped_by_name(store: merdata.Store) -> None:
    reasons = {
        corpus: {row["reason"] for row in store.ledger(corpus).to_pylist() if row["state"] == "dropped"}
        for corpus in store.corpora
    }
    assert reasons["meld"] == {"missing", "undecodable", "stray"}
    assert reasons["cremad"] == {"silent"}
    assert reasons["ravdess"] == reasons["tess"] == set()


def test_identical_audio_under_two_labels_is_counted(store: merdata.Store) -> None:
    assert store.corpora["cremad"]["counts"]["conflicts"] == 1
    assert len(store.corpora["ravdess"]["counts"]["same_audio"]) == 1


def test_audio_in_the_store_is_16_khz_mono_with_a_44_byte_header(store: merdata.Store) -> None:
    for shard in store.shards():
        for row in pq.read_table(shard.path, columns=["audio", "seconds"]).slice(0, 3).to_pylist():
            data = row["audio"]["bytes"]
            facts = soundfile.info(io.BytesIO(data))
            assert (facts.samplerate, facts.channels, facts.subtype) == (16_000, 1, "PCM_16")
            assert len(data) == 44 + 2 * facts.frames
            assert row["seconds"] == pytest.approx(facts.frames / 16_000, abs=1e-4)


def test_manifest_fingerprints_every_shard(store: merdata.Store) -> None:
    for shard in store.shards():
        assert hashlib.sha256(shard.path.read_bytes()).hexdigest() == shard.sha256
        assert pq.read_metadata(shard.path).num_rows == shard.rows


@pytest.mark.parametrize("jobs", [1, 4])
def test_any_number_of_jobs_gives_the_same_bytes(
    jobs: int, thin_corpora: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    build(["all"], thin_corpora, tmp_path / "store", jobs=jobs)
    assert digest(tmp_path / "store") == undisturbed


def test_corpora_one_by_one_give_the_same_bytes(
    thin_corpora: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    for corpus in reversed(miniatures()):
        build([corpus], thin_corpora / corpus, tmp_path / "store", jobs=0)
    assert digest(tmp_path / "store") == undisturbed


def test_place_locale_and_hash_seed_do_not_matter(
    thin_corpora: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    environment = os.environ | {"LC_ALL": "C", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}
    words = ["build", "--corpus", "all", "--source", thin_corpora]
    done = subprocess.run([*MERDATA, *words], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert digest(tmp_path / "store") == undisturbed


def test_a_killed_build_goes_on_to_the_same_bytes(
    thin_corpora: Path, undisturbed: dict[str, str], tmp_path: Path
) -> None:
    words = [
        "build",
        "--corpus",
        "all",
        "--source",
        str(thin_corpora),
        "--store",
        str(tmp_path / "store"),
        "--jobs",
        "1",
    ]
    kills = 0
    for after in (1, 2, 4, 8):
        process = subprocess.Popen([*MERDATA, *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        journals = tmp_path / "store" / ".build" / "journal"
        while process.poll() is None and len(list(journals.rglob("*.parquet"))) < after:
            time.sleep(0.002)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.wait()
        assert not (tmp_path / "store" / "merdata.json").exists()
    assert kills == 4
    report = build(["all"], thin_corpora, tmp_path / "store")
    assert report.kept >= 8
    assert digest(tmp_path / "store") == undisturbed
    assert not list((tmp_path / "store").rglob("*.part"))


def test_a_killed_build_leaves_no_worker(corpora: Path, tmp_path: Path) -> None:
    words = ["build", "--corpus", "all", "--source", corpora, "--store", tmp_path / "store", "--jobs", "2"]
    build = subprocess.Popen([sys.executable, "-m", "merdata", *words], stderr=subprocess.DEVNULL)
    while not any((tmp_path / "store").glob(".build/journal/*/*.parquet")):
        assert build.poll() is None
        time.sleep(0.01)
    others = psutil.Process(build.pid).children(recursive=True)
    build.kill()
    build.wait()
    assert len(others) >= 3  # a fork server and two workers
    assert psutil.wait_procs(others, timeout=10)[1] == []


def test_a_first_build_killed_at_its_last_write_goes_on(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / ".build").mkdir()
    (tmp_path / ".merdata.json.4711.part").write_text("{")
    build(["tess"], corpora / "tess", tmp_path, jobs=0)
    assert not list(tmp_path.glob(".*.part"))


def test_nothing_changed_nothing_made(corpora: Path, tmp_path: Path) -> None:
    build(["ravdess"], corpora / "ravdess", tmp_path / "store")
    again = build(["ravdess"], corpora / "ravdess", tmp_path / "store")
    assert (again.made, again.kept) == (8, 0) or again.made == 0
    assert again.made == 0


def test_one_changed_source_rebuilds_one_shard(corpora: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(corpora / "ravdess", tmp_path / "ravdess")
    build(["ravdess"], folder, tmp_path / "store")
    source = folder / "Actor_01" / "03-01-01-01-01-01-01.wav"
    samples, rate = soundfile.read(source)
    soundfile.write(source, samples / 2, rate)
    assert build(["ravdess"], folder, tmp_path / "store").made == 1
    build(["ravdess"], folder, tmp_path / "fresh")
    assert digest(tmp_path / "store") == digest(tmp_path / "fresh")


def test_a_changed_policy_rewrites_labels_without_decoding(
    corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build(["ravdess"], corpora / "ravdess", tmp_path / "store", jobs=0)
    heard: list[object] = []
    monkeypatch.setattr("merdata.audio.clip.normalise", lambda *words: heard.append(words))
    build(
        ["ravdess"], corpora / "ravdess", tmp_path / "store", policy=["calm=drop", "fearful=sadness"], jobs=0
    )
    monkeypatch.undo()
    assert not heard
    build(
        ["ravdess"], corpora / "ravdess", tmp_path / "fresh", policy=["calm=drop", "fearful=sadness"], jobs=0
    )
    assert digest(tmp_path / "store") == digest(tmp_path / "fresh")
    rows = open_store(tmp_path / "store").rows(["raw_label", "label", "notes"]).to_pylist()
    assert {row["label"] for row in rows if row["raw_label"] == "fearful"} == {"sadness"}
    assert all(
        "label policy: fearful -> sadness" in row["notes"] for row in rows if row["raw_label"] == "fearful"
    )
    assert not any(row["raw_label"] == "calm" for row in rows)


def test_decisions_are_noted_on_the_row_even_by_default(store: merdata.Store) -> None:
    rows = store.rows(["raw_label", "notes"], ["ravdess"]).to_pylist()
    noted = {
        row["raw_label"] for row in rows if any(note.startswith("label policy") for note in row["notes"])
    }
    assert noted == {"calm"}
    assert store.corpora["ravdess"]["policy"]["calm"] == "neutral"


def test_rows_that_a_policy_drops_are_in_the_ledger_with_their_hash(corpora: Path, tmp_path: Path) -> None:
    build(["tess"], corpora / "tess", tmp_path / "store", policy=["ps=drop"])
    dropped = [
        row for row in open_store(tmp_path / "store").ledger("tess").to_pylist() if row["state"] == "dropped"
    ]
    assert dropped
    for row in dropped:
        assert (row["raw_label"], row["label"], row["reason"]) == ("ps", None, "label")
        source = (corpora / "tess" / row["source"]).read_bytes()
        assert row["source_sha256"] == hashlib.sha256(source).hexdigest()


def test_bad_audio_can_be_kept_as_silence(corpora: Path, tmp_path: Path) -> None:
    report = build(["meld"], corpora / "meld", tmp_path / "store", on_bad_audio="silence")
    (counts,) = report.counts
    assert counts.silenced == {"missing": 1, "undecodable": 1}
    assert counts.stored + 2 == counts.discovered
    rows = open_store(tmp_path / "store").rows(["seconds", "notes"]).to_pylist()
    silenced = [row for row in rows if any(note.startswith("audio silenced: ") for note in row["notes"])]
    assert [row["seconds"] for row in silenced] == [0.5, 0.5]


def test_a_duplicate_is_checked_by_its_bytes(corpora: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(corpora / "ravdess", tmp_path / "ravdess")
    second = shutil.copytree(folder / "Actor_01", folder / "again" / "Actor_01")
    changed = second / "03-01-01-01-01-01-01.wav"
    changed.write_bytes(changed.read_bytes()[:-2] + b"\1\1")
    with pytest.raises(LayoutError, match=r"different bytes: .*again/Actor_01/03-01-01-01-01-01-01\.wav"):
        build(["ravdess"], folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()
    chosen = ["ravdess.prefer=again"]
    (counts,) = build(["ravdess"], folder, tmp_path / "store", options=chosen).counts
    duplicates = [
        row
        for row in open_store(tmp_path / "store").ledger("ravdess").to_pylist()
        if row["reason"] == "duplicate"
    ]
    assert counts.others == {"duplicate": len(duplicates)}
    assert sum("OTHER BYTES" in row["detail"] for row in duplicates) == 1
    assert sum("the same bytes" in row["detail"] for row in duplicates) == len(duplicates) - 1


def test_links_that_leave_the_corpus_are_refused(corpora: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(corpora / "tess", tmp_path / "tess")
    source = next(folder.rglob("OAF_*_sad.wav"))
    outside = tmp_path / "outside.wav"
    source.rename(outside)
    source.symlink_to(outside)
    (counts,) = build(["tess"], folder, tmp_path / "store").counts
    assert counts.dropped == {"outside": 1}


def test_a_dry_run_writes_nothing(corpora: Path, tmp_path: Path) -> None:
    done = cli("build", "--corpus", "all", "--source", corpora, "--dry-run", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert list(tmp_path.iterdir()) == []
    plan = json.loads(done.stdout)
    assert plan == foresee(make_plan(choose(["all"], corpora), Path("store")))
    foreseen = {one["corpus"]: one for one in plan["corpora"]}
    assert plan["totals"]["total"] == sum(one["discovered"] for one in plan["corpora"])
    assert foreseen["meld"]["states"]["missing audio"] == 1
    assert foreseen["tess"]["labels"]["ps"] == {"surprise": foreseen["tess"]["discovered"] // 7}
    assert set(foreseen["tess"]["speakers"]) == {"OAF", "YAF"}


FAULTS = {
    "no such folder": (["ravdess"], "nowhere", {}, CorpusNotFound, "nowhere does not exist"),
    "no such corpus": (["ravdesss"], None, {}, CorpusNotFound, "did you mean 'ravdess'"),
    "no shelf": (["all"], "nowhere", {}, CorpusNotFound, "nowhere does not exist"),
    "nothing for all": (["all"], "tess", {}, CorpusNotFound, "has no folder named after a corpus"),
    "wrong corpus": (["ravdess"], "tess", {}, LayoutError, "looks like tess"),
    "unknown policy": (["ravdess"], "ravdess", {"policy": ["clam=joy"]}, PolicyError, "did you mean 'calm'"),
    "unknown handling": (["ravdess"], "ravdess", {"on_bad_audio": "keep"}, StoreError, "drop or silence"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_bad_input_writes_nothing(fault: str, corpora: Path, tmp_path: Path) -> None:
    names, source, options, kind, says = FAULTS[fault]
    with pytest.raises(kind, match=says):
        build(names, corpora / source if source else None, tmp_path / "store", **options)
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_a_newer_format_is_left_alone(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "merdata.json").write_text('{"format": 99}')
    with pytest.raises(StoreError, match="upgrade merdata"):
        build(["tess"], corpora / "tess", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["merdata.json"]


def test_a_folder_that_is_no_store_is_left_alone(corpora: Path, tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("")
    with pytest.raises(StoreError, match="is not a store"):
        build(["tess"], corpora / "tess", tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root writes everywhere")
def test_no_permission_is_one_sentence(corpora: Path, tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o555)
    words = ["build", "--corpus", "tess", "--source", str(corpora / "tess"), "--store", str(locked / "store")]
    if os.geteuid() == 0:  # drop the capability that lets root write
        command = [
            "setpriv",
            "--bounding-set",
            "-dac_override",
            "--inh-caps",
            "-dac_override",
            *MERDATA,
            *words,
        ]
    else:
        command = [*MERDATA, *words]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 2, done.stderr
    assert "Permission denied" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_two_builders_do_not_meet(corpora: Path, tmp_path: Path) -> None:
    from merdata.store.commit import locked

    with locked(tmp_path / "store"), pytest.raises(StoreError, match="another merdata is writing"):
        build(["tess"], corpora / "tess", tmp_path / "store", jobs=0)


def test_a_second_builder_can_wait(corpora: Path, tmp_path: Path) -> None:
    from merdata.store.commit import locked

    words = [
        "build",
        "--corpus",
        "tess",
        "--source",
        corpora / "tess",
        "--store",
        tmp_path / "store",
        "--wait",
    ]
    with locked(tmp_path / "store"):
        second = subprocess.Popen(
            [*MERDATA, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        assert second.stderr is not None
        assert b"waiting for another merdata" in second.stderr.readline()
        assert not (tmp_path / "store" / "data").exists()
    second.communicate()
    assert second.returncode == 0
    assert open_store(tmp_path / "store").corpora.keys() == {"tess"}


def test_the_lock_of_a_killed_builder_is_free(corpora: Path, tmp_path: Path) -> None:
    code = (
        "import sys, time; from pathlib import Path; from merdata.store.commit import locked\n"
        "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, tmp_path / "store"], stdout=subprocess.PIPE)
    assert holder.stdout is not None
    assert holder.stdout.readline() == b"held\n"
    with pytest.raises(StoreError, match="another merdata is writing"):
        build(["tess"], corpora / "tess", tmp_path / "store", jobs=0)
    holder.kill()
    holder.communicate()
    assert build(["tess"], corpora / "tess", tmp_path / "store", jobs=0).made == 2


def test_the_disk_that_a_build_needs_is_estimated(
    store: merdata.Store, corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folders = [store.path / "data", store.path / "ledger", store.path / ".build"]
    taken = sum(path.stat().st_size for folder in folders for path in folder.rglob("*.parquet"))
    assert bytes_needed(make_plan(choose(["all"], corpora), tmp_path).tasks) == pytest.approx(taken, rel=0.2)
    build(["tess"], corpora / "tess", tmp_path / "full", jobs=0)
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    with pytest.raises(StoreError, match=r"needs about [3-9] MB .*, and 1 MB are free"):
        build(["tess"], corpora / "tess", tmp_path / "other", jobs=0)
    assert not (tmp_path / "other" / "data").exists()
    assert build(["tess"], corpora / "tess", tmp_path / "full", jobs=0).made == 0  # needs nothing


def test_an_unlabelled_row_is_kept_without_a_class(corpora: Path, tmp_path: Path) -> None:
    build(["tess"], corpora / "tess", tmp_path / "store", policy=["ps=keep"])
    rows = open_store(tmp_path / "store").rows(["raw_label", "label"]).to_pylist()
    assert {row["label"] for row in rows if row["raw_label"] == "ps"} == {None}


def test_building_stops_at_once_on_an_unknown_label(tmp_path: Path, corpora: Path) -> None:
    folder = shutil.copytree(corpora / "meld", tmp_path / "meld")
    csv = folder / "train_sent_emo.csv"
    csv.write_text(csv.read_text().replace(",neutral,", ",bored,", 1))
    with pytest.raises(MerdataError, match="unknown raw label 'bored'"):
        build(["meld"], folder, tmp_path / "store")
    assert not (tmp_path / "store").exists()


def test_a_script_without_a_guard_is_told_so(corpora: Path, tmp_path: Path) -> None:
    script = tmp_path / "script.py"
    script.write_text(
        "import merdata\n"
        f"merdata.build(['ravdess'], {str(corpora / 'ravdess')!r}, {str(tmp_path / 'store')!r}, jobs=2)\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode != 0
    assert 'calls merdata without `if __name__ == "__main__":`' in done.stderr


def pointers(corpora: Path, folder: Path) -> Path:
    """A corpus as git clones it without git-lfs: no file has audio."""
    copy = shutil.copytree(corpora / "tess", folder)
    for path in copy.rglob("*.wav"):
        path.write_text(
            f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize {path.stat().st_size}\n"
        )
    return copy


def test_a_first_build_that_stores_no_row_fails_and_leaves_no_store(corpora: Path, tmp_path: Path) -> None:
    folder = pointers(corpora, tmp_path / "tess")
    rows = len(list(folder.rglob("*.wav")))
    done = cli("build", "--corpus", "tess", "--source", folder, "--store", tmp_path / "store")
    assert (done.returncode, done.stdout) == (3, "")
    assert len(done.stderr.strip().splitlines()) == 1
    assert f"none of the {rows} rows of tess can be stored ({rows} lfs-pointer)" in done.stderr
    assert "git lfs pull" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["tess"]


def test_a_corpus_without_its_audio_is_told_how_its_texts_are_kept(corpora: Path, tmp_path: Path) -> None:
    copy = shutil.copytree(corpora / "meld", tmp_path / "meld", ignore=shutil.ignore_patterns("*.mp4"))
    words = ["build", "--corpus", "meld", "--source", copy, "--store", tmp_path / "store"]
    done = cli(*words)
    assert done.returncode == 3
    assert "keep the texts with half a second of silence: --on-bad-audio silence" in done.stderr
    assert cli(*words, "--on-bad-audio", "silence").returncode == 0


def test_rows_that_are_kept_with_silence_are_stored(corpora: Path, tmp_path: Path) -> None:
    folder = pointers(corpora, tmp_path / "tess")
    (counts,) = build(["tess"], folder, tmp_path / "store", on_bad_audio="silence").counts
    assert counts.stored == 0
    assert counts.silenced == {"lfs-pointer": len(list(folder.rglob("*.wav")))}
    assert len(open_store(tmp_path / "store").rows(["id"])) == counts.discovered


def test_a_policy_that_drops_every_row_is_named(corpora: Path, tmp_path: Path) -> None:
    labels = ["angry", "disgust", "fear", "happy", "neutral", "ps", "sad"]
    with pytest.raises(merdata.IncompleteError, match=r"140 label\), as tess/.*gives '\w+' no class"):
        build(["tess"], corpora / "tess", tmp_path / "store", policy=[f"{name}=drop" for name in labels])
    assert list(tmp_path.iterdir()) == []


def test_one_empty_corpus_leaves_the_store_as_it_was(corpora: Path, tmp_path: Path) -> None:
    shelf = tmp_path / "corpora"
    shutil.copytree(corpora / "ravdess", shelf / "ravdess")
    folder = pointers(corpora, shelf / "tess")
    with pytest.raises(merdata.IncompleteError, match="build ravdess without it"):
        build(["all"], shelf, tmp_path / "store", jobs=0)
    assert not (tmp_path / "store" / "merdata.json").exists()
    assert (
        build(["ravdess"], shelf / "ravdess", tmp_path / "store", jobs=0).made == 0
    )  # made by the first try
    build(["tess"], corpora / "tess", tmp_path / "store", jobs=0)
    before = digest(tmp_path / "store")
    with pytest.raises(merdata.IncompleteError):
        build(["tess"], folder, tmp_path / "store", jobs=0)
    assert digest(tmp_path / "store") == before
    assert merdata.verify(tmp_path / "store", jobs=0).faults == []
