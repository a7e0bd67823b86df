"""A build that has nothing to do knows it at once; whatever a corpus is made from undoes that."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import merdata
from merdata.audio import clip as audio
from merdata.builder import build as builder
from merdata.builder import unchanged as seen
from merdata.builder.build import Report, build
from merdata.builder.plan import choose
from merdata.corpora.miniature import write_corpus

Change = Callable[[Path], dict[str, Any]]


@pytest.fixture(scope="module")
def scene(thin_corpora: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, Report]:
    """Two small corpora, their store, and the report of its build. Read only."""
    folder = tmp_path_factory.mktemp("seen")
    write_corpus("cremad", folder / "corpora" / "cremad", speakers=3)  # the second has the silent clip
    shutil.copytree(thin_corpora / "tess", folder / "corpora" / "tess")
    return folder / "corpora", folder / "store", build(["all"], folder / "corpora", folder / "store", jobs=0)


@pytest.fixture
def copy(scene: tuple[Path, Path, Report], tmp_path: Path) -> tuple[Path, Path]:
    """The two corpora and their store, to change; files keep their times."""
    for folder in scene[:2]:
        shutil.copytree(folder, tmp_path / folder.name)
    return tmp_path / "corpora", tmp_path / "store"


def planned(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the corpora that builds plan from now on."""
    names: list[str] = []
    real = builder.make_plan

    def noted(choice: Any, store: Path, **options: Any) -> Any:
        names.extend(corpus.name for corpus in choice.corpora)
        return real(choice, store, **options)

    monkeypatch.setattr(builder, "make_plan", noted)
    return names


def test_nothing_changed(
    scene: tuple[Path, Path, Report], copy: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpora, store = copy
    before, names = (store / "merdata.json").read_bytes(), planned(monkeypatch)
    report = build(["all"], corpora, store)
    assert names == []
    assert report.counts == scene[2].counts
    assert (report.made, report.kept) == (0, scene[2].made)
    assert (store / "merdata.json").read_bytes() == before


def _touched(place: Path) -> dict[str, Any]:
    os.utime(next(place.glob("corpora/cremad/**/*.wav")))
    return {}


def _gone(place: Path) -> dict[str, Any]:
    next(place.glob("corpora/cremad/**/*.wav")).unlink()
    return {}


def _votes(place: Path) -> dict[str, Any]:
    table = next(place.glob("corpora/cremad/**/VideoDemographics.csv"))
    table.write_text(table.read_text().replace("Female", "Male", 1))
    return {}


def _no_shard(place: Path) -> dict[str, Any]:
    next(place.glob("store/data/cremad/*.parquet")).unlink()
    return {}


def _short_shard(place: Path) -> dict[str, Any]:
    shard = next(place.glob("store/data/cremad/*.parquet"))
    shard.write_bytes(shard.read_bytes()[:-1])
    return {}


def _no_ledger(place: Path) -> dict[str, Any]:
    next(place.glob("store/ledger/cremad*")).unlink()
    return {}


def _no_card(place: Path) -> dict[str, Any]:
    (place / "store" / "README.md").unlink()
    return {}


def _other_build(place: Path) -> dict[str, Any]:
    build(["cremad"], place / "corpora" / "cremad", place / "store", policy=["FEA=drop"])
    return {}


POLICY, SILENCE = {"policy": ["cremad.FEA=drop"]}, {"on_bad_audio": "silence"}


@pytest.mark.parametrize(
    "change",
    [_touched, _gone, _votes, _no_shard, _short_shard, _no_ledger, _no_card, _other_build, POLICY, SILENCE],
)
def test_a_change_is_built(
    change: Change | dict[str, Any], copy: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the store is the one that a first build gives."""
    corpora, store = copy
    choices = change if isinstance(change, dict) else change(tmp_path)
    names = planned(monkeypatch)
    build(["all"], corpora, store, jobs=0, **choices)
    assert "cremad" in names
    build(["all"], corpora, tmp_path / "anew", jobs=0, **choices)
    for name in ("merdata.json", "README.md"):
        assert (store / name).read_bytes() == (tmp_path / "anew" / name).read_bytes()


BROKEN = '{"format": 1, "corpora": {"tess": {}}, "outdated": {}}'


@pytest.mark.parametrize("text", ["", "{", "[]", BROKEN])
def test_notes_that_cannot_be_read_are_no_notes(text: str, copy: tuple[Path, Path]) -> None:
    corpora, store = copy
    (store / seen.SEEN).write_text(text)
    report = build(["all"], corpora, store)
    assert report.made == 0


def test_an_outdated_split_is_named_until_it_is_made_again(copy: tuple[Path, Path]) -> None:
    corpora, store = copy
    merdata.split(store, "speaker")
    changed = {"policy": ["cremad.FEA=drop"]}
    assert [build(["all"], corpora, store, **changed).outdated for _ in range(2)] == [["speaker"]] * 2
    merdata.split(store, "speaker")
    assert build(["all"], corpora, store, **changed).outdated == []


def test_a_row_that_could_not_be_read_is_tried_again(copy: tuple[Path, Path]) -> None:
    corpora, store = copy
    clip = next(corpora.glob("cremad/**/*.wav"))
    data = clip.read_bytes()
    clip.unlink()
    clip.symlink_to(clip)  # as good as no permission, which a test of root's cannot be without
    dropped = [build(["all"], corpora, store, jobs=0).counts[0].dropped for _ in range(2)]
    assert dropped[0] == dropped[1]
    clip.unlink()
    clip.write_bytes(data)
    assert build(["all"], corpora, store, jobs=0).counts[0].dropped.keys() == {"silent"}


def test_a_reader_may_be_anything_that_is_called(copy: tuple[Path, Path]) -> None:
    choice = choose(["tess"], copy[0] / "tess")
    (tess,) = choice.corpora
    found = seen.fingerprints(replace(choice, corpora=[replace(tess, read=partial(tess.read))]))
    assert found == seen.fingerprints(choice)


def test_an_option_that_names_a_file_at_home(
    thin_corpora: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    prompts = tmp_path / "prompts.data"
    prompts.write_text("one")
    choice = choose(["emovdb"], thin_corpora / "emovdb", options=["emovdb.prompts=~/prompts.data"])
    before = seen.fingerprints(choice)
    prompts.write_text("others")
    assert seen.fingerprints(choice) != before


def test_another_folder_with_the_same_files_is_the_same(copy: tuple[Path, Path], tmp_path: Path) -> None:
    first = seen.fingerprints(choose(["all"], copy[0]))
    shutil.copytree(copy[0], tmp_path / "elsewhere")
    assert seen.fingerprints(choose(["all"], tmp_path / "elsewhere")) == first


def test_files_that_came_and_went_change_nothing(copy: tuple[Path, Path]) -> None:
    """Their folder has a new time then, as the first import of a module gives the folder of its code."""
    first = seen.fingerprints(choose(["all"], copy[0]))
    for folder in [path for path in copy[0].rglob("*") if path.is_dir()]:
        (folder / "passing").touch()
        (folder / "passing").unlink()
        os.utime(folder, (1, 1))
    assert seen.fingerprints(choose(["all"], copy[0])) == first


def test_bytes_that_changed_under_the_same_size_and_time(
    copy: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    corpora, store = copy
    clip = next(corpora.glob("tess/**/*.wav"))
    status, data = clip.stat(), bytearray(clip.read_bytes())
    data[-1000:-900] = bytes(100)
    clip.write_bytes(data)
    os.utime(clip, ns=(status.st_atime_ns, status.st_mtime_ns))
    before = merdata.open_store(store).rows(["id", "source_sha256"]).to_pylist()
    assert build(["all"], corpora, store, jobs=0).made == 0
    heard: list[str] = []
    real = audio.normalise
    monkeypatch.setattr(audio, "normalise", lambda data, path: heard.append(path) or real(data, path))
    build(["all"], corpora, store, jobs=0, rehash=True)
    assert heard[0] == str(clip)  # and those that could not be decoded before
    after = merdata.open_store(store).rows(["id", "source_sha256"]).to_pylist()
    changed = [new["id"] for old, new in zip(before, after, strict=True) if old != new]
    assert changed == [f"tess/{clip.stem}"]
    assert merdata.verify(store, deep=True, jobs=0).faults == []
