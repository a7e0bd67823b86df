"""The full card of a store: README.md with its figures, and LICENSE.md where it has several licences."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import yaml
from huggingface_hub import DatasetCardData

from merdata.card import tables
from merdata.card.figures import draw
from merdata.escaping import WEB
from merdata.io.resources import card_text, render_card
from merdata.leakage.audit import Audit, audits
from merdata.leakage.conflicts import Conflicts
from merdata.leakage.rows import COLUMNS as AUDITED
from merdata.stats import COLUMNS as COUNTED
from merdata.stats import Figures, statistics
from merdata.store.commit import CARD
from merdata.store.facts import CorpusFacts
from merdata.store.keep import keep_card
from merdata.store.protocol import Properties, Protocol, load_protocol, protocol_names
from merdata.store.readme import StoreConfig, front_matter, pretty_name, protocol_configs
from merdata.store.store import Store, open_store

LICENCES = "LICENSE.md"
# as a corpus states its licence -> as the Hub calls it; all others are `other`
LICENCE_IDS = {
    "ODbL-1.0": "odbl",
    "CC-BY-NC-SA-4.0": "cc-by-nc-sa-4.0",
    "CC-BY-NC-ND-4.0": "cc-by-nc-nd-4.0",
}
SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


class DescribedCorpus(CorpusFacts):
    """What merdata.json says of a corpus, and the sections of its page by heading."""

    page: dict[str, str]


@dataclass(frozen=True)
class ProtocolSummary:
    """What a card tells of a protocol; its table, with the ids, is many times as large."""

    name: str
    hash: str
    properties: Properties
    folds: list[int]
    sizes: list[tables.FoldSize]
    configs: dict[str, StoreConfig]


@dataclass(frozen=True)
class Full:
    """What the template shows in the full card only.

    Attributes:
        rights: the right to share it, in the words of who shares it, or None.
        pictures: paths of the card's figures.
        configs: names that `load_dataset` takes.
        columns: column -> what it holds.
        verdicts: by protocol.
        conflicts: rows of the store that are one recording; None without a protocol.
        corpora: as `described`.
    """

    rights: str | None
    pictures: list[str]
    figures: Figures
    configs: list[str]
    columns: dict[str, str]
    left_out: list[tables.LeftOut]
    textless: list[tables.Textless]
    mapping: dict[str, dict[str, list[str]]]
    speakers: list[tables.Speakers]
    verdicts: dict[str, tables.Verdict]
    conflicts: Conflicts | None
    defects: list[tables.Defect]
    corpora: dict[str, DescribedCorpus]


def write_card(store: str | Path | Store, rights: str | None = None) -> Path:
    """Write the full README.md of a store, and the files that it links to.

    Args:
        store: the store, or its folder.
        rights: the right to share it, in the words of who shares it.

    Returns:
        The path of README.md.

    Raises:
        SplitError: a protocol is damaged, or no longer fits the store's rows.
        StoreError: the store cannot be read or written.
    """
    store = open_store(store)
    keep_card(store, card_files(store, rights))
    return store.path / CARD


def card_files(store: Store, rights: str | None = None) -> dict[str, bytes]:
    """Path below the store -> bytes: README.md, its figures, and LICENSE.md.

    Raises:
        SplitError: a protocol is damaged, or no longer fits the store's rows.
        StoreError: the store cannot be read.
    """
    store.rows(sorted({*COUNTED, *AUDITED}))  # all that is read of it, in one pass
    names, protocols = protocol_names(store), list[ProtocolSummary]()
    found = audits(store, _each(store, names, protocols), near_audio=False) if names else []
    figures, corpora = statistics(store), described(store)
    files = draw(figures)
    files[CARD] = _card(store, figures, corpora, protocols, found, list(files), rights).encode("utf-8")
    if len(store.corpora) > 1:
        files[LICENCES] = render_card("licences.md.j2", corpora=corpora).encode("utf-8")
    return files


def _each(store: Store, names: list[str], told: list[ProtocolSummary]) -> Iterator[Protocol]:
    """The protocols, one in memory at a time; what the card tells of each is added to `told`."""
    for name in names:
        protocol = load_protocol(store, name)
        told.append(_summary(store, protocol))
        yield protocol


def _summary(store: Store, protocol: Protocol) -> ProtocolSummary:
    return ProtocolSummary(
        protocol.name,
        protocol.hash,
        protocol.properties,
        protocol.folds,
        tables.sizes(protocol),
        protocol_configs(store, protocol),
    )


def _card(
    store: Store,
    figures: Figures,
    corpora: dict[str, DescribedCorpus],
    protocols: list[ProtocolSummary],
    found: list[Audit],
    pictures: list[str],
    rights: str | None,
) -> str:
    """The card's text, with its YAML header."""
    header = _metadata(store, protocols, figures)
    full = Full(
        rights=rights,
        pictures=pictures,
        figures=figures,
        configs=[config["config_name"] for config in header["configs"]],
        columns=yaml.safe_load(card_text("columns.yaml")),
        left_out=tables.left_out(store, figures["ledger"]),
        textless=tables.textless(store),
        mapping=tables.mapping(store),
        speakers=tables.speakers(figures),
        verdicts={audit.protocol: tables.verdict(audit) for audit in found},
        conflicts=found[0].conflicts if found else None,
        defects=tables.defects(store),
        corpora=corpora,
    )
    name = pretty_name(store)
    body = render_card(
        "dataset.md.j2", name=name, store=store, protocols=protocols, corpora=store.corpora, full=full
    )
    return f"---\n{header.to_yaml()}\n---\n\n{body}"


def _metadata(store: Store, protocols: list[ProtocolSummary], figures: Figures) -> DatasetCardData:
    """The YAML header: that of every store, and what the Hub's search filters by."""
    front = front_matter(store, {name: config for told in protocols for name, config in told.configs.items()})
    languages = len(front.get("language", []))
    several = {"multilinguality": ["multilingual" if languages > 1 else "monolingual"]} if languages else {}
    front |= {
        "size_categories": [next((name for n, name in SIZES.items() if figures["rows"] < n), "1M<n<10M")],
        **several,
        "annotations_creators": ["expert-generated"],  # by actors and by the corpora's own raters
        "source_datasets": sorted(store.corpora),
        "tags": [*front["tags"], "merdata", *sorted(store.corpora)],
    }
    return DatasetCardData(**front | _licence(store))


def _licence(store: Store) -> dict[str, str]:
    """The licence in the Hub's terms: an id where it has one, else a name and a link."""
    if len(store.corpora) > 1:
        return {"license": "other", "license_name": "licences-of-its-corpora", "license_link": LICENCES}
    ((name, facts),) = store.corpora.items()
    if facts["licence"] in LICENCE_IDS:
        return {"license": LICENCE_IDS[facts["licence"]]}
    home = {"license_link": facts["homepage"]} if WEB.fullmatch(facts["homepage"]) else {}
    return {"license": "other", "license_name": f"licence-of-{name}"} | home


def described(store: Store) -> dict[str, DescribedCorpus]:
    """What merdata.json says of each corpus, with its options and the sections of its page."""
    return {
        name: {**facts, "options": tables.options(facts["options"]), "page": tables.page(name)}
        for name, facts in sorted(store.corpora.items())
    }
