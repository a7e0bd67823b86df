"""The full card: metadata that the Hub takes, nothing broken or empty, and every figure of the store."""

from __future__ import annotations

import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from itertools import groupby, pairwise
from pathlib import Path

import pytest
import yaml
from datasets import load_dataset
from datasets.utils import metadata, resources
from huggingface_hub import DatasetCard
from markdown_it import MarkdownIt
from markdown_it.token import Token

import merdata
from merdata.card.full import LICENCE_IDS, write_card
from merdata.card.tables import Textless, last_name, page, textless
from merdata.corpora.miniature import miniatures
from merdata.corpora.registry import registry
from merdata.escaping import markdown
from merdata.io.files import write_json
from merdata.store.keep import keep_protocol
from merdata.store.ledger import NOT_ROWS
from merdata.store.manifest import MANIFEST, sealed
from merdata.utterance import store_schema
from tests.merdata.cli.test_cli import run
from tests.merdata.protocols import make_protocol

ROOT = Path(__file__).parents[3]
TOLD = yaml.safe_load((ROOT / "cards" / "reasons.yaml").read_text("utf-8"))
ALL = "all of them"
parse = MarkdownIt("gfm-like", {"linkify": False}).parse


def copied(store: merdata.Store, folder: Path) -> merdata.Store:
    """A copy whose README.md, figures and splits may be written."""
    return merdata.open_store(shutil.copytree(store.path, folder / "store", copy_function=os.link))


def only(corpus: str, store: merdata.Store) -> merdata.Store:
    """The store as if it had been built from one corpus, and split."""
    merdata.split(store, corpora=[corpus], name="mer")
    manifest = merdata.open_store(store.path).manifest
    parts = {name: {corpus: manifest[name][corpus]} for name in ("corpora", "shards")}
    write_json(store.path / MANIFEST, sealed(manifest | parts))
    return merdata.open_store(store.path)


@pytest.fixture(scope="module", params=[*miniatures(), ALL])
def carded(
    request: pytest.FixtureRequest, store: merdata.Store, tmp_path_factory: pytest.TempPathFactory
) -> merdata.Store:
    """A store with its card: of each corpus alone, and of all."""
    copy = copied(store, tmp_path_factory.mktemp("carded"))
    one = copy if request.param == ALL else only(request.param, copy)
    write_card(one)
    return one


@pytest.fixture(scope="module")
def whole(store: merdata.Store, tmp_path_factory: pytest.TempPathFactory) -> merdata.Store:
    """The store of all corpora with its card. Read only."""
    copy = copied(store, tmp_path_factory.mktemp("whole"))
    write_card(copy)
    return copy


def text_of(store: merdata.Store) -> str:
    return (store.path / "README.md").read_text("utf-8")


def body(text: str) -> str:
    return text.split("---\n", 2)[2]


def tokens(text: str) -> Iterator[Token]:
    for token in parse(text):
        yield token
        yield from token.children or ()


def tables(text: str) -> list[list[str]]:
    """Blocks of neighbouring lines that are rows of a table."""
    blocks = groupby(text.splitlines(), lambda line: line.startswith("|"))
    return [list(lines) for is_table, lines in blocks if is_table]


def known(name: str) -> set[str]:
    """What a list of the datasets library knows."""
    path = Path(resources.__file__).with_name(f"{name}.json")
    return set(json.loads(path.read_text("utf-8")))


def test_the_metadata_is_what_the_hub_accepts(carded: merdata.Store) -> None:
    data = DatasetCard.load(carded.path / "README.md", ignore_metadata_errors=False).data
    assert set(data.language) <= known("languages")
    assert set(data.size_categories) <= known("size_categories")
    assert data.task_categories == ["audio-classification"]
    assert data.source_datasets == sorted(carded.corpora)
    if data.license == "other":
        assert re.fullmatch(r"[a-z-]+", data["license_name"])
        link = data["license_link"]
        assert link.startswith("https://") or (carded.path / link).is_file()
    else:
        assert data.license in LICENCE_IDS.values()
    assert metadata.MetadataConfigs.from_dataset_card_data(data).get_default_config_name() == "default"


def test_it_reads_as_before(whole: merdata.Store, store: merdata.Store) -> None:
    def configs(one: merdata.Store) -> object:
        return DatasetCard.load(one.path / "README.md").data["configs"]

    assert configs(whole) == configs(store)
    rows = load_dataset(str(whole.path), "ravdess")
    counts = merdata.statistics(store)["cross"]["split by corpus"]["ravdess"]
    assert {name: part.num_rows for name, part in rows.items()} == counts


def test_no_link_is_broken(carded: merdata.Store) -> None:
    for path in carded.path.glob("*.md"):
        for token in tokens(body(text_of(carded)) if path.name == "README.md" else path.read_text("utf-8")):
            target = str(token.attrs.get("href") or token.attrs.get("src") or "https://")
            assert target.startswith("https://") or (carded.path / target).is_file()


def test_no_section_is_empty(carded: merdata.Store) -> None:
    parts = parse(body(text_of(carded)))
    assert [token.tag for token in parts if token.type == "heading_open"].count("h1") == 1
    ends = [(token.tag, after) for token, after in pairwise(parts) if token.type == "heading_close"]
    for tag, after in ends:
        assert after.type != "heading_open" or after.tag > tag
    assert parts[-1].type != "heading_close"


def test_every_table_has_rows_of_one_width(carded: merdata.Store) -> None:
    found = tables(body(text_of(carded)))
    assert len(found) == sum(token.type == "table_open" for token in parse(body(text_of(carded))))
    for lines in found:
        assert len(lines) > 2
        assert len({len(re.findall(r"(?<!\\)\|", line)) for line in lines}) == 1


def test_nothing_is_undefined(carded: merdata.Store) -> None:
    assert not re.search(
        r"\bNone\b(?! of single| yet)|\bnan\b|\{\{|\}\}|\{%|Undefined|<function|\bdict_", text_of(carded)
    )


def test_no_local_path_leaves_the_machine(carded: merdata.Store) -> None:
    assert str(carded.path.parent) not in text_of(carded)
    assert str(Path.home()) + "/" not in text_of(carded)


@pytest.mark.parametrize("path", ["/home/me/cmuarctic.data", r"C:\me\cmuarctic.data", "cmuarctic.data"])
def test_of_a_path_only_the_name_is_told(path: str) -> None:
    assert last_name(path) == "cmuarctic.data"


def test_what_is_left_out_is_what_the_ledger_says(whole: merdata.Store) -> None:
    for one in merdata.statistics(whole)["ledger"]:
        if one["state"] != "stored":
            assert f"| {one['corpus']} | {one['state']} | {one['reason']} | {one['rows']:,} | " in text_of(
                whole
            )
    assert "Sleepy 31 |" in text_of(whole)
    for name, facts in whole.corpora.items():
        rows = sum(facts["counts"]["textless"].values())
        assert (f"- {name}: rows without a transcript: {rows:,} (" in text_of(whole)) == bool(rows)


def test_many_reasons_are_cut_short(whole: merdata.Store) -> None:
    manifest = json.loads(json.dumps(whole.manifest))
    manifest["corpora"]["esd"]["counts"]["textless"] = {f"no {at}.txt": 10 for at in range(5)}
    (esd,) = (found for found in textless(merdata.Store(whole.path, manifest)) if found.corpus == "esd")
    assert esd == Textless("esd", 50, ["no 0.txt: 10", "no 1.txt: 10", "no 2.txt: 10"], 2)


def test_every_class_is_counted(whole: merdata.Store) -> None:
    figures = merdata.statistics(whole)
    classes = [one["value"] for one in figures["by"]["class"]]
    for name in ("class by corpus", "class by split"):
        for value, cells in figures["cross"][name].items():
            counts = [f"{cells[label]:,}" if label in cells else "-" for label in classes]
            assert f"| {value} | {' | '.join(counts)} | {sum(cells.values()):,} |" in text_of(whole)


def test_protocols_are_named_by_hash_and_audited(whole: merdata.Store, tmp_path: Path) -> None:
    protocol = merdata.load_protocol(whole, "mer")
    assert f"SHA-256 `{protocol.hash}`; 16 of 16 promises hold." in text_of(whole)
    assert "BROKEN" not in text_of(whole)
    copy = copied(whole, tmp_path)
    train, test = (
        next(id for id, split in protocol.splits().items() if split == part and id.startswith("ravdess"))
        for part in ("train", "test")
    )
    moved = protocol.splits() | {train: "test", test: "train"}
    keep_protocol(copy, make_protocol("moved", moved, protocol.properties))
    write_card(copy)
    assert "14 of 16 promises hold" in text_of(copy) or "15 of 16 promises hold" in text_of(copy)
    assert "**BROKEN**" in text_of(copy)


def test_folds_are_told_up_to_ten(store: merdata.Store, tmp_path: Path) -> None:
    copy = copied(store, tmp_path)
    merdata.split(copy, "kfold", folds=12, by="text", corpora=["meld"])
    write_card(copy)
    assert len(re.findall(r"^\| fold\d+ \|", text_of(copy), re.MULTILINE)) == 10
    assert "And 2 more folds." in text_of(copy)


def test_without_a_protocol_it_says_so(store: merdata.Store, tmp_path: Path) -> None:
    copy = copied(store, tmp_path)
    shutil.rmtree(copy.path / "splits")
    write_card(copy)
    assert "None yet: every row is in `train`" in text_of(copy)


def test_a_protocol_of_other_rows_is_refused(store: merdata.Store, tmp_path: Path) -> None:
    copy = copied(store, tmp_path)
    before = text_of(copy)
    mine = merdata.Store(copy.path, json.loads(json.dumps(copy.manifest)))
    del mine.manifest["corpora"]["tess"], mine.manifest["shards"]["tess"]
    with pytest.raises(merdata.SplitError, match="split again"):
        write_card(mine)
    assert text_of(copy) == before
    assert not (copy.path / "figures").exists()


def test_what_build_and_split_write_is_a_part_of_it(whole: merdata.Store, store: merdata.Store) -> None:
    full = iter(body(text_of(whole)).splitlines())
    assert all(line in full for line in body(text_of(store)).splitlines() if line)  # in that order


def test_the_same_store_gives_the_same_bytes(whole: merdata.Store, tmp_path: Path) -> None:
    def written(one: merdata.Store) -> dict[str, bytes]:
        paths = [one.path / "README.md", one.path / "LICENSE.md", *sorted(one.path.glob("figures/*"))]
        return {path.name: path.read_bytes() for path in paths}

    copy = copied(whole, tmp_path)
    write_card(copy)
    assert written(copy) == written(whole)
    assert len(written(copy)) == 4


def test_without_matplotlib_there_are_no_figures(
    store: merdata.Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    copy = copied(store, tmp_path)
    write_card(copy)
    assert not (copy.path / "figures").exists()
    assert "![" not in text_of(copy)


def test_every_corpus_has_what_the_card_quotes() -> None:
    for name in registry():
        assert page(name).keys() == {"Licence", "Known defects", "Citation"}
        assert "## " not in "".join(page(name).values())


def test_licence_and_citation_of_every_corpus_are_there(whole: merdata.Store) -> None:
    for name in whole.corpora:
        for part in ("Licence", "Citation"):
            assert page(name)[part] in text_of(whole)
    assert page("ravdess")["Licence"] in (whole.path / "LICENSE.md").read_text("utf-8")


def test_columns_and_reasons_are_all_explained() -> None:
    columns = yaml.safe_load((ROOT / "cards" / "columns.yaml").read_text("utf-8"))
    assert list(columns) == store_schema(("joy",)).names
    sources = "".join(path.read_text("utf-8") for path in (ROOT / "merdata").rglob("*.py"))
    raised = set(re.findall(r'(?:AudioError\(\s*|return )"([a-z-]+)",', sources))
    assert len(raised) > 5
    assert {*raised, *NOT_ROWS, "label"} == set(TOLD)


def test_the_right_to_share_is_quoted(store: merdata.Store, tmp_path: Path) -> None:
    copy = copied(store, tmp_path)
    done = run("card", copy.path, "--i-have-rights", "I am the *author*\n# of TESS | so <b>there</b>")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(copy.path / "README.md")
    spoken = [token.content for token in tokens(body(text_of(copy))) if token.type == "code_inline"]
    assert "I am the *author* # of TESS | so <b>there</b>" in spoken


@pytest.mark.parametrize("text", ["a|b", "*a* _b_", "[a](b)", "<b>", "`c`", "&amp;", r"\n", "~~d~~", "a\nb"])
def test_text_of_others_is_shown_as_it_is(text: str) -> None:
    cells = [token.children for token in parse(f"|a|\n|-|\n| {markdown(text)} |\n") if token.type == "inline"]
    shown = "".join(child.content for child in cells[1] or ())
    assert shown == " ".join(text.split())
    assert len(cells) == 2


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    done = run("card", tmp_path)
    assert done.returncode == 2
    assert "is not a store" in done.stderr
    assert not any(tmp_path.iterdir())


def test_languages_are_those_of_the_rows(corpora: Path, tmp_path: Path) -> None:
    """A copy of ESD with its English speakers alone is not Chinese."""
    for speaker in sorted((corpora / "esd").rglob("00[12][0-9]"))[-2:]:
        assert int(speaker.name) > 10
        shutil.copytree(speaker, tmp_path / "esd" / speaker.name)
    merdata.build(["esd"], tmp_path / "esd", tmp_path / "store", jobs=0)
    store = merdata.open_store(tmp_path / "store")
    assert store.corpora["esd"]["languages"] == ["en"]
    header = yaml.safe_load((store.path / "README.md").read_text("utf-8").split("---\n")[1])
    assert header["language"] == ["en"]
