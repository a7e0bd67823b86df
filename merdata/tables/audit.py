"""The tables of `merdata audit`, which the page shows too."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from rich.table import Table

from merdata.leakage.audit import Audit
from merdata.leakage.overlap import HEARD, Finding
from merdata.leakage.probes import TextProbe
from merdata.leakage.texts import SameText
from merdata.store.protocol import TEST, VALIDATION
from merdata.tables.table import console, shortened, table

MOST_EXAMPLES = 6
UNBALANCED = 0.1  # total variation distance from the corpus, from which on a split is shown


def audited(audits: Iterable[Audit]) -> None:
    """Print tables for each protocol; what holds for the whole store comes once, at the end."""
    screen = console()
    for audit in audits:
        screen.print(f"protocol {audit.protocol}, SHA-256 {audit.hash[:12]}")
        for made in tables(audit):
            screen.print(made)
        for remark in remarks(audit):
            screen.print(remark, soft_wrap=True)
        screen.print(f"protocol {audit.protocol}: {promises(audit)}\n")
    for line in recordings(audit):
        screen.print(line, soft_wrap=True)


def promises(audit: Audit) -> str:
    """How many of its promises a protocol keeps."""
    made = sum(finding.claimed for finding in audit.findings)
    return f"{made - len(audit.broken)} of {made} promises hold"


def tables(audit: Audit) -> list[Table]:
    """What is shared with train, which texts, and what text alone tells; only tables that have rows."""
    return [made for made in (_overlaps(audit), _texts(audit), _probes(audit)) if made.row_count]


def _overlaps(audit: Audit) -> Table:
    made = table(
        "shared with train", "corpus", "#validation", "#test", "#values of test", "verdict", "for example"
    )
    groups: dict[tuple[str, str], list[Finding]] = {}
    for finding in audit.findings:
        groups.setdefault((finding.shared, finding.corpus), []).append(finding)
    for (shared, corpus), findings in groups.items():
        example = next((name for finding in reversed(findings) for name in finding.examples), "")
        example = example.partition(" = ")[0] if shared in HEARD else example
        shown = shortened(example.removeprefix(f"{corpus}/"))
        sides = [
            [finding for finding in findings if finding.evaluation == side] for side in (VALIDATION, TEST)
        ]
        made.add_row(shared, corpus, *map(_rows, sides), _values(sides[1]), _verdict(findings), shown)
    if len({finding.fold for finding in audit.findings}) > 1:
        made.caption = "numbers are sums over the folds (--json has each fold)"
    return made


def _rows(findings: list[Finding]) -> str:
    return _of(sum(fold.rows for fold in findings), sum(fold.of_rows for fold in findings))


def _values(findings: list[Finding]) -> str:
    return _of(sum(fold.values for fold in findings), sum(fold.of_values for fold in findings))


def _of(count: int, total: int) -> str:
    return f"{count:,} of {total:,}" if total else "-"


def _verdict(findings: list[Finding]) -> str:
    broken = sorted({finding.fold for finding in findings if finding.broken})
    if broken:
        return "PROMISE BROKEN" + (f" in fold {', '.join(map(str, broken))}" if broken != [0] else "")
    if any(finding.claimed for finding in findings):
        return "promise kept"
    return "disjoint" if all(finding.disjoint for finding in findings) else "shared"


def _texts(audit: Audit) -> Table:
    """By length where some texts are new; one line where none is."""
    made = table("test texts in train", "corpus", "#rows", "#share", "#right by look-up", "for example")
    lengths: dict[str, dict[str, list[SameText]]] = {}
    for same in audit.same_texts:
        lengths.setdefault(same.corpus, {}).setdefault(same.length, []).append(same)
    for corpus, of_length in lengths.items():
        has_new = any(fold.rows < fold.of_rows for fold in of_length["all"])
        for length, folds in of_length.items():
            shared, rows = sum(fold.rows for fold in folds), sum(fold.of_rows for fold in folds)
            if length == "all" or (has_new and shared):
                right = f"{sum(fold.right for fold in folds) / shared:.1%}" if shared else "-"
                example = shortened(next((text for fold in folds for text in fold.examples), ""))
                made.add_row(length, corpus, _of(shared, rows), f"{shared / rows:.1%}", right, example)
    return made


def _probes(audit: Audit) -> Table:
    made = table("text alone tells", "#rows", "#chance", "#look-up UAR", "#linear UAR", "#majority", "")
    for probe in audit.text_probes:
        made.add_row(
            f"the emotion, {probe.corpus}",
            f"{probe.rows:,}",
            f"{probe.chance:.3f}",
            f"{probe.lookup_uar:.3f}",
            f"{probe.linear_uar:.3f}",
            f"{probe.majority:.3f}",
            _remark(probe),
        )
    if audit.corpus_probe:
        of_corpus = audit.corpus_probe
        uars = [f"{uar:.3f}" for uar in (of_corpus.chance, of_corpus.lookup_uar, of_corpus.linear_uar)]
        made.add_row(f"the corpus, of {of_corpus.corpora}", f"{of_corpus.rows:,}", *uars, "", "")
    return made


def _remark(probe: TextProbe) -> str:
    if probe.alarm:
        return f"ALARM: {probe.alarm}"
    return "at chance, as it should be where every sentence has every emotion" if probe.crossed else ""


def remarks(audit: Audit) -> Iterator[str]:
    """Splits that have no rows, are far from their corpus in label or gender, or lack a class."""
    for split in audit.empty:
        cost = ": nothing trained on this protocol can be scored" if split == TEST else ""
        yield f"there are no rows in {split}{cost}"
    for balance in audit.balance:
        distances = {"label": balance.label, "gender": balance.gender}
        remarks = [f"{name} {distance:.0%}" for name, distance in distances.items() if distance > UNBALANCED]
        if balance.lacking:
            remarks.append(f"no {', '.join(balance.lacking)}")
        if remarks:
            fold = f", fold {balance.fold}" if balance.fold else ""
            yield f"unbalanced: {balance.corpus}, {balance.split}{fold}: {'; '.join(remarks)}"


def recordings(audit: Audit) -> Iterator[str]:
    """Which recordings are in the store twice."""
    same = audit.conflicts
    if same.groups:
        differing = f"of them {same.differing:,} with different labels"
        yield f"groups of rows with identical audio: {same.groups:,}, {differing}"
        yield from (f"  {example}" for example in same.examples)
    if audit.copies is None:
        yield "near-identical audio: not looked for"
        return
    yield f"near-identical audio: {len(audit.copies):,} pairs of rows may be one recording"
    for copy in audit.copies[:MOST_EXAMPLES]:
        yield f"  {copy.one} ~ {copy.other} ({copy.error:.1%} of the bits differ)"
