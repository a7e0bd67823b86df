"""Text of a corpus stays text in Markdown, HTML, YAML, LaTeX, JSON and on a terminal, for real parsers."""

from __future__ import annotations

import json
import re
import shutil
from collections import Counter
from collections.abc import Iterator
from html.parser import HTMLParser
from itertools import cycle
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

import merdata
from merdata.card.full import card_files
from merdata.escaping import block, code, latex, link, markdown, printable
from merdata.store.readme import make_card
from merdata.tables import statistics as statistics_tables

HOSTILE = [
    "<script>alert(1)</script>",
    '<img src=x onerror="alert(1)">',
    "<!-- a comment",
    "![x](javascript:alert(1))",
    "[x](javascript:alert(1))",
    "<https://evil.example>",
    "a | b",
    "a\n\n# a heading\n\n| a | b |\n|---|---|",
    "# a heading",
    "- a list",
    "1. a list",
    "===",
    "---\nconfigs: []\n---",
    "```\nout of the code",
    "`code`",
    "*a* _b_ __c__ ~~d~~",
    "&lt;b&gt; &#60;",
    "\x1b]0;title\x07\x1b[2J\x1b[31mred",
    "a\u202eb\u2066c\u2028d\x85e",
    "\ufeffa\x00b",
    "\\",
    "$x^2$",
    "[bold red]markup[/]",
    "{{ 7 * 7 }} {% raw %}",
    "' \" `${1}`",
]
parse = MarkdownIt("gfm-like", {"linkify": False}).parse
ACTS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


def tokens(text: str) -> Iterator[Token]:
    for token in parse(text):
        yield token
        yield from token.children or ()


def shown(text: str) -> str:
    """What a reader of the Markdown sees."""
    return "\n".join(
        "".join(child.content for child in token.children or ())
        for token in parse(text)
        if token.type == "inline"
    )


def words(text: str) -> str:
    return " ".join(printable(text).split())


@pytest.fixture(scope="module")
def hostile(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """TESS as somebody might give it away: every text that can be chosen is built to do harm."""
    path = shutil.copytree(store.path, tmp_path_factory.mktemp("hostile") / "store")
    shutil.rmtree(path / "splits")
    kept = merdata.open_store(path).manifest
    manifest = json.loads(json.dumps(kept | {"corpora": {"tess": kept["corpora"]["tess"]}}))
    manifest |= {"shards": {"tess": kept["shards"]["tess"]}, "files": {}}
    facts = manifest["corpora"]["tess"]
    all_of_them = " ".join(HOSTILE)
    facts |= {"title": all_of_them, "licence": all_of_them, "homepage": "javascript:alert(1)"}
    facts |= {"limits": all_of_them, "options": {"path": all_of_them}}
    counts = facts["counts"]
    counts |= {"labels": {text: {"anger": 1, "dropped": 1} for text in HOSTILE}, "difference": all_of_them}
    counts |= {"textless": dict.fromkeys(HOSTILE, 1), "sources": dict.fromkeys(HOSTILE, 1)}
    counts |= {"defects": {text: [f"tess/{text}"] for text in HOSTILE}, "discovered": 1}
    counts |= {"silenced": dict.fromkeys(HOSTILE, 1), "dropped": {"label": 1}}
    for shard in (path / "data" / "tess").glob("*.parquet"):
        table = pq.read_table(shard, partitioning=None)
        for name in ("text", "raw_text", "raw_label", "speaker", "gender", "language", "prompt", "session"):
            cells = [text for text, _ in zip(cycle(HOSTILE), range(len(table)), strict=False)]
            table = table.set_column(table.column_names.index(name), name, pa.array(cells, pa.string()))
        notes = pa.array([[text] for text, _ in zip(cycle(HOSTILE), range(len(table)), strict=False)])
        table = table.set_column(table.column_names.index("notes"), "notes", notes)
        pq.write_table(table, shard)
    return merdata.Store(path, manifest)


def structure(text: str) -> Counter[str]:
    """How many headings, tables, lists, ... a text has; rows of tables are data."""
    blocks = (
        "heading_open",
        "table_open",
        "bullet_list_open",
        "ordered_list_open",
        "fence",
        "code_block",
        "hr",
    )
    return Counter(token.type for token in tokens(text) if token.type in blocks)


@pytest.fixture(scope="module")
def card(hostile: merdata.Store) -> str:
    return card_files(hostile)["README.md"].decode()


def test_the_card_shows_it_as_text(card: str) -> None:
    body = card.split("---\n", 2)[2]
    kinds = Counter(token.type for token in tokens(body))
    assert not kinds["html_block"]
    assert not kinds["html_inline"]
    assert not kinds["ordered_list_open"]
    assert not kinds["hr"]
    for token in tokens(body):
        target = str(token.attrs.get("href") or token.attrs.get("src") or "https://")
        assert target.startswith(("https://", "figures/"))
    seen = words(shown(body))
    for text in HOSTILE:
        assert words(text) in seen
        assert seen.count(words(text)) > 5
    assert "49" not in re.findall(r"\b49\b \{%", seen)
    rows = [line for line in body.splitlines() if line.startswith("|")]
    assert all(len(line) < 20_000 for line in rows)
    assert not ACTS.search(card)


def test_the_card_has_no_part_more(card: str, hostile: merdata.Store) -> None:
    harmless = {text: f"text{number}" for number, text in enumerate(HOSTILE)}
    manifest = json.dumps(hostile.manifest)
    for text in sorted(HOSTILE, key=len, reverse=True):
        manifest = manifest.replace(json.dumps(text)[1:-1], harmless[text])
    tame = card_files(merdata.Store(hostile.path, json.loads(manifest)))["README.md"].decode()
    bodies = [text.split("---\n", 2)[2] for text in (tame, card)]
    assert structure(bodies[0]) == structure(bodies[1])


def test_its_header_is_one_document(card: str, hostile: merdata.Store) -> None:
    for text in (card, make_card(hostile)[0]):
        (front,) = yaml.safe_load_all(text.split("---\n", 2)[1])
        assert front["configs"][0]["config_name"] == "default"
        assert front["configs"] != []
        assert words(HOSTILE[0]) in front["pretty_name"]
        assert not ACTS.search(front["pretty_name"])
        assert "javascript" not in str(front.get("license_link", ""))


class Page(HTMLParser):
    """Tags with their attributes, and the text outside of scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.comments: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        if self.tags and self.tags[-1][0] not in ("script", "style"):
            self.text += data

    def handle_comment(self, data: str) -> None:
        self.comments.append(data)


def test_the_page_shows_it_as_text(hostile: merdata.Store, tmp_path: Path) -> None:
    merdata.write_report(hostile, tmp_path / "report.html", audio=0)
    page = Page((tmp_path / "report.html").read_text("utf-8"))
    assert Counter(tag for tag, _ in page.tags)["script"] == 3  # the table, the clips and the page's own
    assert not page.comments
    for _, attributes in page.tags:
        assert not any(name.startswith("on") for name in attributes)
        assert not str(attributes.get("href") or "#").strip().startswith("javascript")
    seen = words(page.text)
    for text in HOSTILE:
        assert words(text) in seen
    assert not ACTS.search(page.text)


def test_the_terminal_shows_it_as_text(hostile: merdata.Store, capsys: pytest.CaptureFixture[str]) -> None:
    statistics_tables.statistics(merdata.statistics(hostile))
    out = capsys.readouterr().out
    assert not ACTS.search(out)
    assert r"\x1b]0;title\x07" in out
    assert "[bold red]markup[/]" in out


def test_croissant_holds_it_as_text(hostile: merdata.Store, tmp_path: Path) -> None:
    made: dict[str, Any] = json.loads(
        merdata.export_croissant(hostile, tmp_path / "x.json").read_text("utf-8")
    )
    assert HOSTILE[0] in json.dumps(made)
    assert made["@type"] in ("sc:Dataset", "Dataset")


@pytest.mark.parametrize("text", HOSTILE)
def test_markdown_shows_any_text_anywhere(text: str) -> None:
    for form in ("{}", "- {}", "a {} b", "> {}", "## {}\n"):
        made = form.format(markdown(text))
        assert structure(made) == structure(form.format("x")), made
        assert words(text) in words(shown(made))
        assert not [token for token in tokens(made) if token.type.startswith(("html", "link", "image"))]
    cells = [
        token for token in parse(f"| a | b |\n|-|-|\n| {markdown(text)} | c |\n") if token.type == "inline"
    ]
    assert len(cells) == 4
    assert words("".join(child.content for child in cells[2].children or ())) == words(text)


@pytest.mark.parametrize("text", HOSTILE)
def test_code_and_links_hold_any_text(text: str) -> None:
    (inline,) = [token for token in tokens(f"a {code(text)} b") if token.type == "code_inline"]
    assert inline.content.strip() == words(text).replace("`", "'").strip()
    (fence,) = [token for token in parse(f"{block(text, 'json')}\n") if token.type == "fence"]
    assert fence.content.count("\n") == text.count("\n") + 1
    made = tokens(str(link(text, "https://x.example/(a)b|c")))
    assert [token.attrs["href"] for token in made if token.type == "link_open"] == [
        "https://x.example/%28a%29b%7Cc"
    ]
    assert not [token for token in tokens(str(link("x", text))) if token.type == "link_open"]


COMMANDS = {"textbackslash", "textasciitilde", "textasciicircum", "textless", "textgreater", "textbar"}
COMMANDS |= {"textquotedbl", "pm", "geq"}


@pytest.mark.parametrize("text", HOSTILE)
def test_latex_sets_any_text(text: str) -> None:
    made = latex(text)
    assert set(re.findall(r"\\([A-Za-z]+)", made)) <= COMMANDS
    bare = re.sub(r"\\[A-Za-z]+\{\}|\\[{}&%$#_]|\$(\\pm|-|\\geq)\$", "", made)
    assert not re.search(r"[\\{}&%$#_~^]", bare)
    assert not ACTS.search(made)
