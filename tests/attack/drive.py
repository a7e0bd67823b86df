"""Drive every command that opens a store through a hostile one."""

from __future__ import annotations

import contextlib
import io
import shutil
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import merdata
from merdata.cli import app as toolkit
from tests.attack.stores import Hostile, outside_folder
from tests.attack.watch import content, watched
from tests.crash.scene import few_clips

SECONDS = 300  # that a command may take, on a machine that others use
Words = list[object]


@dataclass(frozen=True)
class Scene:
    """A good store, its corpus, and a place for hostile copies; the store is read only."""

    folder: Path
    corpus: Path
    store: Path


class TooLateError(BaseException):
    """A command did not end; no `except Exception` of the command hides it."""


@dataclass(frozen=True)
class Answer:
    code: int
    text: str
    traceback: str


def commands(scene: Scene, store: Path, out: Path) -> dict[str, Words]:
    """The commands of the toolkit that open a store."""
    return {
        "split": ["split", store],
        "audit": ["audit", store],
        "stats": ["stats", store],
        "report": ["report", store, "--out", out / "report.html"],
        "card": ["card", store],
        "verify": ["verify", store, "--jobs", 0],
        "verify --deep": ["verify", store, "--deep", "--jobs", 0],
        "diff": ["diff", scene.store, store],
        "export csv": ["export", "csv", store, "--out", out / "rows.csv", "--protocol", "mer"],
        "export wav": ["export", "wav", store, "--out", out / "wav"],
        "export croissant": ["export", "croissant", store, "--out", out / "croissant.json"],
        "split export": ["split", "export", "emobox", "--store", store, "--out", out / "emobox"],
        "push": ["push", "tester/x", store, "--dry-run"],
        "build": ["build", "--corpus", "tess", "--source", scene.corpus, "--store", store, "--jobs", 0],
    }


def make_scene(corpora: Path, folder: Path) -> Scene:
    """A store of a few clips, with a split."""
    corpus = few_clips(corpora / "tess", folder / "tess")
    merdata.build(["tess"], corpus, folder / "store", jobs=0)
    merdata.split(folder / "store", "random", name="mer")
    return Scene(folder, corpus, folder / "store")


def answer(main: Callable[[], None], words: Words) -> Answer:
    """What a command says and exits with, in this process."""
    text = io.StringIO()
    try:
        with (
            _limited(),
            patch.object(sys, "argv", ["merdata", *map(str, words)]),
            contextlib.redirect_stdout(text),
            contextlib.redirect_stderr(text),
        ):
            main()
    except SystemExit as end:
        return Answer(end.code if isinstance(end.code, int) else 0, text.getvalue(), "")
    except BaseException:
        return Answer(-1, text.getvalue(), traceback.format_exc())
    return Answer(0, text.getvalue(), "")


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Fail instead of waiting for ever."""

    def late(*_: object) -> None:
        raise TooLateError(f"no answer in {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def faults_of(
    scene: Scene,
    name: str,
    hostile: Hostile,
    folder: Path,
    chosen: Callable[[Scene, Path, Path], dict[str, Words]] = commands,
    main: Callable[[], None] = toolkit.main,
) -> list[str]:
    """What is wrong with the answers to one hostile store, a line each."""
    wrong: list[str] = []
    codes: set[int] = set()
    outside = outside_folder(folder / "outside")
    for command in chosen(scene, Path(), Path()):
        store, out = folder / "store", folder / "out"
        for place in (store, out):
            shutil.rmtree(place, ignore_errors=True)
        shutil.copytree(scene.store, store)
        out.mkdir()
        hostile.harm(store, outside)
        before = content(store) if hostile.refused and "pipe" not in name else {}
        with watched(outside) as done:
            given = answer(main, chosen(scene, store, out)[command])
        codes.add(given.code)
        where = f"{name}, {command}"
        wrong += [f"{where}: outside/{what}" for what in done]
        wrong += [f"{where}: {line}" for line in _wrong_answer(given, command, hostile.refused)]
        if before and content(store) != before:
            wrong.append(f"{where}: the store was changed")
        if hostile.refused and any(out.rglob("*")):
            wrong.append(f"{where}: something was written")
    if not hostile.refused and not codes & {2, 3} and not name.startswith(WORKING):
        wrong.append(f"{name}: no command found it")
    shutil.rmtree(folder)
    return wrong


WORKING = ("change.json", "retired.json", "seen.json", "journal")  # made again, so nobody complains


def _wrong_answer(given: Answer, command: str, refused: bool) -> Iterator[str]:
    if given.traceback:
        yield f"traceback: {given.traceback.strip().splitlines()[-1]}"
    elif "Traceback" in given.text:
        yield "traceback"
    elif "secret of somebody else" in given.text:
        yield "tells the secret"
    elif refused and given.code not in ((2, 3) if command.startswith(("verify", "build list")) else (2,)):
        yield f"exit code {given.code}"
    elif given.code in (2, 3) and not 10 < len(given.text.strip()) < 2_000:
        yield f"{len(given.text.strip())} letters are not a sentence"
