"""Sources and stores at URLs: a real S3 server on the loopback, and a store in the memory of one process."""

from __future__ import annotations

import hashlib
import logging
import os
import platform
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from importlib import import_module
from io import BytesIO
from pathlib import Path
from threading import Thread
from typing import Any
from zlib import crc32

import pytest
import s3fs
import yaml
from moto.moto_server.werkzeug_app import create_backend_app
from upath import UPath
from werkzeug.serving import WSGIRequestHandler, make_server
from werkzeug.test import run_wsgi_app

import merdata
from merdata.audio import decoders
from merdata.builder import build as builder
from merdata.builder.build import build
from merdata.builder.source import read_source
from merdata.cli.command import run_app
from merdata.errors import MerdataError, RemoteError, StoreError
from merdata.io.places import fetch, is_remote, listing, on_this_machine, place, replace_version, version
from merdata.store.commit import locked
from merdata.store.manifest import read_manifest, write_manifest
from tests.fake_hub import FakeHub, Repo
from tests.merdata.builder.test_build import MERDATA, digest

BUCKET = "speech"
POLICY = ["disgust=anger"]
WRITES = ("put_object", "delete_object", "delete_objects")
STRIDE = int(os.environ.get("MERDATA_TEST_STRIDE", "20"))


class Handler(WSGIRequestHandler):
    """One connection for many requests: werkzeug's own closes it after each."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def run_wsgi(self) -> None:
        environ = self.make_environ()
        if length := int(self.headers.get("Content-Length", 0)):
            environ["wsgi.input"] = BytesIO(self.rfile.read(length))  # all of it, whatever the answer is
        pieces, status, headers = run_wsgi_app(self.server.app, environ, buffered=True)
        body = b"".join(pieces)
        headers.setdefault("Content-Length", str(len(body)))
        self.send_response(int(status.split()[0]))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


@pytest.fixture(scope="module", autouse=True)
def server() -> Iterator[None]:
    """An S3 server, and the environment that leads there: nothing of the user's own AWS account."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, create_backend_app("s3"), True, request_handler=Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    ours = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
        "AWS_ACCESS_KEY_ID": "loopback",
        "AWS_SECRET_ACCESS_KEY": "loopback",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in ours.items():
            patch.setenv(name, value)
        s3fs.S3FileSystem.clear_instance_cache()
        yield
    server.shutdown()
    s3fs.S3FileSystem.clear_instance_cache()


@pytest.fixture(scope="module")
def s3() -> s3fs.S3FileSystem:
    fs = s3fs.S3FileSystem(use_listings_cache=False)
    fs.mkdir(BUCKET)
    return fs


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A few clips of three corpora: names alone, csv files beside, a video container."""
    shelf = tmp_path_factory.mktemp("shelf") / "corpora"
    for name, few in (("ravdess", 2), ("tess", 1), ("meld", 2)):
        in_folder: Counter[Path] = Counter()
        for file in import_module(f"merdata.corpora.{name}.sample").plan(0, None):
            path = shelf / name / file.path
            in_folder[path.parent] += path.suffix != ".csv"
            if in_folder[path.parent] <= few:
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(file.make())
    return shelf


@pytest.fixture(scope="module")
def source(shelf: Path, s3: s3fs.S3FileSystem) -> str:
    s3.put(str(shelf), f"{BUCKET}/corpora", recursive=True)
    return f"s3://{BUCKET}/corpora"


@pytest.fixture(scope="module")
def here(shelf: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The store as a build on this machine makes it, split. Read only."""
    store = tmp_path_factory.mktemp("here") / "store"
    build(["all"], shelf, store, jobs=0)
    merdata.split(store)
    return store


@pytest.fixture(scope="module")
def there(source: str) -> str:
    """The same, from S3 to S3. Read only."""
    store = f"s3://{BUCKET}/store"
    build(["all"], source, store, jobs=2)
    merdata.split(store)
    return store


@pytest.fixture
def copy(there: str, s3: s3fs.S3FileSystem) -> Iterator[str]:
    """A copy of the store on S3, to be changed."""
    s3.copy(there, f"{BUCKET}/copy", recursive=True)
    yield f"s3://{BUCKET}/copy"
    s3.rm(f"{BUCKET}/copy", recursive=True)


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """What this process asks of S3, as it is: requests by kind, bytes by `read KEY`."""
    counts: Counter[str] = Counter()
    call = s3fs.S3FileSystem._call_s3

    async def counted(self: Any, method: str, *args: Any, **words: Any) -> Any:
        answer = await call(self, method, *args, **words)
        counts[method] += 1
        if method == "get_object":
            counts[f"read {words['Key']}"] += answer["ContentLength"]
        return answer

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", counted)
    return counts


def files(store: str) -> dict[str, bytes]:
    """The files of a store on S3, without the working folders."""
    path = place(store)
    names = [name for name in listing(path) if not name.startswith((".build/", ".cache/"))]
    return {name: fetch(path / name) for name in names}


def test_a_store_on_s3_has_the_bytes_of_one_on_this_machine(here: Path, there: str) -> None:
    ours = {name: (here / name).read_bytes() for name in digest(here) if not name.startswith(".cache")}
    assert files(there) == ours
    assert merdata.verify(there, deep=True, jobs=0) == merdata.verify(here, deep=True, jobs=1)


def test_a_second_build_decodes_nothing(source: str, copy: str, asked: Counter[str]) -> None:
    report = build(["all"], source, copy)
    assert report.made == 0 < report.kept
    assert not [key for key in asked if key.startswith("read corpora/") and key.endswith((".wav", ".mp4"))]


def test_a_changed_source_rebuilds_its_shard_alone(shelf: Path, source: str, copy: str, s3: Any) -> None:
    one, other = sorted((shelf / "ravdess" / "Actor_03").iterdir())[:2]
    key = f"{BUCKET}/corpora/ravdess/Actor_03/{one.name}"
    s3.put_file(str(other), key)
    try:
        report = build(["all"], source, copy, jobs=0)
    finally:
        s3.put_file(str(one), key)
    assert report.made == 1
    assert merdata.verify(copy, jobs=0).faults == []


def test_other_labels_need_no_source(
    shelf: Path, source: str, copy: str, asked: Counter[str], tmp_path: Path
) -> None:
    build(["ravdess"], f"{source}/ravdess", copy, policy=POLICY, jobs=0)
    assert not [key for key in asked if key.startswith("read corpora/")]
    build(["all"], shelf, tmp_path / "store", jobs=0)
    build(["ravdess"], shelf / "ravdess", tmp_path / "store", policy=POLICY, jobs=0)
    found = merdata.diff(copy, tmp_path / "store")
    assert (found.added.rows, found.removed.rows, found.changed) == (0, 0, {})


def test_what_a_new_store_does_not_name_stays_for_a_day(source: str, copy: str) -> None:
    before = merdata.open_store(copy)
    build(["ravdess"], f"{source}/ravdess", copy, policy=POLICY, jobs=0)
    assert len(before.rows(["id"])) == len(merdata.open_store(copy).rows(["id"]))  # a reader of the old one
    assert merdata.verify(copy, jobs=0).faults == []


def test_a_killed_build_goes_on_on_any_machine(source: str, s3: s3fs.S3FileSystem, here: Path) -> None:
    store, jobs = f"s3://{BUCKET}/killed", 2
    words = [*MERDATA, "build", "--corpus", "all", "--source", source, "--store", store, "--jobs", str(jobs)]
    builder = subprocess.Popen(words, start_new_session=True)
    while builder.poll() is None and len(listing(UPath(f"{store}/.build/journal"))) < 3:
        time.sleep(0.02)
    os.killpg(builder.pid, signal.SIGKILL)
    assert builder.wait() == -signal.SIGKILL
    assert read_manifest(UPath(store)) is None
    shards, journals = (listing(UPath(f"{store}/{part}")) for part in ("data", ".build/journal"))
    assert len(journals) >= 3
    assert len(shards) - len(journals) <= jobs  # made, and not known to be
    report = build(["all"], source, store, jobs=2)
    assert (report.kept, report.made > 0) == (len(journals), True)
    merdata.split(store)
    assert files(store) == {name: (here / name).read_bytes() for name in files(store)}
    s3.rm(f"{BUCKET}/killed", recursive=True)


def test_scratch_files_of_a_killed_process_are_removed(
    source: str, copy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    machine = f"{crc32(platform.node().encode()):08x}"
    ours, others = (
        f"merdata-{machine}-{os.getpid()}-x",
        f"merdata-00000000-{dead.pid}-x",
    )  # TMPDIR may be shared
    for name in (ours, others, f"merdata-{machine}-{dead.pid}-x"):
        (tmp_path / name).mkdir()
    build(["tess"], f"{source}/tess", copy, jobs=0)
    assert {path.name for path in tmp_path.iterdir()} == {ours, others}


def test_the_second_of_two_builders_is_refused(
    source: str, copy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def and_meanwhile_another(*words: Any) -> None:
        monkeypatch.undo()
        build(["ravdess"], f"{source}/ravdess", copy, policy=POLICY, jobs=0)
        builder.build_shards(*words)

    monkeypatch.setattr(builder, "build_shards", and_meanwhile_another)
    with pytest.raises(StoreError, match="another merdata"):
        build(["tess"], f"{source}/tess", copy, policy=["fear=drop"], jobs=0)
    assert merdata.verify(copy, jobs=0).faults == []
    facts = merdata.open_store(copy).corpora
    assert facts["ravdess"]["policy"]["disgust"] == "anger" != facts["tess"]["policy"]["disgust"]


def test_s3_itself_refuses_what_was_made_of_an_older_state(copy: str) -> None:
    store = UPath(copy)
    old = read_manifest(store) or {}
    before = version(store / "merdata.json")
    write_manifest(store, old | {"merdata": "other"})
    with pytest.raises(StoreError, match="another merdata wrote"):
        write_manifest(store, old | {"merdata": "third"})
    for expected in (before, None):
        with pytest.raises((OSError, RemoteError)):
            replace_version(store / "merdata.json", b"", expected)
    assert (read_manifest(store) or {})["merdata"] == "other"


def test_load_gives_the_splits(here: Path, there: str) -> None:
    ours, theirs = merdata.load(here, decode=False), merdata.load(there, decode=False)
    assert {name: part["id"] for name, part in theirs.items()} == {
        name: part["id"] for name, part in ours.items()
    }
    merdata.split(there, "speaker", corpora=["ravdess"])
    part = merdata.load(there, protocol="ravdess_speaker", corpora=["ravdess"])["train"]
    assert part[0]["audio"]["array"].dtype == "float32"
    assert set(part["corpus"]) == {"ravdess"}


def test_only_what_is_asked_for_travels(there: str, asked: Counter[str]) -> None:
    store = merdata.open_store(there)
    largest = max(store.shards(), key=lambda shard: shard.rows)
    asked.clear()
    store.rows_of(largest, ["id", "label"])
    key = f"store/{largest.relative}"
    assert 0 < asked[f"read {key}"] < UPath(largest.path).stat().st_size / 3
    assert asked["get_object"] <= 4


def test_a_listing_tells_sizes_without_a_request_a_file(source: str, asked: Counter[str]) -> None:
    from merdata.builder.plan import choose, foresee, make_plan

    asked.clear()
    plan = make_plan(choose(["ravdess"], f"{source}/ravdess"), place(f"s3://{BUCKET}/none"))
    assert foresee(plan)["totals"]
    assert all(row.size for row in plan.rows("ravdess"))
    assert sum(asked[kind] for kind in ("head_object", "get_object", "list_objects_v2")) <= 2


def test_verify_finds_what_was_altered_or_deleted(copy: str, s3: s3fs.S3FileSystem) -> None:
    one, other = merdata.open_store(copy).shards()[:2]
    s3.pipe_file(str(one.path), b"PAR1 no more")
    s3.rm_file(str(other.path))
    faults = merdata.verify(copy, jobs=0).faults
    assert len(faults) == 2
    assert one.relative in faults[0]
    assert other.relative in faults[1]


def test_every_command_takes_a_url(copy: str, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words in (
        ["split", copy, "--protocol", "loco"],
        ["audit", copy, "--protocol", "mer", "--jobs", "0"],
        ["verify", copy, "--jobs", "0"],
        ["export", "csv", "--out", str(tmp_path / "rows.csv"), "--store", copy],
        ["export", "wav", "--out", str(tmp_path / "wav"), "--store", copy, "--corpus", "tess"],
    ):
        assert command(*words) == 0, (words, capsys.readouterr())
    assert len(list((tmp_path / "wav").rglob("*.wav"))) == 14


def command(*words: str) -> int:
    """The exit code of a command in this process."""
    from merdata.cli.app import app

    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as ended:
        patch.setattr(sys, "argv", ["merdata", *words])
        run_app(app, "merdata")
    return int(ended.value.code or 0)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["build", "--corpus", "tess", "--store", "s3://no-such-bucket/store"], "bucket does not exist"),
        (["build", "--corpus", "all", "--source", "s3://no-such-bucket/x"], "has no folder named after"),
        (["build", "--corpus", "tess", "--source", f"s3://{BUCKET}/nothing"], "there is nothing below s3://"),
        (["split", f"s3://{BUCKET}/nothing"], "is not a store"),
        (["split", "ftps3://x/y"], "Unsupported filesystem: 'ftps3'"),
        (["split", "s3://"], "names no bucket"),
        (["split", "abfs://x/y"], "pip install 'merdata[remote]'"),
        (["sample", f"s3://{BUCKET}/x"], "not a folder on this machine"),
    ],
    ids=lambda value: " ".join(value)[:40] if isinstance(value, list) else "",
)
def test_what_cannot_be_is_told_in_a_sentence(
    words: list[str],
    sentence: str,
    source: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    more = ["--source", f"{source}/tess"] if words[0] == "build" and "--source" not in words else []
    assert command(*words, *more) == 2
    said = capsys.readouterr().err.strip()
    assert sentence in said
    assert "\n" not in said
    assert list(tmp_path.iterdir()) == []


def test_the_extra_that_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "upath", None)
    with pytest.raises(RemoteError, match=r"pip install 'merdata\[remote\]'"):
        merdata.open_store(f"s3://{BUCKET}/store")


@pytest.mark.parametrize(("lacking", "word"), [("credentials", "credentials"), ("server", "connect")])
def test_what_cannot_be_reached_is_told(lacking: str, word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    if lacking == "credentials":
        monkeypatch.delenv("AWS_ACCESS_KEY_ID")
        monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    else:
        monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    s3fs.S3FileSystem.clear_instance_cache()
    try:
        for reach in (
            lambda: merdata.open_store(f"s3://{BUCKET}/store"),
            lambda: build(["tess"], f"s3://{BUCKET}/corpora/tess", "s3://other/store", jobs=0),
        ):
            with pytest.raises(RemoteError, match=f"cannot reach s3://.*{word}"):
                reach()
    finally:
        s3fs.S3FileSystem.clear_instance_cache()


@pytest.mark.parametrize("error", [PermissionError("the token has expired"), ConnectionResetError("gone")])
def test_a_way_that_breaks_costs_no_row(
    error: Exception, source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither an outage nor credentials that expire may look like bad audio."""
    call = s3fs.S3FileSystem._call_s3

    async def broken(self: Any, method: str, *args: Any, **words: Any) -> Any:
        if method == "get_object" and words["Key"].endswith(".wav"):
            raise error
        return await call(self, method, *args, **words)

    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", broken)
    with pytest.raises(RemoteError):
        build(["tess"], f"{source}/tess", tmp_path / "store", jobs=0)
    assert read_manifest(tmp_path / "store") is None


def test_the_hub_is_no_place_to_build_in() -> None:
    with pytest.raises(StoreError, match="merdata push"), locked(place("hf://datasets/me/speech")):
        pass


def test_no_name_leaves_its_folder(source: str, s3: s3fs.S3FileSystem) -> None:
    root = UPath(source) / "ravdess"
    with pytest.raises(decoders.AudioError, match="no such file"):
        read_source(root, "../tess/SAMPLE.txt", None, None)
    s3.pipe_file(f"{BUCKET}/odd/a/../../x.wav", b"")
    s3.pipe_file(f"{BUCKET}/odd/b.wav", b"")
    assert list(listing(UPath(f"s3://{BUCKET}/odd"))) == ["b.wav"]


def test_ffmpeg_reads_what_has_no_path(shelf: Path) -> None:
    path = next((shelf / "meld").rglob("*.mp4"))
    data = path.read_bytes()
    there, here = (decoders._ffmpeg(data, name) for name in (f"s3://{BUCKET}/x.mp4", str(path)))
    assert there.rate == here.rate
    assert (there.samples == here.samples).all()


def test_a_store_in_the_memory_of_this_process(shelf: Path, here: Path) -> None:
    store = "memory://speech/store"
    assert build(["tess"], shelf / "tess", store).made == 2
    assert build(["tess"], shelf / "tess", store).made == 0
    merdata.split(store)
    assert merdata.verify(store, deep=True).faults == []
    assert merdata.open_store(store).rows(["id"]).equals(merdata.open_store(here).rows(["id"], ["tess"]))


def test_places() -> None:
    assert place("store") == Path("store")
    assert place("file:///srv/x") == Path("/srv/x")
    assert place(Path("x")) == Path("x")
    assert is_remote(place("s3://bucket/store/"))
    assert str(place("s3://bucket/store/")) == "s3://bucket/store"
    with pytest.raises(RemoteError, match="not a folder on this machine"):
        on_this_machine("s3://bucket/store")


def test_who_stays_on_this_machine_pays_nothing() -> None:
    modules = "sys, merdata.cli.app, merdata.builder.build"
    check = f"import {modules}; print({{'fsspec', 'upath', 's3fs'}} & {{*sys.modules}})"
    told = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_the_hub_as_a_source(shelf: Path, here: Path, tmp_path: Path) -> None:
    """On a Hub of the loopback, which a process must know before it imports huggingface_hub."""
    with FakeHub() as hub:
        files = {
            f"corpora/{path.relative_to(shelf)}": path.read_bytes()
            for path in (shelf / "tess").rglob("*.wav")
        }
        store = {f"store/{name}": (here / name).read_bytes() for name in digest(here)}
        hub.repos["dataset", "tester/speech"] = Repo(private=True, files=files | store)
        built = subprocess.run(
            [sys.executable, "-c", FROM_HUB, tmp_path / "store"], env=hub.environment(tmp_path)
        )
    assert built.returncode == 0
    name = "data/tess/*.parquet"
    assert (
        digest(tmp_path / "store").items()
        >= {
            path.relative_to(here).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in here.glob(name)
        }.items()
    )


FROM_HUB = """
import sys
import merdata
url = "hf://datasets/tester/speech"
for made in (2, 0):
    assert merdata.build(["all"], f"{url}/corpora", sys.argv[1], jobs=0).made == made
assert merdata.verify(f"{url}/store", jobs=0).faults == []
assert len(merdata.open_store(f"{url}/store").rows(["id"])) > 30
"""


CHANGES: dict[str, Callable[[str, str], object]] = {
    "first build": lambda source, store: build(["tess"], f"{source}/tess", store, jobs=0),
    "rebuild": lambda source, store: build(["tess"], f"{source}/tess", store, policy=POLICY, jobs=0),
    "split": lambda _, store: merdata.split(store),
}


@pytest.mark.parametrize("name", CHANGES)
def test_a_change_that_ends_at_any_write_leaves_the_old_store_or_the_new_one(
    name: str, source: str, s3: s3fs.S3FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, change = f"s3://{BUCKET}/broken", CHANGES[name]
    call = s3fs.S3FileSystem._call_s3
    steps, last = 0, 10**9

    async def ending(self: Any, method: str, *args: Any, **words: Any) -> Any:
        nonlocal steps
        steps += method in WRITES
        if steps > last and method in WRITES:
            raise ConnectionResetError("gone")
        return await call(self, method, *args, **words)

    def begin() -> None:
        nonlocal steps
        if left := s3.find(f"{BUCKET}/broken"):
            s3.rm(left)
        if earlier:
            s3.copy(f"s3://{BUCKET}/before", f"{BUCKET}/broken", recursive=True)
        steps = 0

    earlier = list(CHANGES)[: list(CHANGES).index(name)]
    for one in earlier:
        CHANGES[one](source, f"s3://{BUCKET}/before")
    monkeypatch.setattr(s3fs.S3FileSystem, "_call_s3", ending)
    monkeypatch.setattr(s3fs.S3FileSystem, "retries", 1)
    begin()
    change(source, store)
    after, count = files(store), steps
    for stop in range(STRIDE // 2, count, STRIDE):
        begin()
        last = stop
        with pytest.raises(MerdataError):
            change(source, store)
        last = 10**9
        if read_manifest(place(store)) is None:
            assert name == "first build"
        else:
            assert merdata.verify(store, jobs=0).faults == [], stop
            assert all(name in files(store) for name in named_by_the_card(store)), stop
        change(source, store)
        assert files(store) == after, stop
        assert merdata.verify(store, jobs=0).faults == [], stop
    s3.rm([f"{BUCKET}/broken", *([f"{BUCKET}/before"] if earlier else [])], recursive=True)


def named_by_the_card(store: str) -> list[str]:
    """Files that load_dataset would look for."""
    front = yaml.safe_load(fetch(place(store) / "README.md").decode().split("---\n")[1])
    parts = [part for config in front["configs"] for part in config["data_files"]]
    return [name for part in parts for name in part["path"]]
