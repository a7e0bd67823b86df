"""The tables of a store's card, as plain data for its template."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np
import yaml

from merdata.corpora.registry import get_corpus
from merdata.errors import CorpusNotFound
from merdata.io.resources import card_text
from merdata.leakage.audit import Audit, Finding
from merdata.store.ledger import STORED
from merdata.store.protocol import SPLITS, Protocol
from merdata.store.store import Store

MOST_FOLDS = 10
EXAMPLES = 3
BECAME_NOTHING = ("dropped", "unlabelled")  # what the loss account calls a raw label without a class
Record = dict[str, Any]


def left_out(store: Store, ledger: Iterable[Record]) -> list[Record]:
    """What is not as the corpora have it: records of the ledger with what their reason means."""
    meanings = yaml.safe_load(card_text("reasons.yaml"))
    found = []
    for record in ledger:
        if record["state"] != STORED:
            meaning = meanings.get(record["reason"], "")
            if record["reason"] == "label":
                labels = store.corpora[record["corpus"]]["counts"]["labels"]
                raws = [f"{raw} {fates['dropped']:,}" for raw, fates in labels.items() if "dropped" in fates]
                meaning = f"{meaning}: {', '.join(raws)}"
            found.append(record | {"meaning": meaning})
    return found


def textless(store: Store) -> list[Record]:
    """How many rows of which corpora have no transcript, and the commonest reasons."""
    found = []
    for corpus, facts in sorted(store.corpora.items()):
        reasons = facts["counts"]["textless"]
        if reasons:
            told = [f"{why}: {rows:,}" for why, rows in list(reasons.items())[:EXAMPLES]]
            rows, more = sum(reasons.values()), len(reasons) - len(told)
            found.append({"corpus": corpus, "rows": rows, "reasons": told, "more": more})
    return found


def mapping(store: Store) -> dict[str, dict[str, list[str]]]:
    """corpus -> class, `dropped` or `unlabelled` -> the raw labels that became it, by class."""
    order = [*store.space.classes, *BECAME_NOTHING]
    found: dict[str, dict[str, list[str]]] = {}
    for corpus, facts in sorted(store.corpora.items()):
        raws = defaultdict(list)
        for raw, fates in facts["counts"]["labels"].items():
            for fate in fates:
                raws[fate].append(raw)
        found[corpus] = {fate: raws[fate] for fate in order if fate in raws}
    return found


def speakers(figures: Mapping[str, Any]) -> list[Record]:
    """How many speakers each corpus has, and how many rows they have."""
    rows = defaultdict(list)
    for one in figures["by"]["speaker"]:
        rows[one["corpus"]].append(one["rows"])
    return [
        {"corpus": corpus, "speakers": len(n), "least": min(n), "median": int(np.median(n)), "most": max(n)}
        for corpus, n in sorted(rows.items())
    ]


def sizes(protocol: Protocol) -> list[Record]:
    """Rows of each split in the first folds of a protocol."""
    counts = protocol.table.group_by(["fold", "split"]).aggregate([([], "count_all")]).to_pylist()
    rows = {(one["fold"], one["split"]): one["count_all"] for one in counts}
    names = protocol.fold_names if len(protocol.folds) > 1 else {0: "the only one"}
    return [
        {"fold": names[fold], "rows": [rows.get((fold, split), 0) for split in SPLITS]}
        for fold in protocol.folds[:MOST_FOLDS]
    ]


def verdict(audit: Audit) -> Record:
    """What an audit found: promises kept, what each corpus shares with train, alarms of the text."""
    found: dict[str, dict[str, list[Finding]]] = defaultdict(lambda: defaultdict(list))
    for finding in audit.findings:
        found[finding.corpus][finding.shared].append(finding)
    probes = {probe.corpus: probe for probe in audit.text_probes}
    promised = sum(finding.claimed for finding in audit.findings)
    columns = list(dict.fromkeys(finding.shared for finding in audit.findings))
    return {
        "promised": promised,
        "kept": promised - len(audit.broken),
        "columns": columns,
        "corpora": {
            corpus: [_shared(of_corpus.get(column, [])) for column in columns] + [_told(probes.get(corpus))]
            for corpus, of_corpus in sorted(found.items())
        },
        "alarms": [f"{probe.corpus}: {probe.alarm}" for probe in audit.text_probes if probe.alarm],
    }


def _shared(findings: list[Finding]) -> str:
    """Rows of validation and test, over all folds, that share something with train; and the verdict."""
    if not findings:
        return "-"
    mark = " **BROKEN**" if any(one.broken for one in findings) else ""
    mark = mark or (" ✓" if any(one.claimed for one in findings) else "")
    return f"{sum(one.rows for one in findings):,} of {sum(one.of_rows for one in findings):,}{mark}"


def _told(probe: Any) -> str:
    return f"{max(probe.lookup_uar, probe.linear_uar):.2f} (chance {probe.chance:.2f})" if probe else "-"


def defects(store: Store) -> list[Record]:
    """The known defects that rows of the store have, with a few of these rows."""
    return [
        {"corpus": corpus, "defect": name, "rows": len(ids), "examples": ids[:EXAMPLES]}
        for corpus, facts in sorted(store.corpora.items())
        for name, ids in facts["counts"]["defects"].items()
    ]


def options(facts: Mapping[str, Any]) -> dict[str, str]:
    """The options that a corpus was read with; of a path its last name only, as places are private."""
    return {name: last_name(str(value)) for name, value in sorted(facts["options"].items())}


def last_name(value: str) -> str:
    """What remains of a path that would tell how the builder's disk is laid out."""
    return PureWindowsPath(PurePosixPath(value).name).name


def page(corpus: str) -> dict[str, str]:
    """What the corpus's page says of its licence, defects and citation; nothing where no page is known."""
    try:
        card = get_corpus(corpus).card
    except CorpusNotFound:
        return {}
    sections = {name: section(card, name) for name in ("Licence", "Known defects", "Citation")}
    return {name: text for name, text in sections.items() if text}


def section(card: str, name: str) -> str:
    """The text of a page's part, be it under a heading of its own or behind `**Name**:`."""
    begin, end = rf"^(?:## {name}\n+|\*\*{name}\*\*: )", r"(?=^## |^\*\*[^*\n]+\*\*: |\Z)"
    found = re.search(rf"{begin}(.+?){end}", card, re.DOTALL | re.MULTILINE)
    text = found[1].strip() if found else ""
    return text[:1].upper() + text[1:]
