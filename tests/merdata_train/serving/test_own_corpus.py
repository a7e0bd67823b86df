"""One's own recordings, all the way: from a table to a store, a model and a private upload of both."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from merdata.cli.app import main
from tests.fake_hub import TOKEN, FakeHub
from tests.merdata.cli.command import call
from tests.merdata_train.command import cli
from tests.merdata_train.conftest import SMALL


@pytest.fixture
def hub() -> Iterator[FakeHub]:
    with FakeHub() as running:
        yield running


def mine(corpora: Path, table: Path) -> Path:
    """A table of RAVDESS's clips in four emotions, without its facts; the first of them."""
    emotions = {"01": "neutral", "03": "happy", "04": "sad", "05": "Angry"}
    parts = {clip: clip.stem.split("-") for clip in sorted((corpora / "ravdess").rglob("*.wav"))}
    rows = [(clip, emotions[of[2]], f"p{of[6]}") for clip, of in parts.items() if of[2] in emotions]
    pd.DataFrame(rows, columns=["path", "emotion", "speaker_id"]).to_csv(table, index=False)
    return rows[0][0]


def test_every_step_works(corpora: Path, hub: FakeHub, tmp_path: Path) -> None:
    """Nothing is uploaded before the owner says by what right; the cards say whose recordings they are."""
    clip = mine(corpora, tmp_path / "mine.csv")

    def step(program: str, *words: object, code: int = 0) -> str:
        with hub.visited(tmp_path / "hf", TOKEN):
            done = call(main, "merdata", *words) if program == "merdata" else cli(*words)
        assert done.returncode == code, done.stderr
        return done.stdout + done.stderr

    store, runs = tmp_path / "store", tmp_path / "runs"
    source = corpora / "ravdess"
    step("merdata", "build", "--corpus", tmp_path / "mine.csv", "--source", source, "--store", store)
    step("merdata", "split", store)
    step("merdata", "audit", store)
    step("merdata", "report", store, "--out", tmp_path / "report.html")
    step("merdata", "card", store)
    step("train", "run", "source0/A0", *SMALL[3:], "--store", store, "--out", runs, "--jobs", 1)
    (run,) = (folder for folder in runs.iterdir() if (folder / "model").is_dir())
    assert '"label"' in step("train", "predict", run, clip, "--json")
    assert "| mine |" in (run / "model" / "README.md").read_text()
    assert "one's own recordings" in (run / "model" / "README.md").read_text()
    header = (store / "README.md").read_text().split("---")[1]
    assert "language" not in header  # nobody said which
    refused = step("merdata", "push", "tester/mine", store, code=2)
    assert "state your right to share it" in refused
    assert ("dataset", "tester/mine") not in hub.repos
    why = "I recorded it myself"
    step("merdata", "push", "tester/mine", store, "--i-have-rights", why)
    sent = hub.repos["dataset", "tester/mine"]
    assert sent.private
    assert why in sent.files["README.md"].decode()
    step("train", "push", run, "tester/model")
    assert hub.repos["model", "tester/model"].private
