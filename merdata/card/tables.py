"""The tables of a store's card, as plain data for its template."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath, PureWindowsPath

import numpy as np
import yaml

from merdata.corpora.registry import get_corpus
from merdata.errors import CorpusNotFound
from merdata.io.resources import card_text
from merdata.leakage.audit import Audit, Finding
from merdata.leakage.probes import TextProbe
from merdata.stats import Figures, LedgerGroup
from merdata.store.ledger import STORED
from merdata.store.protocol import SPLITS, Protocol
from merdata.store.store import Store

MOST_FOLDS = 10
EXAMPLES = 3
NO_CLASS = ("dropped", "unlabelled")  # what becomes of a raw label without a class
SECTIONS = ("Licence", "Known defects", "Citation")  # of a corpus's page, quoted in the card


@dataclass(frozen=True)
class LeftOut:
    """Rows that are not stored as the corpus has them, and what their reason means."""

    corpus: str
    state: str
    reason: str
    rows: int
    meaning: str


@dataclass(frozen=True)
class Textless:
    """Rows of a corpus without a transcript: the most common reasons, and how many more reasons there are."""

    corpus: str
    rows: int
    reasons: list[str]
    more: int


@dataclass(frozen=True)
class Speakers:
    """How many speakers a corpus has, and how many rows each of them has."""

    corpus: str
    speakers: int
    least: int
    median: int
    most: int


@dataclass(frozen=True)
class FoldSize:
    """Rows of a fold, one number for each split."""

    fold: str
    rows: list[int]


@dataclass(frozen=True)
class Verdict:
    """What the audit of a protocol found.

    Attributes:
        promised, kept: numbers of promises.
        columns: what validation and test may share with train.
        corpora: corpus -> a cell for each column, then what text alone tells.
        alarms: of the text probes, a sentence each.
    """

    promised: int
    kept: int
    columns: list[str]
    corpora: dict[str, list[str]]
    alarms: list[str]


@dataclass(frozen=True)
class Defect:
    """A known defect that rows of a corpus have."""

    corpus: str
    defect: str
    rows: int
    examples: list[str]


def left_out(store: Store, ledger: Iterable[LedgerGroup]) -> list[LeftOut]:
    """Groups of the ledger that are not stored."""
    meanings = yaml.safe_load(card_text("reasons.yaml"))
    return [
        LeftOut(**group, meaning=_meaning(store, group, meanings.get(group["reason"], "")))
        for group in ledger
        if group["state"] != STORED
    ]


def _meaning(store: Store, group: LedgerGroup, meaning: str) -> str:
    if group["reason"] != "label":
        return meaning
    labels = store.corpora[group["corpus"]]["counts"]["labels"]
    raws = [f"{raw} {fates['dropped']:,}" for raw, fates in labels.items() if "dropped" in fates]
    return f"{meaning}: {', '.join(raws)}"


def textless(store: Store) -> list[Textless]:
    """The corpora that have rows without a transcript."""
    return [
        Textless(
            corpus=corpus,
            rows=sum(reasons.values()),
            reasons=[f"{reason}: {rows:,}" for reason, rows in list(reasons.items())[:EXAMPLES]],
            more=max(0, len(reasons) - EXAMPLES),
        )
        for corpus, facts in sorted(store.corpora.items())
        if (reasons := facts["counts"]["textless"])
    ]


def mapping(store: Store) -> dict[str, dict[str, list[str]]]:
    """Corpus -> class, `dropped` or `unlabelled` -> the raw labels that became it, by class."""
    order = [*store.space.classes, *NO_CLASS]
    mapped: dict[str, dict[str, list[str]]] = {}
    for corpus, facts in sorted(store.corpora.items()):
        raws = defaultdict(list)
        for raw, fates in facts["counts"]["labels"].items():
            for fate in fates:
                raws[fate].append(raw)
        mapped[corpus] = {fate: raws[fate] for fate in order if fate in raws}
    return mapped


def speakers(figures: Figures) -> list[Speakers]:
    """The speakers of each corpus."""
    rows = defaultdict(list)
    for group in figures["by"]["speaker"]:
        rows[group["corpus"]].append(group["rows"])
    return [
        Speakers(corpus, len(own), min(own), int(np.median(own)), max(own))
        for corpus, own in sorted(rows.items())
    ]


def sizes(protocol: Protocol) -> list[FoldSize]:
    """Rows of each split in the first folds of a protocol."""
    groups = protocol.table.group_by(["fold", "split"]).aggregate([([], "count_all")]).to_pylist()
    rows = {(group["fold"], group["split"]): group["count_all"] for group in groups}
    names = protocol.fold_names if len(protocol.folds) > 1 else {0: "the only one"}
    return [
        FoldSize(names[fold], [rows.get((fold, split), 0) for split in SPLITS])
        for fold in protocol.folds[:MOST_FOLDS]
    ]


def verdict(audit: Audit) -> Verdict:
    """Promises kept, what each corpus shares with train, and alarms of the text probes."""
    findings: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for finding in audit.findings:
        findings[finding.corpus][finding.shared].append(finding)
    probes = {probe.corpus: probe for probe in audit.text_probes}
    promised = sum(finding.claimed for finding in audit.findings)
    columns = list(dict.fromkeys(finding.shared for finding in audit.findings))
    return Verdict(
        promised=promised,
        kept=promised - len(audit.broken),
        columns=columns,
        corpora={
            corpus: [*(_shared(of_corpus.get(name, [])) for name in columns), _text_alone(probes.get(corpus))]
            for corpus, of_corpus in sorted(findings.items())
        },
        alarms=[f"{probe.corpus}: {probe.alarm}" for probe in audit.text_probes if probe.alarm],
    )


def _shared(findings: list[Finding]) -> str:
    """Rows of validation and test, over all folds, that share something with train; and the verdict."""
    if not findings:
        return "-"
    mark = " ✓" if any(finding.claimed for finding in findings) else ""
    if any(finding.broken for finding in findings):
        mark = " **BROKEN**"
    rows, of_rows = sum(finding.rows for finding in findings), sum(finding.of_rows for finding in findings)
    return f"{rows:,} of {of_rows:,}{mark}"


def _text_alone(probe: TextProbe | None) -> str:
    if probe is None:
        return "-"
    return f"{max(probe.lookup_uar, probe.linear_uar):.2f} (chance {probe.chance:.2f})"


def defects(store: Store) -> list[Defect]:
    """The known defects that rows of the store have, with a few of these rows."""
    return [
        Defect(corpus, name, len(ids), ids[:EXAMPLES])
        for corpus, facts in sorted(store.corpora.items())
        for name, ids in facts["counts"]["defects"].items()
    ]


def options(given: Mapping[str, str]) -> dict[str, str]:
    """The options that a corpus was read with; of a path only its last name, because paths are private."""
    return {name: last_name(value) for name, value in sorted(given.items())}


def last_name(value: str) -> str:
    """The last name of a path of any system; any other text as it is."""
    return PureWindowsPath(PurePosixPath(value).name).name


def page(corpus: str) -> dict[str, str]:
    """Sections of a corpus's page that are not empty; nothing where the corpus has no page."""
    try:
        card = get_corpus(corpus).card
    except CorpusNotFound:
        return {}
    sections = {name: section(card, name) for name in SECTIONS}
    return {name: text for name, text in sections.items() if text}


def section(card: str, name: str) -> str:
    """The text of a page's section, under a heading of its own or after `**Name**:`."""
    begin, end = rf"^(?:## {name}\n+|\*\*{name}\*\*: )", r"(?=^## |^\*\*[^*\n]+\*\*: |\Z)"
    match = re.search(rf"{begin}(.+?){end}", card, re.DOTALL | re.MULTILINE)
    text = match[1].strip() if match else ""
    return text[:1].upper() + text[1:]
