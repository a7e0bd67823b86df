"""Text against audio over a store: error rates, planted faults, the command and the page."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import merdata
from tests.browsing import column, opened
from tests.merdata.asr.laid import lay
from tests.merdata.cli.command import cli as run

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def planted(
    store: merdata.Store, tmp_path_factory: pytest.TempPathFactory
) -> tuple[merdata.Store, dict[str, str]]:
    """A store whose layer hears every text but those of some rows, and what is wrong with these."""
    path = shutil.copytree(store.path, tmp_path_factory.mktemp("planted") / "store")
    own = merdata.open_store(path)
    rows = own.rows(["id", "corpus", "text", "dialogue", "turn"], ["meld", "ravdess"]).to_pylist()
    heard = {row["id"]: row["text"] or "" for row in rows}
    kids, dogs = "Kids are talking by the door.", "Dogs are sitting by the door."
    swapped = next(row["id"] for row in rows if row["text"] == kids)
    silent = next(row["id"] for row in rows if row["text"] == dogs)
    turns = {(row["dialogue"], row["turn"]): row for row in rows if row["dialogue"] is not None}
    longer, after = next(
        (row, turns[dialogue, turn + 1])
        for (dialogue, turn), row in sorted(turns.items())
        if row["text"] and (dialogue, turn + 1) in turns and len(turns[dialogue, turn + 1]["text"] or "") > 20
    )
    wrong = {swapped: "another text", silent: "no words", longer["id"]: "its successors too"}
    heard |= {swapped: dogs, silent: "", longer["id"]: f"{longer['text']} {after['text']}"}
    lay(own, "planted", heard, ["meld", "ravdess"], {id: {"confidence": 0.9} for id in heard})
    return own, wrong


def test_planted_faults_are_found_and_nothing_else(planted: tuple[merdata.Store, dict[str, str]]) -> None:
    store, wrong = planted
    result = merdata.text_against_audio(store, "asr/planted", corpora=["meld", "ravdess"])
    assert {row.id: row.kind for row in result.mismatches} == wrong
    swapped = next(row for row in result.mismatches if row.kind == "another text")
    other = dict(zip(*store.rows(["id", "text"]).to_pydict().values(), strict=True))[swapped.other_id]
    assert other == "Dogs are sitting by the door."
    scores = [row.score for row in result.mismatches]
    assert scores == sorted(scores, reverse=True) and all(0.5 < score <= 1 for score in scores)


def test_error_rates_count_the_words_that_are_wrong(planted: tuple[merdata.Store, dict[str, str]]) -> None:
    store, _ = planted
    (rates,) = merdata.text_against_audio(store, "planted", corpora=["ravdess"]).rates
    texts = [text for text in store.rows(["text"], ["ravdess"])["text"].to_pylist() if text]
    assert (rates.corpus, rates.language, rates.rows, rates.unheard) == ("ravdess", "en", len(texts), 1)
    assert rates.words == 6 * len(texts)
    # swapped: kids for dogs and talking for sitting; silent: six words
    assert rates.word_errors == pytest.approx((2 + 6) / (6 * len(texts)), abs=1e-4)


@pytest.fixture(scope="module")
def swapped(planted: tuple[merdata.Store, dict[str, str]]) -> tuple[merdata.Store, str]:
    """A layer of all corpora, `asr/whole`, that hears every text but one, which is another's."""
    store, _ = planted
    rows = store.rows(["id", "text"]).to_pylist()
    id = next(row["id"] for row in rows if row["text"] == "Kids are talking by the door.")
    heard = {row["id"]: row["text"] or "" for row in rows} | {id: "Dogs are sitting by the door."}
    lay(store, "whole", heard)
    return store, id


def test_the_command_lists_the_rows(swapped: tuple[merdata.Store, str]) -> None:
    store, id = swapped
    shown = run("audit", store.path, "--layer", "asr/whole", "--top", "2")
    assert shown.returncode == 0 and "text against audio" in shown.stdout and id in shown.stdout
    assert "1 of " in shown.stdout and "clips may not say their text: another text 1" in shown.stdout
    told = json.loads(run("audit", store.path, "--layer", "whole", "--json").stdout)
    assert told["layer"] == "asr/whole" and told["header"]["model"] == "laid"
    assert [row["id"] for row in told["mismatches"]] == [id]
    both = run("audit", store.path, "--layer", "asr/whole", "--all")
    assert both.returncode == 2 and "leave --protocol and --all out" in both.stderr
    without = run("audit", store.path, "--top", "2")
    assert without.returncode == 2 and "--top lists rows of an audit with --layer" in without.stderr
    missing = run("audit", store.path, "--layer", "asr/planted")
    assert missing.returncode == 2 and "run `merdata transcribe" in missing.stderr


def test_the_page_has_the_rows_and_plays_them(
    swapped: tuple[merdata.Store, str], tmp_path: Path, browser: Browser
) -> None:
    store, id = swapped
    made = run(
        "report", store.path, "--layer", "asr/whole", "--audio", "0.2", "--out", tmp_path / "page.html"
    )
    assert made.returncode == 0, made.stderr
    with opened(browser, tmp_path / "page.html") as shown:
        shown.click(f"a:has-text('{id}')")
        shown.wait_for_selector("#count:has-text('1 of')")
        assert column(shown, "heard") == {"Dogs are sitting by the door."}
        assert column(shown, "text against audio") == {"another text"}
        shown.click("button.play")  # its clip came into the page before any other
