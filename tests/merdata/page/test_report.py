"""The page of a store: offline, escaped, and in a browser it filters, searches and plays."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import soundfile

import merdata
from merdata import plugin
from tests.browsing import column, count, heard, opened
from tests.merdata.cli.test_cli import run

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ATTACK = "</script><img src=x onerror=\"document.title='hacked'\"><b>&amp; '\" `${1}` <!--"


@pytest.fixture(scope="module")
def page(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "report.html"
    merdata.write_report(store, out, audio=1)
    return out


def test_the_page_is_one_offline_file(page: Path) -> None:
    text = page.read_text()
    assert not re.search(r"https?://", text)
    assert [path.name for path in page.parent.iterdir()] == ["report.html"]
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]*)"', text)
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    script = text[text.rindex("<script>") + len("<script>") : text.rindex("</script>")]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert "unsafe" not in policy
    assert not re.search(r"<[^>]+\s(style|on\w+)=", text)


def test_the_same_store_gives_the_same_page(page: Path, store: merdata.Store, tmp_path: Path) -> None:
    merdata.write_report(store, tmp_path / "again.html", audio=1)
    assert (tmp_path / "again.html").read_bytes() == page.read_bytes()


def test_it_shows_what_stats_and_audit_show(page: Path, store: merdata.Store) -> None:
    text = page.read_text()
    figures = merdata.statistics(store)
    assert f"{figures['rows']:,} utterances of 8 corpora" in text
    assert figures["protocol"]["hash"][:12] in text
    for words in ("promises hold", "undecodable", "CC-BY-NC-SA-4.0", "shared with train", "text alone tells"):
        assert words in text
    for name in ("corpus and split", "class and split", "split", "gender", "language", "duration"):
        assert f"Utterances by {name}" in text


def test_the_sample_keeps_its_budget_and_takes_turns(store: merdata.Store) -> None:
    strata = {id: id.split("/")[0] for id in store.rows(["id"])["id"].to_pylist()}
    clips = plugin.sample_clips(store, strata, 0.5)
    assert 0 < sum(map(len, clips.values())) <= 0.5e6
    assert {strata[id] for id in clips} == set(store.corpora)
    assert plugin.sample_clips(store, strata, 0.5) == clips
    assert plugin.sample_clips(store, strata, 0.5, seed=1).keys() != clips.keys()
    assert plugin.sample_clips(store, strata, 0) == {}


def test_a_clip_is_what_the_store_has(store: merdata.Store) -> None:
    (shard, *_) = store.shards(["ravdess"])
    (id, samples) = next(merdata.read_audio(shard.path))
    (clip,) = plugin.sample_clips(store, {id: ""}).values()
    heard, rate = soundfile.read(io.BytesIO(base64.b64decode(clip)), dtype="float32")
    assert rate == 16_000
    assert (heard == samples).all()


def test_without_a_protocol_there_is_no_audit(corpora: Path, tmp_path: Path) -> None:
    merdata.build(["tess"], corpora / "tess", tmp_path / "store")
    merdata.write_report(tmp_path / "store", tmp_path / "report.html", audio=0)
    text = (tmp_path / "report.html").read_text()
    assert 'id="audit"' not in text
    assert "Splits of: no protocol" in text


# In a browser


def test_filters_and_search(page: Path, store: merdata.Store, browser: Browser) -> None:
    rows = store.rows(["corpus", "label", "text"]).to_pylist()
    with opened(browser, page) as shown:
        assert count(shown) == len(rows)
        shown.select_option("select[name=corpus]", "meld")
        shown.select_option("select[name=class]", "joy")
        assert count(shown) == sum(row["corpus"] == "meld" and row["label"] == "joy" for row in rows)
        assert column(shown, "corpus") == {"meld"}
        assert column(shown, "class") == {"joy"}
        shown.click("button[type=reset]")
        shown.wait_for_selector(f"#count:has-text('{len(rows):,} of')")
        shown.fill("#search", "DOGS door")
        expected = [
            row for row in rows if {"dogs", "door"} <= set(re.findall(r"\w+", (row["text"] or "").lower()))
        ]
        assert count(shown) == len(expected) > 0
        assert column(shown, "text") == {row["text"] for row in expected}
        shown.fill("#search", "no such words anywhere")
        assert count(shown) == 0


def test_a_view_has_an_address(page: Path, browser: Browser) -> None:
    with opened(browser, page) as shown:
        shown.select_option("select[name=split]", "test")
        shown.fill("#search", "door")
        address, found = shown.url, count(shown)
        shown.goto("about:blank")
        shown.goto(address)
        shown.wait_for_selector("#table tbody tr")
        assert count(shown) == found
        assert column(shown, "split") == {"test"}


def test_a_cell_of_the_classes_leads_to_its_utterances(page: Path, browser: Browser) -> None:
    with opened(browser, page) as shown:
        shown.click('a[aria-label^="ravdess, fear:"]')
        assert column(shown, "corpus") == {"ravdess"}
        assert column(shown, "class") == {"fear"}
        told = shown.get_attribute('a[aria-label^="ravdess, fear:"]', "aria-label")
        assert f": {count(shown):,} utterances" in str(told)


def test_known_defects_are_a_filter(page: Path, browser: Browser) -> None:
    with opened(browser, page) as shown:
        shown.select_option("select[name=notes]", "known defect, stereo")
        assert count(shown) > 0
        assert all("known defect, stereo" in notes for notes in column(shown, "notes"))


def test_a_sample_plays(page: Path, browser: Browser) -> None:
    with opened(browser, page) as shown:
        shown.select_option("select[name=clip]", "can be heard")
        shown.locator("button.play").first.click()
        assert heard(shown) > 0
        assert shown.locator('tr[aria-current="true"]').count() == 1


def test_every_clip_lies_beside_the_page(store: merdata.Store, tmp_path: Path, browser: Browser) -> None:
    made = merdata.write_report(store, tmp_path / "50 % #1.html", audio="all")
    files = list((tmp_path / "50 % #1_audio").rglob("*.wav"))
    assert len(files) == made["clips"] == store.rows(["id"]).num_rows
    with opened(browser, tmp_path / "50 % #1.html") as shown:
        shown.fill("#search", "meld/train")
        shown.locator("button.play").first.click()
        assert heard(shown) > 0
    with pytest.raises(merdata.StoreError, match="already exists"):
        merdata.write_report(store, tmp_path / "50 % #1.html", audio="all")


def test_the_table_is_sorted_and_turned_by_keyboard(page: Path, browser: Browser) -> None:
    with opened(browser, page) as shown:
        heading = shown.get_by_role("button", name="seconds", exact=True)
        heading.focus()
        shown.keyboard.press("Enter")
        shown.keyboard.press("Enter")
        assert shown.locator('th[aria-sort="descending"]').inner_text().startswith("seconds")
        longest = [float(one) for one in shown.locator("td.number[data-title=seconds]").all_inner_texts()]
        assert longest == sorted(longest, reverse=True)
        shown.locator("#next").focus()
        shown.keyboard.press("Enter")
        assert shown.inner_text("#page").startswith("page 2 of ")
        shown.select_option("select[name=clip]", "can be heard")
        shown.locator("#table tbody tr").first.focus()
        shown.keyboard.press("ArrowDown")
        shown.keyboard.press("Enter")
        assert heard(shown) > 0
        assert shown.locator("#table tbody tr").nth(1).get_attribute("aria-current") == "true"


def test_it_follows_the_dark_and_fits_a_phone(page: Path, browser: Browser) -> None:
    backgrounds = set()
    for scheme in ("light", "dark"):
        with opened(browser, page, color_scheme=scheme) as shown:
            backgrounds.add(shown.evaluate("getComputedStyle(document.body).backgroundColor"))
            assert shown.evaluate(
                "[...document.images].every((image) => image.complete && image.naturalWidth > 0)"
            )
    assert len(backgrounds) == 2
    with opened(browser, page, viewport={"width": 360, "height": 740}) as shown:
        assert shown.evaluate("document.documentElement.scrollWidth") <= 360
        assert shown.locator("#filters select").first.bounding_box()["width"] <= 360  # type: ignore[index]


def test_everything_has_a_label(page: Path, browser: Browser) -> None:
    with opened(browser, page) as shown:
        for control in shown.locator("input, select").all():
            assert control.evaluate("(one) => one.labels.length") == 1
        assert shown.locator("img:not([alt]), img[alt='']").count() == 0
        assert shown.locator("button:not([aria-label])").evaluate_all(
            "(all) => all.every((one) => one.textContent.trim())"
        )
        ids = shown.evaluate("[...document.querySelectorAll('[id]')].map((one) => one.id)")
        assert len(ids) == len(set(ids))


def test_a_hostile_corpus_is_only_text(store: merdata.Store, tmp_path: Path, browser: Browser) -> None:
    copy = merdata.open_store(shutil.copytree(store.path, tmp_path / "store"))
    copy.manifest["corpora"]["tess"]["title"] = ATTACK
    for shard in copy.shards(["tess"]):
        table = pq.read_table(shard.path)
        for name in ("text", "raw_label", "speaker", "gender"):
            at = table.column_names.index(name)
            table = table.set_column(at, name, pa.array([ATTACK] * len(table), pa.string()))
        pq.write_table(table, shard.path)
    merdata.write_report(copy, tmp_path / "report.html", audio=0)
    assert "<img src=x" not in (tmp_path / "report.html").read_text()
    with opened(browser, tmp_path / "report.html") as shown:
        shown.select_option("select[name=corpus]", "tess")
        assert column(shown, "text") == column(shown, "speaker") == {ATTACK}
        assert shown.locator("#table img, #table b, li img").count() == 0
        assert "hacked" not in shown.title()


# The command


def test_the_command(store: merdata.Store, tmp_path: Path) -> None:
    made = json.loads(run("report", store.path, "--audio", "0", "--json", cwd=tmp_path).stdout)
    assert made["bytes"] == (tmp_path / "report.html").stat().st_size
    assert made["rows"] == store.rows(["id"]).num_rows


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (
            ["--audio", "some"],
            "--audio must be a number of megabytes, or 'all' for every clip, and is 'some'",
        ),
        (["--audio", "-1"], "and is '-1'"),
        (["--audio", "nan"], "and is 'nan'"),
        (["--protocol", "loso"], "has no protocol 'loso'"),
        (["--fold", "7"], "has no fold 7"),
    ],
)
def test_a_fault_is_one_sentence(words: list[str], says: str, store: merdata.Store, tmp_path: Path) -> None:
    done = run("report", store.path, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert list(tmp_path.iterdir()) == []


def test_without_matplotlib_the_extra_is_named(
    store: merdata.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(merdata.MerdataError, match=r"pip install 'merdata\[report\]'"):
        merdata.write_report(store, tmp_path / "report.html")
    assert list(tmp_path.iterdir()) == []


# Full size


@pytest.mark.slow
def test_many_rows_fit_into_a_usable_page(
    full_tree: Callable[[str], Path], tmp_path: Path, browser: Browser
) -> None:
    for name in ("ravdess", "cremad"):
        merdata.build([name], full_tree(name), tmp_path / "store", on_bad_audio="silence")
    merdata.split(tmp_path / "store")
    made = merdata.write_report(tmp_path / "store", tmp_path / "report.html")
    assert made["rows"] == 8_882
    assert made["bytes"] < 30e6 * 8_882 / 106_256
    with opened(browser, tmp_path / "report.html") as shown:
        assert count(shown) == 8_882
        assert shown.locator("#table tbody tr").count() == 50
        shown.select_option("select[name=corpus]", "ravdess")
        assert count(shown) == 1_440
        shown.fill("#search", "kids")
        assert count(shown) == 720
